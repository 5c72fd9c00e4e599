"""Cases of ``lampas.ops.embed``."""

from __future__ import annotations

import numpy as np
from case import Case, given

F = "nn.functional."
INDEX = np.array([[1, 3, 1], [0, 4, 3]])


def _table(rng):
    return [INDEX, rng.standard_normal((5, 3))]


CASES = [
    Case(F + "embedding", _table, lambda index, table: table[index], tol="exact"),
    Case(
        F + "one_hot",
        given([[0, 2], [1, 0]]),
        lambda t, num_classes: np.eye(num_classes)[t],
        {"num_classes": 4},
        grad=False,
    ),
]
