"""Cases of ``lampas.ops.product``; oracles are the sums of the definitions."""

from __future__ import annotations

import numpy as np
from case import Case, normal


def weighted(product):
    def oracle(x, *factors, beta=1, alpha=1):
        return beta * x + alpha * product(*factors)

    return oracle


def times_vector(matrix, vec):
    return np.array([sum(a * b for a, b in zip(row, vec)) for row in matrix])


def all_pairs(a, b):
    return np.array([[x * y for y in b] for x in a])


def batch_sum(a, b):
    n, m = a.shape[1], b.shape[2]
    return np.array(
        [[(a[:, i, :] * b[:, :, j]).sum() for j in range(m)] for i in range(n)]
    )


def last_sums(a, b):
    if not a.ndim or not b.ndim:
        return a * b
    out = np.empty(a.shape[:-1] + b.shape[:-1])
    for i in np.ndindex(*a.shape[:-1]):
        for j in np.ndindex(*b.shape[:-1]):
            out[i + j] = (a[i] * b[j]).sum()
    return out


def blocks(a, b):
    return np.block([[x * b for x in row] for row in a])


def vector_product(a, b, dim=None):
    a, b = np.broadcast_arrays(a, b)
    dim = a.shape.index(3) if dim is None else dim
    x, y = np.moveaxis(a, dim, 0), np.moveaxis(b, dim, 0)
    out = [
        x[1] * y[2] - x[2] * y[1],
        x[2] * y[0] - x[0] * y[2],
        x[0] * y[1] - x[1] * y[0],
    ]
    return np.moveaxis(np.array(out), 0, dim)


SCALED = {"beta": 0.5, "alpha": 2.0}

CASES = [
    Case("vdot", normal((4,), (4,)), lambda a, b: sum(x * y for x, y in zip(a, b))),
    Case("inner", normal((2, 4), (3, 4)), last_sums),
    Case("inner", normal((2, 3, 4), (4,)), last_sums),
    Case("inner", normal((), (2, 3)), last_sums),
    Case("addmv", normal((3,), (3, 4), (4,)), weighted(times_vector)),
    Case("addmv", normal((1,), (3, 4), (4,)), weighted(times_vector), SCALED),
    Case("addr", normal((3, 2), (3,), (2,)), weighted(all_pairs), SCALED),
    Case("ger", normal((3,), (2,)), all_pairs),
    Case("addbmm", normal((2, 4), (3, 2, 5), (3, 5, 4)), weighted(batch_sum), SCALED),
    Case("kron", normal((2, 3), (3, 2)), blocks),
    Case("kron", normal((1, 3), (2,)), lambda a, b: blocks(a, b[None])),
    Case("cross", normal((3,), (3,)), vector_product),
    Case("cross", normal((2, 3), (1, 3)), vector_product, {"dim": 1}),
    Case("cross", normal((3, 2), (3, 2)), vector_product),
]
