"""Cases of ``lampas.ops.bilinear``."""

from __future__ import annotations

import numpy as np
from case import Case, normal


def bilinear(x1, x2, w, b):
    return np.einsum("ni,kij,nj->nk", x1, w, x2) + b


def pixel_shuffle(x, upscale_factor):
    r = upscale_factor
    n, c, h, w = x.shape
    y = np.empty((n, c // r**2, h * r, w * r))
    for i in range(r):
        for j in range(r):
            y[:, :, i::r, j::r] = x[:, i * r + j :: r * r]
    return y


def pixel_unshuffle(x, downscale_factor):
    r = downscale_factor
    n, c, h, w = x.shape
    y = np.empty((n, c * r * r, h // r, w // r))
    for i in range(r):
        for j in range(r):
            y[:, i * r + j :: r * r] = x[:, :, i::r, j::r]
    return y


def channel_shuffle(x, groups):
    order = np.arange(x.shape[1]).reshape(groups, -1).T.ravel()
    return x[:, order]


CASES = [
    Case("bilinear", normal((3, 2), (3, 4), (5, 2, 4), (5,)), bilinear),
    Case("pixel_shuffle", normal((1, 8, 2, 3)), pixel_shuffle, {"upscale_factor": 2}),
    Case(
        "pixel_unshuffle",
        normal((1, 2, 4, 6)),
        pixel_unshuffle,
        {"downscale_factor": 2},
    ),
    Case("channel_shuffle", normal((1, 6, 2)), channel_shuffle, {"groups": 3}),
]
