"""Cases of ``lampas.ops.vander`` and of the forms of functions in ``linalg``."""

from __future__ import annotations

import numpy as np
from case import Case, given, integers, normal


def rising(x, N=None):
    N = x.shape[-1] if N is None else N
    return np.stack([x**j for j in range(N)], -1)


def falling(x, N=None, increasing=False):
    table = rising(x, N)
    return table if increasing else table[..., ::-1]


def products(x, y, dim=-1):
    return (x * y).sum(dim)


def vector_product(a, b, dim=-1):
    return np.cross(a, b, axis=dim)


CASES = [
    Case("vander", normal((4,)), falling),
    Case("vander", normal((3,)), falling, {"N": 5, "increasing": True}),
    Case("vander", given([0.0, 2.0, 0.0]), falling, {"N": 4}),
    Case("vander", integers(-3, 3, (4,)), falling),
    Case("vander", normal((3,)), lambda x, N: np.ones((3, 1)), {"N": 1}, grad=False),
    Case("linalg.vander", normal((2, 3)), rising),
    Case("linalg.vander", normal((2, 3)), rising, {"N": 5}),
    Case("linalg.vecdot", normal((2, 3), (3,)), products),
    Case("linalg.vecdot", normal((2, 3), (2, 3)), products, {"dim": 0}),
    Case("linalg.cross", normal((3, 3), (3, 3)), vector_product),
    Case("linalg.cross", normal((3, 2), (3, 2)), vector_product, {"dim": 0}),
    Case(
        "linalg.diagonal",
        normal((2, 3, 4)),
        lambda A, offset: np.stack([np.diag(m, offset) for m in A]),
        {"offset": 1},
    ),
]
