"""Cases of ``lampas.ops.reduce`` and ``lampas.ops.variance``."""

from __future__ import annotations

import math
import statistics

import numpy as np
from case import Case, given, integers, normal, within

X = normal((2, 3, 4))


def reduce(function, dim=None, keepdim=False):
    """An oracle that gives a function the elements to reduce, as a list."""

    def oracle(x, **params):
        dims = range(x.ndim) if dim is None else np.atleast_1d(dim)
        dims = sorted(d % x.ndim for d in dims)
        kept = [d for d in range(x.ndim) if d not in dims]
        rows = np.transpose(x, [*kept, *dims]).reshape(*(x.shape[d] for d in kept), -1)
        result = np.apply_along_axis(lambda r: function(r.tolist()), -1, rows)
        return np.expand_dims(result, tuple(dims)) if keepdim else result

    return oracle


def spread(correction):
    def variance(row):
        mean = math.fsum(row) / len(row)
        return math.fsum((v - mean) ** 2 for v in row) / (len(row) - correction)

    return variance


def deviation(row):
    return math.sqrt(spread(1)(row))


def log_sum_exp(row):
    return math.log(math.fsum(map(math.exp, row)))


def over(name, function, dims=(None, 1, (0, 2), -1), inputs=X, **options):
    """The op over all dimensions and over some."""
    cases = [
        Case(
            name,
            inputs,
            reduce(function, d),
            {} if d is None else {"dim": d},
            **options,
        )
        for d in dims
    ]
    kept = {"dim": 1, "keepdim": True}
    return [*cases, Case(name, inputs, reduce(function, 1, True), kept, **options)]


TRUTHS = given([[[True, False], [True, True]], [[False, False], [True, True]]])

CASES = [
    *over("sum", math.fsum),
    Case("sum", integers(-9, 9, (3, 4)), lambda x: x.sum(), tol="exact"),
    Case("sum", TRUTHS, lambda x: np.array(5), tol="exact"),
    *over("mean", lambda row: math.fsum(row) / len(row)),
    *over("var", spread(1)),
    Case("var", X, reduce(spread(0)), {"correction": 0}),
    *over("std", deviation),
    Case(
        "var_mean",
        X,
        lambda x, dim: (reduce(spread(1), 1)(x), reduce(statistics.fmean, 1)(x)),
        {"dim": 1},
    ),
    Case(
        "std_mean",
        X,
        lambda x, dim: (reduce(deviation, 1)(x), reduce(statistics.fmean, 1)(x)),
        {"dim": 1},
    ),
    *over("prod", math.prod, dims=(None, 1, -1)),
    Case(
        "prod",
        given([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0], [1.0, 2.0, 3.0]]),
        reduce(math.prod, 1),
        {"dim": 1},
    ),
    Case("prod", X, reduce(math.prod, None, True), {"keepdim": True}),
    Case("prod", given(1.5), lambda x: x),
    Case("prod", integers(-3, 4, (3, 2)), lambda x: x.prod(), tol="exact"),
    *over("logsumexp", log_sum_exp, dims=(1, (0, 2))),
    Case(
        "logsumexp",
        given([1000.0, 1000.0]),
        lambda x, dim: np.array(1000 + math.log(2)),
        {"dim": 0},
        dtypes=("float64", "float32"),
    ),
    *over("all", all, dims=(None, 0, (0, 1)), inputs=TRUTHS, tol="exact"),
    *over("any", any, dims=(None, 0, (0, 1)), inputs=TRUTHS, tol="exact"),
    *over(
        "count_nonzero",
        lambda row: sum(v != 0 for v in row),
        dims=(None, 1),
        inputs=integers(-1, 2, (3, 4)),
        tol="exact",
    )[:2],
    Case("nansum", given([1.0, math.nan, 2.0]), lambda x: np.array(3.0), grad=False),
    Case("nanmean", given([1.0, math.nan, 2.0]), lambda x: np.array(1.5), grad=False),
    Case("nansum", within(1, 2, (3, 4)), reduce(math.fsum, 0), {"dim": 0}),
]
