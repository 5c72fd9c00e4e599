"""Cases of ``lampas.ops.logs``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given, normal, within

PAIR = normal((3, 4), (4,))
POSITIVE = within(0.5, 2.0, (3, 4), (4,))


def sinc(x):
    return math.sin(math.pi * x) / (math.pi * x)


CASES = [
    Case("logaddexp", PAIR, each(lambda a, b: math.log(math.exp(a) + math.exp(b)))),
    Case("logaddexp2", PAIR, each(lambda a, b: math.log2(2**a + 2**b))),
    Case(
        "logaddexp",
        given([1000.0, -math.inf], [1000.0, -math.inf]),
        lambda x, y: np.array([1000 + math.log(2), -math.inf]),
        dtypes=("float64", "float32"),
        grad=False,
    ),
    Case("xlogy", POSITIVE, each(lambda a, b: a * math.log(b))),
    Case(
        "xlogy",
        given([0.0, 0.0, 1.0], [0.0, math.nan, 0.0]),
        lambda x, y: np.array([0.0, math.nan, -math.inf]),
        grad=False,
    ),
    Case("logit", within(0.1, 0.9, (3, 4)), each(lambda p: math.log(p / (1 - p)))),
    Case(
        "logit",
        given([0.0, 1.0]),
        lambda p, eps: np.array([-math.log(3), math.log(3)]),
        {"eps": 0.25},
        grad=False,
    ),
    Case("sinc", normal((3, 4)), each(sinc), elementwise=True),
    Case("sinc", given([0.0]), lambda x: np.array([1.0]), second=False),
    Case("copysign", PAIR, each(math.copysign), tol="tight"),
    Case(
        "heaviside",
        given([-1.0, 0.0, 2.0], [0.25, 0.5, 0.75]),
        lambda x, v: np.array([0.0, 0.5, 1.0]),
        grad=False,
        tol="tight",
    ),
]
