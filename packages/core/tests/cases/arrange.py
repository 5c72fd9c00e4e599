"""Cases of ``lampas.ops.arrange``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, given, normal

CUBE = normal((2, 3, 4))


def rotated(x, k, dims=(0, 1)):
    """A quarter turn takes ``x[i, j]`` to row ``last - j``, column ``i``."""
    out = np.moveaxis(x, dims, (0, 1))
    for _ in range(k % 4):
        rows, columns = out.shape[:2]
        turn = np.empty((columns, rows, *out.shape[2:]))
        for i, j in np.ndindex(rows, columns):
            turn[columns - 1 - j, i] = out[i, j]
        out = turn
    return np.moveaxis(out, (0, 1), dims)


def turned(x, dims):
    """``y[i] = x[size - 1 - i]`` along each of the dimensions."""
    out = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        source = [x.shape[d] - 1 - i if d in dims else i for d, i in enumerate(index)]
        out[index] = x[tuple(source)]
    return out


def shifted(x, shifts, dims):
    out = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        target = list(index)
        for shift, dim in zip(shifts, dims, strict=True):
            target[dim] = (target[dim] + shift) % x.shape[dim]
        out[tuple(target)] = x[index]
    return out


def tiled(x, times):
    out = np.empty([n * s for n, s in zip(times, x.shape, strict=True)])
    for index in np.ndindex(*out.shape):
        out[index] = x[tuple(i % s for i, s in zip(index, x.shape, strict=True))]
    return out


def laid(x, sizes):
    return tiled(x.reshape((1,) * (len(sizes) - x.ndim) + x.shape), sizes)


def sized(name, inputs, oracle, sizes):
    return Via(
        name,
        inputs,
        oracle,
        {"sizes": sizes},
        tol="exact",
        call=lambda op, x, sizes: op(x.contiguous(), *sizes),
    )


def exact(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


CASES = [
    *(
        Case("rot90", normal((2, 3)), rotated, {"k": k}, tol="exact")
        for k in (-1, 0, 1, 2, 3)
    ),
    Case("rot90", normal((2, 3, 4)), rotated, {"k": 1, "dims": (2, 0)}, tol="exact"),
    exact("flip", CUBE, turned, dims=(0, 2)),
    exact("flip", CUBE, turned, dims=(1,)),
    exact("fliplr", CUBE, lambda x: turned(x, (1,))),
    exact("flipud", CUBE, lambda x: turned(x, (0,))),
    exact("roll", CUBE, shifted, shifts=(1, -2), dims=(0, 2)),
    exact(
        "roll",
        CUBE,
        lambda x, shifts: shifted(x.ravel(), (5,), (0,)).reshape(x.shape),
        shifts=5,
    ),
    sized("Tensor.repeat", normal((2, 3)), laid, (2, 1, 3)),
    sized("Tensor.repeat", normal((2, 3)), laid, (0, 2)),
    sized("Tensor.tile", normal((2, 3)), lambda x, sizes: tiled(x, (1, 2)), (2,)),
    exact(
        "repeat_interleave",
        CUBE,
        lambda x, repeats, dim: np.stack([x[:, i // 2] for i in range(6)], 1),
        repeats=2,
        dim=1,
    ),
    Case(
        "repeat_interleave",
        given([1.0, 2.0, 3.0], [2, 0, 1]),
        lambda x, repeats: np.array([x[0], x[0], x[2]]),
        tol="exact",
    ),
]
