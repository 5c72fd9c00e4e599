"""Cases of ``lampas.ops.softmax``."""

from __future__ import annotations

import numpy as np
from case import Case, normal

F = "nn.functional."


def softmax(x, dim):
    return np.exp(x) / np.exp(x).sum(axis=dim, keepdims=True)


CASES = [
    Case("softmax", normal((3, 4)), softmax, {"dim": 1}),
    Case("softmax", normal((2, 3, 4)), softmax, {"dim": -3}),
    Case(
        "log_softmax",
        normal((3, 4)),
        lambda x, dim: np.log(softmax(x, dim)),
        {"dim": 0},
    ),
    Case(F + "softmin", normal((3, 4)), lambda x, dim: softmax(-x, dim), {"dim": 1}),
]
