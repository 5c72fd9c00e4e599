"""Cases of ``lampas.ops.factor``; the oracle eliminates row by row."""

from __future__ import annotations

import numpy as np
from case import Via, normal

import lampas
from cases.solve import WIDE, each_matrix, firm, solved


def eliminated(x, pivot=True):
    """LU in one matrix, pivots, and the permutation."""
    m, n = x.shape
    lu, pivots, order = x.copy(), [], np.arange(m)
    for j in range(min(m, n)):
        best = j + int(np.argmax(abs(lu[j:, j]))) if pivot else j
        lu[[j, best]], order[[j, best]] = lu[[best, j]], order[[best, j]]
        pivots.append(best + 1)
        for i in range(j + 1, m):
            lu[i, j] /= lu[j, j]
            lu[i, j + 1 :] -= lu[i, j] * lu[j, j + 1 :]
    return lu, np.array(pivots), np.eye(m)[:, order]


def triangles(x, pivot=True):
    lu, _, permutation = eliminated(x, pivot)
    k = min(x.shape)
    low = np.tril(lu[:, :k], -1) + np.eye(len(x), k)
    return permutation, low, np.triu(lu[:k])


def via(name, inputs, oracle, call, **params):
    return Via(name, inputs, oracle, params, tol="loose", dtypes=WIDE, call=call)


def plain(op, *tensors, **params):
    return op(*tensors, **params)


def both(op, a, b, left=True, adjoint=False):
    return op(*lampas.linalg.lu_factor(a), b, left=left, adjoint=adjoint)


CASES = [
    via("linalg.lu_factor", normal((3, 3)), lambda x: eliminated(x)[:2], plain),
    via("linalg.lu_factor", normal((5, 3)), lambda x: eliminated(x)[:2], plain),
    via("linalg.lu_factor", normal((3, 5)), lambda x: eliminated(x)[:2], plain),
    via(
        "linalg.lu_factor",
        normal((2, 3, 3)),
        lambda x: (
            each_matrix(lambda m: eliminated(m)[0])(x),
            each_matrix(lambda m: eliminated(m)[1])(x),
        ),
        plain,
    ),
    via(
        "linalg.lu_factor_ex",
        firm((3, 3)),
        lambda x, pivot: (*eliminated(x, pivot)[:2], np.array(0)),
        plain,
        pivot=False,
    ),
    via("linalg.lu", normal((4, 3)), triangles, plain),
    via("linalg.lu", normal((3, 4)), triangles, plain),
    via("linalg.lu_solve", firm((3, 3), (3, 2)), solved, both),
    via("linalg.lu_solve", firm((3, 3), (2, 2, 3)), solved, both, left=False),
    via(
        "linalg.lu_solve",
        firm((3, 3), (3, 2)),
        lambda a, b, adjoint: solved(a.T, b),
        both,
        adjoint=True,
    ),
]
