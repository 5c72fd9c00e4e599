"""The elements around points of a grid, and what each weighs: text of rules.

``F`` computes on arrays or on tensors, as in any rule.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["PADDINGS", "TAPS", "How", "Taps", "columns_of", "grid_of"]

# For each mode: the elements taken, counted from the one below the point (nearest: the
# nearest one), and for each the coefficients, highest first, of its weight as a
# polynomial of the distance from there. The cubic ones are Keys' with a = -0.75.
_A = -0.75
TAPS: dict[str, dict[int, tuple[float, ...]]] = {
    "nearest": {0: (0.0, 1.0)},
    "bilinear": {0: (-1.0, 1.0), 1: (1.0, 0.0)},
    "bicubic": {
        -1: (_A, -2 * _A, _A, 0.0),
        0: (_A + 2, -_A - 3, 0.0, 1.0),
        1: (-_A - 2, 2 * _A + 3, -_A, 0.0),
        2: (-_A, _A, 0.0, 0.0),
    },
}
PADDINGS = ("zeros", "border", "reflection")
_INT64 = np.dtype(np.int64)


class How(NamedTuple):
    """The parameters of a call."""

    mode: str
    padding: str
    corners: bool


class Tap(NamedTuple):
    """Elements along one axis, one for each point: (N, P)."""

    # With the first and second derivatives by the coordinate in the grid.
    weights: tuple[Any, Any, Any]
    index: Any


def _value(F: Any, x: Any, coefficients: Sequence[float]) -> Any:
    total = F.zeros_of(x)
    for c in coefficients:
        total = total * x + c
    return total


def _slope(coefficients: Sequence[float]) -> list[float]:
    degree = len(coefficients) - 1
    return [c * (degree - i) for i, c in enumerate(coefficients[:-1])]


def _clipped(F: Any, at: Any, size: int) -> Any:
    """Within the elements; nan is the first element."""
    return F.clamp_max(F.masked(at, at > 0), size - 1.0)


def _reflected(F: Any, at: Any, size: int, corners: bool) -> tuple[Any, Any]:
    """Between the mirrors, and the sign of how it moves."""
    low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
    one = F.zeros_of(at) + 1.0
    if not span:
        return at * 0.0, one
    away = at - low
    below = away < 0
    away = F.where(below, -away, away)
    left = F.fmod(away, span)
    turns = F.floor(away / span)
    back = turns - F.floor(turns * 0.5) * 2.0 == 1
    one = F.where(below, -one, one)
    return F.where(back, span - left, left) + low, F.where(back, -one, one)


def _padded(F: Any, at: Any, size: int, padding: str, corners: bool) -> tuple[Any, Any]:
    """Where the element stands, and how that moves; on a border it does not."""
    move = F.zeros_of(at) + 1.0
    if padding == "reflection":
        at, move = _reflected(F, at, size, corners)
    inside = F.logical_and(at > 0, at < size - 1)
    return _clipped(F, at, size), F.masked(move, inside)


def _along(F: Any, at: Any, size: int, how: How) -> list[Tap]:
    """The elements along one axis around points."""
    mode, padding, corners = how
    scale = (size - 1 if corners else size) / 2
    at = ((at + 1) * (size - 1) if corners else (at + 1) * size - 1) / 2
    move: Any = 1.0
    if mode != "bicubic" and padding != "zeros":
        at, move = _padded(F, at, size, padding, corners)
    base = F.round(at, decimals=0) if mode == "nearest" else F.floor(at)
    apart, found = at - base, []
    for offset, polynomial in TAPS[mode].items():
        weights, factor = [], 1.0
        place = base + offset
        for _ in range(3):
            weights.append(_value(F, apart, polynomial) * factor)
            polynomial, factor = _slope(polynomial), factor * (scale * move)
        if padding == "zeros":
            inside = F.logical_and(place >= 0, place <= size - 1)
            weights = [F.masked(weight, inside) for weight in weights]
        elif mode == "bicubic":
            place, _ = _padded(F, place, size, padding, corners)
        index = F.cast(_clipped(F, place, size), dtype=_INT64)
        found.append(Tap((weights[0], weights[1], weights[2]), index))
    return found


def columns_of(F: Any, grid: Any) -> list[Any]:
    """The coordinates (N, P) of points, in the order of the spatial dimensions."""
    count = math.prod(grid.shape[1:-1])
    points = F.reshape(grid, shape=(grid.shape[0], count, grid.shape[-1]))
    # The last coordinate belongs to the first spatial dimension.
    return list(F.unbind(points, dim=2))[::-1]


def grid_of(F: Any, columns: Sequence[Any], shape: Sequence[int]) -> Any:
    """The opposite of :func:`columns_of`."""
    columns = [F.reshape(c, shape=(*c.shape, 1)) for c in reversed(columns)]
    return F.reshape(F.cat(*columns, dim=2), shape=tuple(shape))


def _stacked(F: Any, values: Sequence[Any]) -> Any:
    """K arrays (N, P) as (N, K, P)."""
    return F.cat(
        *[F.reshape(v, shape=(v.shape[0], 1, v.shape[1])) for v in values], dim=1
    )


class Taps:
    """The elements around the points of a grid: ``index`` and ``weights`` (N, K, P)."""

    def __init__(self, F: Any, grid: Any, sizes: Sequence[int], how: How) -> None:
        columns = columns_of(F, grid)
        self._F = F
        self._axes = [
            _along(F, at, size, how) for at, size in zip(columns, sizes, strict=True)
        ]
        found = []
        for taps in itertools.product(*self._axes):
            index: Any = taps[0].index
            for tap, size in zip(taps[1:], sizes[1:], strict=True):
                index = index * size + tap.index
            found.append(index)
        self.index = _stacked(F, found)

    def weights(self, *along: int) -> Any:
        """The weights, or their derivatives along these spatial dimensions."""
        found = []
        for taps in itertools.product(*self._axes):
            factors = [t.weights[along.count(i)] for i, t in enumerate(taps)]
            found.append(math.prod(factors[1:], start=factors[0]))
        return _stacked(self._F, found)
