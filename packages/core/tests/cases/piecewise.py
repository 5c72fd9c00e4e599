"""Cases of ``lampas.ops.piecewise``."""

from __future__ import annotations

import numpy as np
from case import Case, each, normal, within

X = normal((3, 4))
F = "nn.functional."


def _clip(low, high):
    return lambda x: min(max(x, low), high)


CASES = [
    Case("relu", X, each(_clip(0, np.inf)), elementwise=True),
    Case(F + "relu6", within(-9, 9, (3, 4)), each(_clip(0, 6)), elementwise=True),
    Case(
        F + "hardtanh",
        X,
        lambda x, min_val, max_val: np.clip(x, min_val, max_val),
        {"min_val": -0.5, "max_val": 0.75},
    ),
    Case(
        F + "hardsigmoid",
        within(-5, 5, (3, 4)),
        each(lambda x: _clip(0, 6)(x + 3) / 6),
        elementwise=True,
    ),
    Case(
        F + "hardswish",
        within(-5, 5, (3, 4)),
        each(lambda x: x * _clip(0, 6)(x + 3) / 6),
        elementwise=True,
    ),
    Case(
        F + "leaky_relu",
        X,
        lambda x, negative_slope: np.where(x > 0, x, x * negative_slope),
        {"negative_slope": 0.3},
    ),
    Case(
        "prelu",
        normal((2, 3, 4), (3,)),
        lambda x, w: np.where(x > 0, x, x * w[:, None]),
    ),
    Case("prelu", normal((2, 3), (1,)), lambda x, w: np.where(x > 0, x, x * w)),
    Case(
        F + "threshold",
        X,
        lambda x, threshold, value: np.where(x > threshold, x, value),
        {"threshold": 0.1, "value": 20.0},
    ),
    Case(
        "hardshrink",
        X,
        lambda x, lambd: np.where(np.abs(x) > lambd, x, 0),
        {"lambd": 0.4},
    ),
    Case(
        F + "softshrink",
        X,
        lambda x, lambd: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
        {"lambd": 0.4},
    ),
    Case(
        F + "rrelu",
        X,
        lambda x, lower, upper: np.where(x > 0, x, x * (lower + upper) / 2),
        {"lower": 0.1, "upper": 0.3},
    ),
]
