"""Cases of ``lampas.ops.diagonal``."""

from __future__ import annotations

import numpy as np
from case import Case, normal

CUBE = normal((2, 3, 4))
SQUARE = normal((4, 4))


def embedded(x, offset=0, dim1=-2, dim2=-1):
    size = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], size, size))
    for at in np.ndindex(*x.shape):
        row, column = at[-1] + max(-offset, 0), at[-1] + max(offset, 0)
        out[(*at[:-1], row, column)] = x[at]
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def diagonals(x, offset=0, dim1=0, dim2=1):
    moved = np.moveaxis(x, (dim1, dim2), (0, 1))
    pairs = [(i, i + offset) for i in range(len(moved))]
    inside = [(i, j) for i, j in pairs if 0 <= j < moved.shape[1]]
    return np.stack([moved[i, j] for i, j in inside], axis=-1)


def exact(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


CASES = [
    Case("diag_embed", normal((2, 3)), embedded, tol="exact"),
    Case("diag_embed", normal((2, 3)), embedded, {"offset": -1}, tol="exact"),
    Case(
        "diag_embed",
        normal((2, 3)),
        embedded,
        {"offset": 1, "dim1": 2, "dim2": 0},
        tol="exact",
    ),
    Case("diag", normal((3,)), embedded, tol="exact"),
    Case(
        "diag",
        normal((3, 4)),
        lambda x, diagonal: np.array([x[i, i + diagonal] for i in range(3)]),
        {"diagonal": 1},
        tol="exact",
    ),
    Case("diagflat", normal((2, 2)), lambda x: embedded(x.reshape(-1)), tol="exact"),
    Case("trace", normal((3, 4)), lambda x: x[0, 0] + x[1, 1] + x[2, 2]),
    exact("diagonal", SQUARE, diagonals),
    exact("diagonal", SQUARE, diagonals, offset=-1),
    exact("diagonal", CUBE, diagonals, offset=1, dim1=1, dim2=2),
    exact("diagonal", CUBE, diagonals, dim1=2, dim2=0),
]
