"""Cases of ``lampas.ops.gradient``; the oracle fits a parabola through three points."""

from __future__ import annotations

import numpy as np
from case import Case, normal

import lampas

POINTS = [0.0, 0.5, 2.0, 2.5, 4.0]


def slope_at(points, values, where):
    """The slope at a point of the polynomial through all of the points."""
    fitted = np.polynomial.Polynomial.fit(points, values, len(points) - 1)
    return fitted.deriv()(where)


def line_slopes(row, points, edge_order):
    n, wide = len(row), edge_order + 1
    inner = [
        slope_at(points[i - 1 : i + 2], row[i - 1 : i + 2], points[i])
        for i in range(1, n - 1)
    ]
    first = slope_at(points[:wide], row[:wide], points[0])
    last = slope_at(points[-wide:], row[-wide:], points[-1])
    return [first, *inner, last]


def slopes(x, spacing=1, dim=None, edge_order=1):
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    steps = spacing if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    out = []
    for d, step in zip(dims, steps):
        tensor = isinstance(step, lampas.Tensor)
        points = step.numpy() if tensor else np.arange(x.shape[d]) * step
        out.append(np.apply_along_axis(line_slopes, d, x, points, edge_order))
    return tuple(out)


GRID = [lampas.tensor(POINTS, dtype=lampas.float64)]

CASES = [
    Case("gradient", normal((4,)), slopes),
    Case("gradient", normal((3, 4)), slopes, {"spacing": 0.5, "dim": 1}),
    Case("gradient", normal((3, 4)), slopes, {"spacing": [2.0, 0.5], "edge_order": 2}),
    Case("gradient", normal((2, 2)), slopes, {"dim": (1, 0)}),
    Case(
        "gradient",
        normal((3, 5)),
        slopes,
        {"spacing": GRID, "dim": 1},
        dtypes=("float64",),
    ),
    Case(
        "gradient",
        normal((5, 2)),
        slopes,
        {"spacing": GRID, "dim": 0, "edge_order": 2},
        dtypes=("float64",),
    ),
]
