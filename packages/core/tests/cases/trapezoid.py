"""Cases of ``lampas.ops.trapezoid``: areas summed one by one."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal


def areas(y, x=None, *, dx=1, dim=-1):
    y = np.moveaxis(y, dim, -1)
    if x is None:
        x = np.arange(y.shape[-1]) * dx
    elif x.ndim > 1:
        x = np.moveaxis(x, dim, -1)
    x = np.broadcast_to(x, y.shape)
    return np.array(
        [
            [(q - p) * (a + b) / 2 for p, q, a, b in zip(u, u[1:], v, v[1:])]
            for u, v in zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]))
        ]
    ).reshape(*y.shape[:-1], y.shape[-1] - 1)


def whole(*arrays, **params):
    return areas(*arrays, **params).sum(-1)


def steps(*arrays, dim=-1, **params):
    return np.moveaxis(np.cumsum(areas(*arrays, dim=dim, **params), -1), -1, dim)


CASES = [
    Case("trapezoid", normal((3, 4)), whole),
    Case("trapz", normal((3, 4)), whole, {"dx": 0.5, "dim": 0}),
    Case("trapezoid", normal((3, 4), (4,)), whole),
    Case("trapezoid", normal((3, 4), (3,)), whole, {"dim": 0}),
    Case("trapezoid", normal((2, 3), (2, 3)), whole, {"dim": 1}),
    Case("trapezoid", integers(-9, 9, (2, 5)), whole),
    Case("cumulative_trapezoid", normal((3, 4)), steps, {"dim": 0}),
    Case("cumulative_trapezoid", normal((3, 4), (4,)), steps),
]
