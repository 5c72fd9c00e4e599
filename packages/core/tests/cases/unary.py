"""Cases of ``lampas.ops.unary``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given, normal, within

X = normal((3, 4))
POSITIVE = within(0.5, 2.0, (3, 4))


def between_integers(rng):
    return [rng.integers(-4, 4, (3, 4)) + rng.uniform(0.2, 0.45, (3, 4))]


def unary(name, inputs, function, **options):
    return Case(name, inputs, each(function), elementwise=True, **options)


CASES = [
    unary("exp", X, math.exp),
    unary("exp2", X, lambda x: 2.0**x),
    unary("expm1", X, math.expm1),
    unary("log", POSITIVE, math.log),
    unary("log2", POSITIVE, math.log2),
    unary("log10", POSITIVE, math.log10),
    unary("log1p", POSITIVE, math.log1p),
    unary("sigmoid", X, lambda x: 1 / (1 + math.exp(-x))),
    unary("abs", X, math.fabs),
    unary("sgn", X, lambda x: math.copysign(1, x)),
    unary("sign", X, lambda x: math.copysign(1, x)),
    unary("positive", X, lambda x: x),
    unary("floor", between_integers, math.floor),
    unary("ceil", between_integers, math.ceil),
    unary("trunc", between_integers, math.trunc),
    unary("frac", between_integers, lambda x: x - math.trunc(x)),
    unary("round", between_integers, round),
    unary("conj", X, lambda x: x),
    Case(
        "round",
        given([0.125, 2.5, 3.5, -1.5]),
        lambda x, decimals: np.array([0.0, 2.0, 4.0, -2.0]),
        {"decimals": 0},
        grad=False,
    ),
    Case(
        "sigmoid",
        given([-1000.0, 1000.0]),
        lambda x: np.array([0.0, 1.0]),
        dtypes=("float64", "float32"),
        second=False,
    ),
]
