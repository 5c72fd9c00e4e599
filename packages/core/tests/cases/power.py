"""Cases of ``lampas.ops.power``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given, integers, normal, within

POSITIVE = within(0.5, 2.0, (3, 4))

CASES = [
    Case("pow", within(0.5, 2.0, (3, 4), (4,)), each(math.pow)),
    Case("pow", POSITIVE, lambda x, exponent: x**exponent, {"exponent": 2.5}),
    Case("pow", normal((3, 4)), lambda x, exponent: x * x, {"exponent": 2}),
    Case("pow", normal((3, 4)), lambda x, exponent: x * x * x, {"exponent": 3}),
    Case("pow", POSITIVE, lambda x, exponent: 1 / x, {"exponent": -1}),
    Case("pow", normal((3, 4)), lambda x, exponent: x * 0 + 1, {"exponent": 0}),
    Case("pow", POSITIVE, lambda x, exponent: x**0.5, {"exponent": 0.5}),
    Case(
        "pow",
        given([2, 3, -1, -1, 2], [5, 2, 3, -2, -1]),
        lambda x, y: np.array([32, 9, -1, 1, 0]),
        tol="exact",
    ),
    Case(
        "float_power",
        integers(1, 5, (4,)),
        lambda x, exponent: x**-2.0,
        {"exponent": -2},
    ),
    Case("square", normal((3, 4)), lambda x: x * x, elementwise=True),
    Case("sqrt", POSITIVE, each(math.sqrt), elementwise=True),
    Case("rsqrt", POSITIVE, each(lambda x: 1 / math.sqrt(x)), elementwise=True),
    Case("reciprocal", POSITIVE, each(lambda x: 1 / x), elementwise=True),
]
