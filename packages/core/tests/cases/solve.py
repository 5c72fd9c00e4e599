"""Cases of ``lampas.ops.solve``; oracles eliminate by Gauss and Jordan, by rows."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

WIDE = ("float64", "float32")


def gauss(a, b):
    """The solution of ``a @ x = b`` for one matrix and columns ``b``."""
    n = len(a)
    rows = [list(map(float, [*ra, *rb])) for ra, rb in zip(a, b)]
    for j in range(n):
        best = max(range(j, n), key=lambda i: abs(rows[i][j]))
        rows[j], rows[best] = rows[best], rows[j]
        rows[j] = [v / rows[j][j] for v in rows[j]]
        for i in range(n):
            if i != j:
                factor = rows[i][j]
                rows[i] = [u - factor * v for u, v in zip(rows[i], rows[j])]
    return np.array(rows)[:, n:].reshape(n, -1)


def each_matrix(function):
    """Apply a function of one matrix to a batch."""

    def oracle(x, **params):
        flat = x.reshape(-1, *x.shape[-2:])
        found = np.array([function(m, **params) for m in flat])
        return found.reshape(*x.shape[:-2], *found.shape[1:])

    return oracle


def solved(a, b, left=True):
    if not left:
        return solved(a.swapaxes(-1, -2), b.swapaxes(-1, -2)).swapaxes(-1, -2)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    out = np.empty(b.shape)
    for i in np.ndindex(*batch):
        out[i] = gauss(a[i], b[i])
    return out


def inverse(x):
    return gauss(x, np.eye(len(x)))


def firm(*shapes):
    """The first input with a heavy diagonal, so that it is far from singular."""

    def make(rng):
        made = [rng.standard_normal(s) for s in shapes]
        made[0] = made[0] + 4 * np.eye(*shapes[0][-2:])
        return made

    return make


def triangular(a, b, upper, left=True, unitriangular=False):
    a = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        diagonal = np.eye(a.shape[-1], dtype=bool)
        a = np.where(diagonal, 1.0, a)
    return solved(a, b, left)


def case(name, inputs, oracle, **params):
    return Case(f"linalg.{name}", inputs, oracle, params, tol="loose", dtypes=WIDE)


CASES = [
    case("inv", firm((3, 3)), inverse),
    case("inv", firm((2, 4, 4)), each_matrix(inverse)),
    case("inv_ex", firm((3, 3)), lambda x: (inverse(x), np.array(0))),
    case("solve", firm((3, 3), (3, 2)), solved),
    case("solve", firm((2, 3, 3), (3, 2)), solved),
    case("solve", firm((3, 3), (2, 2, 3)), solved, left=False),
    case("solve", firm((3, 3), (3,)), lambda a, b: gauss(a, b[:, None])[:, 0]),
    case(
        "solve",
        firm((2, 3, 3), (2, 3)),
        lambda a, b: solved(a, b[..., None])[..., 0],
    ),
    case("solve_ex", firm((3, 3), (3, 1)), lambda a, b: (solved(a, b), np.array(0))),
    case("solve_triangular", firm((3, 3), (3, 2)), triangular, upper=True),
    case("solve_triangular", firm((3, 3), (2, 3, 2)), triangular, upper=False),
    case(
        "solve_triangular", firm((2, 3, 3), (4, 3)), triangular, upper=True, left=False
    ),
    case(
        "solve_triangular",
        normal((2, 3, 3), (2, 3, 1)),
        triangular,
        upper=False,
        unitriangular=True,
    ),
    Via(
        "linalg.tensorinv",
        firm((6, 6)),
        lambda x: inverse(x).reshape(6, 2, 3),
        tol="loose",
        dtypes=WIDE,
        call=lambda op, x: op(x.reshape(2, 3, 6), ind=2),
    ),
    Via(
        "linalg.tensorsolve",
        firm((6, 6), (3, 2)),
        lambda a, b: gauss(a, b.reshape(6, 1)).reshape(2, 3),
        tol="loose",
        dtypes=WIDE,
        call=lambda op, a, b: op(a.reshape(3, 2, 2, 3), b),
    ),
]
