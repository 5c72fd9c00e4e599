"""Cases of ``lampas.ops.views``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

CUBE = normal((2, 3, 4))


def entry(x, dim, index):
    return np.moveaxis(x, dim, 0)[index]


def part(x, dim, start, length):
    moved = np.moveaxis(x, dim, 0)
    rows = [moved[start + i] for i in range(length)]
    return np.moveaxis(np.array(rows), 0, dim)


def _sized(name, inputs, oracle, sizes):
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
    exact("narrow", CUBE, part, dim=2, start=1, length=2),
    exact("narrow", CUBE, part, dim=0, start=1, length=1),
    exact("narrow", CUBE, lambda x, **_: x[:, 2:2], dim=1, start=2, length=0),
    exact("narrow", CUBE, lambda x, **_: x[..., 1:3], dim=-1, start=-3, length=2),
    exact("select", CUBE, entry, dim=1, index=-1),
    exact("select", normal((3,)), entry, dim=0, index=2),
    exact("squeeze", normal((1, 3, 1)), lambda x: x[0, :, 0]),
    exact("squeeze", normal((1, 3, 1)), lambda x, dim: x[0], dim=0),
    exact("squeeze", normal((1, 3, 1)), lambda x, dim: x, dim=1),
    exact("squeeze", normal((1, 3, 1)), lambda x, dim: x[0, :, 0], dim=(0, 2)),
    exact("unsqueeze", CUBE, lambda x, dim: x[:, None], dim=1),
    exact("unsqueeze", CUBE, lambda x, dim: x[..., None], dim=-1),
    exact("flatten", CUBE, lambda x: np.array(list(x.flat))),
    exact("flatten", CUBE, lambda x, start_dim: x.reshape(2, 12), start_dim=1),
    exact("flatten", CUBE, lambda x, end_dim: x.reshape(6, 4), end_dim=1),
    exact("flatten", normal(()), lambda x: x[None]),
    exact("ravel", CUBE, lambda x: np.array(list(x.flat))),
    exact(
        "unflatten",
        CUBE,
        lambda x, dim, sizes: x.reshape(2, 3, 2, 2),
        dim=2,
        sizes=(-1, 2),
    ),
    _sized("Tensor.view", CUBE, lambda x, sizes: x.reshape(6, 4), (6, -1)),
    exact("t", normal((2, 3)), lambda x: np.array([list(c) for c in zip(*x)])),
    exact("t", normal((3,)), lambda x: x),
    exact("adjoint", CUBE, lambda x: np.stack([m.T for m in x])),
    exact("swapaxes", CUBE, lambda x, **_: np.einsum("abc->cba", x), axis0=0, axis1=2),
    exact(
        "movedim",
        CUBE,
        lambda x, **_: np.einsum("abc->bca", x),
        source=0,
        destination=-1,
    ),
    exact(
        "movedim",
        CUBE,
        lambda x, **_: np.einsum("abc->cba", x),
        source=(0, 2),
        destination=(2, 0),
    ),
    exact(
        "broadcast_to",
        normal((3, 1)),
        lambda x, shape: x + np.zeros(shape),
        shape=(2, 3, 4),
    ),
    exact(
        "broadcast_tensors",
        normal((3, 1), (4,)),
        lambda x, y: (x + 0 * y, y + 0 * x),
    ),
    exact("Tensor.expand_as", normal((3, 1), (3, 2)), lambda x, y: np.hstack([x, x])),
    Via(
        "Tensor.view_as",
        normal((2, 3), (6,)),
        lambda x, y: x.ravel(),
        tol="exact",
        call=lambda op, x, y: op(x.contiguous(), y),
    ),
    exact("Tensor.reshape_as", normal((2, 3), (3, 2)), lambda x, y: x.reshape(3, 2)),
]
