"""Cases of ``lampas.ops.replace``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal


def with_part(x, src, index):
    out = x.copy()
    out[index] = src
    return out


def windows(x, dimension, size, step):
    moved = np.moveaxis(x, dimension, 0)
    starts = range(0, len(moved) - size + 1, step)
    cut = np.array([[moved[s + i] for i in range(size)] for s in starts])
    return np.moveaxis(np.moveaxis(cut, 1, -1), 0, dimension)


def put_flat(x, index, source, accumulate):
    out = x.copy().reshape(-1)
    for i, value in zip(index.reshape(-1), source.reshape(-1), strict=True):
        out[i] = out[i] + value if accumulate else value
    return out.reshape(x.shape)


def unfolding(shape, **params):
    return Via(
        "Tensor.unfold",
        normal(shape),
        windows,
        params,
        tol="exact",
        call=lambda op, x, **params: op(x.contiguous(), **params),
    )


def put(index, accumulate):
    def inputs(rng):
        return [
            rng.standard_normal((3, 2)),
            np.array(index),
            rng.standard_normal(len(index)),
        ]

    return Case("put", inputs, put_flat, {"accumulate": accumulate})


CASES = [
    Case(
        "select_scatter",
        normal((3, 4), (3,)),
        lambda x, src, dim, index: with_part(x, src, (slice(None), index)),
        {"dim": 1, "index": -2},
        tol="exact",
    ),
    Case(
        "slice_scatter",
        normal((5, 2), (2, 2)),
        lambda x, src, **params: with_part(x, src, slice(0, 4, 2)),
        {"end": 4, "step": 2},
        tol="exact",
    ),
    Case(
        "diagonal_scatter",
        normal((3, 4), (3,)),
        lambda x, src, offset: with_part(x, src, (np.arange(3), np.arange(3) + offset)),
        {"offset": 1},
        tol="exact",
    ),
    put([5, -2, 0], False),
    put([5, -1, 5], True),
    unfolding((5,), dimension=0, size=3, step=1),
    unfolding((2, 7), dimension=1, size=2, step=3),
    unfolding((5, 2), dimension=0, size=3, step=2),
]
