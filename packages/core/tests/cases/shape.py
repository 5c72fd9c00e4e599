"""Cases of ``lampas.ops.shape``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

CUBE = normal((2, 3, 4))


def reordered(x, dims):
    """``y[index in the new order] = x[index]``, element by element."""
    out = np.empty([x.shape[d] for d in dims])
    for index in np.ndindex(*x.shape):
        out[tuple(index[d] for d in dims)] = x[index]
    return out


def refilled(x, shape):
    """The elements in row-major order, written into ``shape``."""
    out = np.empty(shape)
    for target, source in zip(
        np.ndindex(*out.shape), np.ndindex(*x.shape), strict=True
    ):
        out[target] = x[source]
    return out


def spread(x, sizes):
    shape = (1,) * (len(sizes) - x.ndim) + x.shape
    wide = x.reshape(shape)
    for axis, size in enumerate(sizes):
        if wide.shape[axis] == 1 and size != -1:
            wide = np.concatenate([wide] * size, axis) if size else wide.take([], axis)
    return wide


def oracle_of(oracle):
    return lambda x, sizes: oracle(x, sizes)


def _sized(name, inputs, sizes, oracle, **options):
    return Via(
        name,
        inputs,
        oracle_of(oracle),
        {"sizes": sizes},
        tol="exact",
        call=lambda op, x, sizes: op(x, *sizes),
        **options,
    )


CASES = [
    _sized("Tensor.reshape", CUBE, (6, 4), refilled),
    _sized("Tensor.reshape", CUBE, (24,), refilled),
    _sized("Tensor.reshape", normal((1,)), (), refilled),
    _sized("Tensor.reshape", normal(()), (1, 1), refilled),
    _sized("Tensor.reshape", normal((2, 0)), (0, 5), refilled),
    _sized("Tensor.reshape", CUBE, (4, 3, 2), refilled),
    _sized("Tensor.permute", CUBE, (2, 0, 1), reordered),
    _sized("Tensor.permute", CUBE, (0, 2, 1), reordered),
    _sized("Tensor.permute", normal(()), (), reordered),
    Case(
        "transpose",
        CUBE,
        lambda x, dim0, dim1: reordered(x, (2, 1, 0)),
        {"dim0": 0, "dim1": -1},
        tol="exact",
    ),
    _sized("Tensor.expand", normal((3, 1)), (3, 4), spread),
    _sized("Tensor.expand", normal((3, 1)), (2, -1, 4), spread),
    _sized("Tensor.expand", normal(()), (2, 2), spread),
    _sized("Tensor.expand", normal((1,)), (0,), spread),
]
