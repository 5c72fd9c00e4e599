"""Cases of ``lampas.ops.activation``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, normal, within

X = normal((3, 4))
F = "nn.functional."
WIDE = within(-8, 8, (3, 4))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def softplus(x):
    return math.log1p(math.exp(x))


def gelu_tanh(x, approximate):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def selu(x):
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return scale * (x if x > 0 else alpha * math.expm1(x))


def glu(x, dim):
    a, b = np.split(x, 2, axis=dim)
    return a / (1 + np.exp(-b))


CASES = [
    Case(F + "silu", WIDE, each(lambda x: x * sigmoid(x)), elementwise=True),
    Case(
        F + "mish", WIDE, each(lambda x: x * math.tanh(softplus(x))), elementwise=True
    ),
    Case(
        F + "gelu",
        WIDE,
        each(lambda x: x * 0.5 * math.erfc(-x / math.sqrt(2))),
        elementwise=True,
        tol="loose",
    ),
    Case(F + "gelu", WIDE, gelu_tanh, {"approximate": "tanh"}),
    Case(
        F + "elu",
        X,
        lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x)),
        {"alpha": 0.7},
    ),
    Case(F + "selu", X, each(selu), elementwise=True),
    Case(
        F + "celu",
        X,
        lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
        {"alpha": 0.7},
    ),
    Case(F + "softplus", WIDE, each(softplus), elementwise=True),
    Case(
        F + "softplus",
        WIDE,
        lambda x, beta, threshold: np.where(
            beta * x > threshold, x, np.log1p(np.exp(beta * x)) / beta
        ),
        {"beta": 2.0, "threshold": 5.0},
    ),
    Case(
        F + "logsigmoid", WIDE, each(lambda x: math.log(sigmoid(x))), elementwise=True
    ),
    Case(F + "tanhshrink", X, each(lambda x: x - math.tanh(x)), elementwise=True),
    Case(F + "softsign", X, each(lambda x: x / (1 + abs(x))), elementwise=True),
    Case(F + "glu", normal((3, 4, 2)), glu, {"dim": 1}),
]
