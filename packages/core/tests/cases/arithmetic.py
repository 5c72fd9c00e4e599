"""Cases of ``lampas.ops.arithmetic``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given, integers, normal

PAIR = normal((3, 4), (3, 4))
ROWS = normal((3, 4), (4,))
COLUMN = normal((3, 1), (2, 1, 4))


def away_from_zero(rng):
    x, y = rng.standard_normal((2, 3, 4))
    return [x, np.copysign(np.abs(y) + 0.5, y)]


def between_multiples(rng):
    """Quotients in the middle between integers, where rounding them is steady."""
    y = rng.uniform(1.0, 2.0, (3, 4))
    return [(rng.integers(-4, 4, (3, 4)) + rng.uniform(0.2, 0.8, (3, 4))) * y, y]


CASES = [
    Case("add", PAIR, lambda x, y: x + y, elementwise=True),
    Case("add", ROWS, lambda x, y: x + y),
    Case("add", COLUMN, lambda x, y: x + y),
    Case("add", PAIR, lambda x, y, alpha: x + alpha * y, {"alpha": 3}),
    Case("add", integers(-9, 9, (5,), (5,)), lambda x, y: x + y, tol="exact"),
    Case("sub", PAIR, lambda x, y: x - y, elementwise=True),
    Case("sub", COLUMN, lambda x, y, alpha: x - alpha * y, {"alpha": 0.5}),
    Case("rsub", PAIR, lambda x, y: y - x),
    Case("mul", PAIR, lambda x, y: x * y, elementwise=True),
    Case("mul", COLUMN, lambda x, y: x * y),
    Case("neg", normal((3, 4)), lambda x: -x, elementwise=True, tol="tight"),
    Case("div", away_from_zero, lambda x, y: x / y, elementwise=True),
    Case("div", integers(1, 9, (5,), (5,)), lambda x, y: x / y),
    Case(
        "div",
        between_multiples,
        lambda x, y, rounding_mode: each(lambda a, b: math.floor(a / b))(x, y),
        {"rounding_mode": "floor"},
        dtypes=("float64", "float32"),
    ),
    Case(
        "div",
        between_multiples,
        lambda x, y, rounding_mode: each(lambda a, b: math.trunc(a / b))(x, y),
        {"rounding_mode": "trunc"},
        dtypes=("float64", "float32"),
    ),
    Case(
        "floor_divide",
        given([7, -7, 7, -7], [2, 2, -2, -2]),
        lambda x, y: np.array([3, -4, -4, 3]),
        tol="exact",
    ),
    Case(
        "div",
        given([7, -7, 7, -7], [2, 2, -2, -2]),
        lambda x, y, rounding_mode: np.array([3, -3, -3, 3]),
        {"rounding_mode": "trunc"},
        tol="exact",
    ),
    Case(
        "remainder",
        between_multiples,
        each(lambda a, b: a - b * math.floor(a / b)),
        dtypes=("float64", "float32"),
    ),
    Case("fmod", between_multiples, each(math.fmod), dtypes=("float64", "float32")),
]
