"""Cases of ``lampas.ops.normal``; oracles from math.erfc and the standard library."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from case import Case, each, given, normal, within

SIDES = given([-3.0, -1.25, -0.5, 0.0, 0.25, 1.0, 4.0, 9.0])


def below(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def log_below(x):
    upper = math.erfc(x / math.sqrt(2)) / 2
    return math.log(below(x)) if x < 0 else math.log1p(-upper)


def xlog1py(x, y):
    return x * math.log1p(y)


CASES = [
    Case("special.ndtr", normal((3, 4)), each(below), elementwise=True),
    Case("special.ndtr", SIDES, each(below)),
    Case("special.log_ndtr", normal((3, 4)), each(log_below), elementwise=True),
    Case("special.log_ndtr", SIDES, each(log_below)),
    Case(
        "special.ndtri",
        within(0.05, 0.95, (3, 4)),
        each(NormalDist().inv_cdf),
        elementwise=True,
        tol="loose",  # the oracle itself is right to 1e-11 only
    ),
    # Quantiles to 15 figures, Abramowitz & Stegun table 26.5 and beyond.
    Case(
        "special.ndtri",
        given([0.975, 0.025, 0.5]),
        lambda p: np.array([1.959963984540054, -1.959963984540054, 0.0]),
        dtypes=("float64", "float32"),
    ),
    Case(
        "special.erfcx",
        normal((3, 4)),
        each(lambda x: math.exp(x * x) * math.erfc(x)),
        elementwise=True,
    ),
    Case(
        "special.erfcx",
        within(-4.0, 4.0, (12,)),
        each(lambda x: math.exp(x * x) * math.erfc(x)),
        dtypes=("float64", "float32"),
    ),
    Case(
        "special.entr",
        within(0.1, 3.0, (3, 4)),
        each(lambda x: -x * math.log(x)),
        elementwise=True,
    ),
    Case(
        "special.entr",
        given([0.0, 1.0, -1.0]),
        lambda x: np.array([0.0, 0.0, -math.inf]),
        grad=False,
    ),
    Case("special.xlog1py", within(-0.5, 2.0, (3, 4), (4,)), each(xlog1py)),
    Case(
        "special.xlog1py",
        given([0.0, 0.0, 1.0], [-1.0, math.nan, -1.0]),
        lambda x, y: np.array([0.0, math.nan, -math.inf]),
        grad=False,
    ),
]
