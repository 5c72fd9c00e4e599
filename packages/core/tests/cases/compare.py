"""Cases of ``lampas.ops.compare``."""

from __future__ import annotations

import math
import operator

import numpy as np
from case import Case, given, integers

NAN, INF = math.nan, math.inf


def decided(function):
    """An oracle that asks Python about each pair."""
    return np.vectorize(function, otypes=[bool])


def compare(name, inputs, function, **options):
    return Case(name, inputs, decided(function), tol="exact", grad=False, **options)


SMALL = integers(-2, 3, (3, 4), (4,))
BITS = integers(0, 99, (3, 4), (4,))
SPECIAL = given([1.0, -0.0, NAN, INF, -INF, -2.0])


def few_values(rng):
    return [rng.integers(-1, 2, (3, 4)) / 2, rng.integers(-1, 2, (3, 4)) / 2]


CASES = [
    *(
        compare(name, few_values, getattr(operator, name), elementwise=True)
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    ),
    compare("eq", SMALL, operator.eq),
    compare("isnan", SPECIAL, math.isnan, elementwise=True),
    compare("isinf", SPECIAL, math.isinf, elementwise=True),
    compare("isfinite", SPECIAL, math.isfinite, elementwise=True),
    compare("isposinf", SPECIAL, lambda x: x == INF),
    compare("isneginf", SPECIAL, lambda x: x == -INF),
    compare("signbit", SPECIAL, lambda x: math.copysign(1, x) < 0),
    compare("signbit", integers(-3, 3, (5,)), lambda x: x < 0),
    compare("logical_and", SMALL, lambda a, b: bool(a) and bool(b)),
    compare("logical_or", SMALL, lambda a, b: bool(a) or bool(b)),
    compare("logical_xor", SMALL, lambda a, b: bool(a) != bool(b)),
    compare("logical_not", integers(-1, 2, (5,)), lambda a: not a),
    Case(
        "isclose",
        given([1.0, 1.0, NAN, INF, 0.0], [1.0 + 1e-6, 1.1, NAN, INF, 1e-9]),
        lambda x, y, equal_nan: np.array([True, False, True, True, True]),
        {"equal_nan": True},
        dtypes=("float64", "float32"),
        tol="exact",
        grad=False,
    ),
    *(
        Case(name, BITS, np.vectorize(function, otypes=[np.int64]), tol="exact")
        for name, function in {
            "bitwise_and": lambda a, b: int(a) & int(b),
            "bitwise_or": lambda a, b: int(a) | int(b),
            "bitwise_xor": lambda a, b: int(a) ^ int(b),
        }.items()
    ),
    Case(
        "bitwise_not",
        integers(-9, 9, (5,)),
        np.vectorize(lambda a: -int(a) - 1, otypes=[np.int64]),
        tol="exact",
    ),
    Case(
        "bitwise_left_shift",
        integers(0, 9, (5,), (5,)),
        np.vectorize(lambda a, b: int(a) * 2 ** int(b), otypes=[np.int64]),
        tol="exact",
    ),
    Case(
        "bitwise_right_shift",
        given([17, -17, 8, 0], [1, 2, 3, 4]),
        lambda a, b: np.array([8, -5, 1, 0]),
        tol="exact",
    ),
]
