"""Cases of ``lampas.ops.scan``."""

from __future__ import annotations

import itertools
import operator

import numpy as np
from case import Case, given, integers, within

X = within(0.5, 2.0, (3, 4))


def running(function, dim):
    def oracle(x, **params):
        rows = np.moveaxis(x, dim, -1)
        result = np.apply_along_axis(
            lambda row: list(itertools.accumulate(row.tolist(), function)), -1, rows
        )
        return np.moveaxis(result, -1, dim)

    return oracle


CASES = [
    Case("cumsum", X, running(operator.add, 0), {"dim": 0}),
    Case("cumsum", X, running(operator.add, 1), {"dim": -1}),
    Case("cumsum", integers(-9, 9, (5,)), running(operator.add, 0), {"dim": 0}),
    Case("cumprod", X, running(operator.mul, 0), {"dim": 0}),
    Case("cumprod", X, running(operator.mul, 1), {"dim": -1}),
    Case(
        "cumprod",
        given([[2.0, 0.0, 3.0, 4.0], [0.0, 1.0, 0.0, 2.0]]),
        running(operator.mul, 1),
        {"dim": 1},
    ),
    # Its gradient scans from the end.
    Case(
        "prod",
        given([[2.0, 0.0, 3.0], [1.0, 2.0, 3.0]]),
        lambda x, dim: x.prod(1),
        {"dim": 1},
    ),
    Case("diff", X, lambda x: x[:, 1:] - x[:, :-1]),
    Case("diff", X, lambda x, n: x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2], {"n": 2}),
    Case("diff", X, lambda x, dim: x[1:] - x[:-1], {"dim": 0}),
    Case("diff", X, lambda x, n: x[:, :0], {"n": 9}, grad=False),
    Case("diff", given([True, True, False]), lambda x: np.array([False, True])),
]
