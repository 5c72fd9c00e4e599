"""Cases of ``lampas.ops.norms``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, apart

INF = math.inf
X = apart((3, 4))


def size(row, p):
    if p == INF:
        return max(map(abs, row))
    if p == -INF:
        return min(map(abs, row))
    if p == 0:
        return sum(v != 0 for v in row)
    return math.fsum(abs(v) ** p for v in row) ** (1 / p)


def whole(x, p=2):
    return np.array(size(x.ravel().tolist(), p))


def rows(x, p, dim):
    return np.array([size(row.tolist(), p) for row in x])


def apart_from_zero(rng):
    """No two elements have one size."""
    return [x + 0.07 for x in X(rng)]


CASES = [
    Case("norm", X, whole),
    *(
        Case("norm", apart_from_zero, whole, {"p": p})
        for p in (0, 1, 2, 3, 0.5, INF, -INF)
    ),
    *(Case("norm", apart_from_zero, rows, {"p": p, "dim": 1}) for p in (1, 2, INF)),
    Case("dist", apart((3, 4), (3, 4)), lambda x, y: whole(x - y)),
]
