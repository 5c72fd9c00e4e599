"""Cases of ``lampas.ops.sparse_product``: oracles are products of dense arrays."""

from __future__ import annotations

import numpy as np
from case import Via, normal

import lampas

# Rows of no value, of one, of several, and a place that is listed twice.
PLACES = np.array([[3, 0, 3, 1, 3, 0], [2, 1, 0, 3, 2, 0]])


def whole(values):
    matrix = np.zeros((5, 4))
    np.add.at(matrix, tuple(PLACES), values)
    return matrix


def listed(op, values, *rest, **params):
    return op(lampas.sparse_coo_tensor(PLACES, values, (5, 4)), *rest, **params)


CASES = [
    Via(
        "sparse.mm",
        normal((6,), (4, 3)),
        lambda values, dense: whole(values) @ dense,
        call=listed,
    ),
    Via(
        "mm",
        normal((6,), (2, 5)),
        lambda values, dense: dense @ whole(values),
        call=lambda op, values, dense: op(
            dense, lampas.sparse_coo_tensor(PLACES, values, (5, 4))
        ),
    ),
]
