"""Cases of ``lampas.ops.cumulative``; oracles go element by element."""

from __future__ import annotations

import math

import numpy as np
from case import Case, apart, given, integers, normal


def rows_of(x, dim):
    lines = np.moveaxis(x, dim, -1)
    return lines.reshape(-1, x.shape[dim]), lines.shape


def lined(rows, shape, dim):
    return np.moveaxis(np.array(rows).reshape(shape), -1, dim)


def record(better):
    """Values and positions of the best so far, the last of equal ones."""

    def oracle(x, dim):
        rows, shape = rows_of(x, dim)
        at = []
        for row in rows:
            best, places = 0, []
            for k, value in enumerate(row):
                if math.isnan(value) or value == row[best] or better(value, row[best]):
                    best = k
                places.append(best)
            at.append(places)
        values = [[row[k] for k in places] for row, places in zip(rows, at)]
        return lined(values, shape, dim), lined(at, shape, dim)

    return oracle


def log_sums(x, dim):
    rows, shape = rows_of(x, dim)
    sums = [
        [math.log(math.fsum(map(math.exp, row[: k + 1]))) for k in range(len(row))]
        for row in rows
    ]
    return lined(sums, shape, dim)


larger = record(lambda new, old: new > old)
smaller = record(lambda new, old: new < old)
WITH_NAN = given([1.0, 2.0, 2.0, math.nan, 3.0, math.nan, 1.0])

CASES = [
    Case("cummax", apart((5, 4)), larger, {"dim": 0}, tol="exact"),
    Case("cummax", apart((2, 7)), larger, {"dim": -1}, tol="exact"),
    Case("cummin", apart((3, 5, 2)), smaller, {"dim": 1}, tol="exact"),
    Case("cummax", integers(0, 3, (9,)), larger, {"dim": 0}, tol="exact"),
    Case("cummin", integers(0, 3, (9,)), smaller, {"dim": 0}, tol="exact"),
    Case("cummax", WITH_NAN, larger, {"dim": 0}, tol="exact", grad=False),
    Case("cummin", WITH_NAN, smaller, {"dim": 0}, tol="exact", grad=False),
    Case("cummax", normal(()), lambda x, dim: (x, np.array(0)), {"dim": 0}),
    Case("logcumsumexp", normal((5, 3)), log_sums, {"dim": 0}),
    Case("logcumsumexp", normal((2, 9)), log_sums, {"dim": 1}),
    Case("logcumsumexp", normal(()), lambda x, dim: x, {"dim": 0}),
]
