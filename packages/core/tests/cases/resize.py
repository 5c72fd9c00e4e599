"""Cases of ``lampas.ops.resize``."""

from __future__ import annotations

import numpy as np
from case import Case, normal

F = "nn.functional."


def nearest(x, scale_factor):
    for axis in range(2, x.ndim):
        x = np.repeat(x, scale_factor, axis=axis)
    return x


def linear(x, size, mode, align_corners=False):
    """Between the centres of elements, or with corners kept; edges are repeated."""
    for axis in range(2, x.ndim):
        old, new = x.shape[axis], size
        at = np.arange(new) * (old - 1) / (new - 1)
        if not align_corners:
            at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        x = np.apply_along_axis(
            lambda v, at=at: np.interp(at, range(len(v)), v), axis, x
        )
    return x


CASES = [
    Case(F + "interpolate", normal((1, 2, 3, 4)), nearest, {"scale_factor": 2}),
    Case(F + "interpolate", normal((1, 2, 5)), linear, {"size": 8, "mode": "linear"}),
    Case(
        F + "interpolate", normal((1, 2, 5, 4)), linear, {"size": 7, "mode": "bilinear"}
    ),
    Case(
        F + "interpolate",
        normal((1, 1, 3, 4, 2)),
        linear,
        {"size": 3, "mode": "trilinear", "align_corners": True},
    ),
]
