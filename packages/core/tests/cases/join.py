"""Cases of ``lampas.ops.join``."""

from __future__ import annotations

import numpy as np
from case import Case, normal


def joined(xs, dim=0):
    rows = [row for x in xs for row in np.moveaxis(x, dim, 0)]
    return np.moveaxis(np.array(rows), 0, dim)


def stacked(xs, dim=0):
    return np.moveaxis(np.array(list(xs)), 0, dim)


def joining(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact", listed=True)


CASES = [
    joining("cat", normal((2, 3), (1, 3), (4, 3)), joined),
    joining("cat", normal((2, 3), (2, 1)), joined, dim=-1),
    joining("cat", normal((2, 3)), joined),
    joining("cat", normal((0,), (2, 3)), lambda xs: xs[1]),
    joining("concat", normal((2,), (3,)), joined),
    joining("stack", normal((2, 3), (2, 3)), stacked),
    joining("stack", normal((2, 3), (2, 3)), stacked, dim=-1),
    joining("stack", normal((), ()), stacked),
    joining("hstack", normal((2,), ()), lambda xs: np.array([*xs[0], xs[1]])),
    joining("hstack", normal((2, 1), (2, 3)), lambda xs: joined(xs, 1)),
    joining("vstack", normal((2,), (3, 2)), lambda xs: np.array([xs[0], *xs[1]])),
    joining("dstack", normal((2,), (2,)), lambda xs: np.array([list(zip(*xs))])),
    Case(
        "column_stack",
        normal((2,), (2, 2)),
        lambda xs: np.array([[xs[0][i], *xs[1][i]] for i in range(2)]),
        tol="exact",
        listed=True,
    ),
    Case("atleast_1d", normal(()), lambda x: x[None], tol="exact"),
    Case("atleast_2d", normal((3,)), lambda x: x[None], tol="exact"),
    Case("atleast_3d", normal((3, 2)), lambda x: x[..., None], tol="exact"),
    Case(
        "block_diag",
        normal((1, 2), (2,)),
        lambda a, b: np.array([[*a[0], 0, 0], [0, 0, *b]]),
        tol="exact",
    ),
]
