"""A step length that satisfies the strong Wolfe conditions.

Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 3.5 and 3.6,
with the safeguards of Schmidt's minFunc that PyTorch has too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Point", "strong_wolfe"]

_DECREASE, _CURVATURE = 1e-4, 0.9


class Point(NamedTuple):
    """The function along the direction, at length ``t``."""

    t: float
    loss: float
    gradient: Any
    slope: float


def _cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic through two points and slopes is least, within bounds."""
    if a.t > b.t:
        a, b = b, a
    if a.t == b.t:
        return (low + high) / 2
    bend = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = bend * bend - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    root = math.sqrt(square)
    below = b.slope - a.slope + 2 * root
    if below == 0:
        return (low + high) / 2
    return min(max(b.t - (b.t - a.t) * (b.slope + root - bend) / below, low), high)


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    size: float,
    tolerance: float,
    trials: int,
) -> Point:
    """Look for a length with enough decrease and a slope flat enough.

    Args:
        at: evaluates the function at a length.
        start: the point at length zero, whose slope is negative.
        t: the first length to try.
        size: the largest element of the direction.
        tolerance: end when a bracket moves the parameters by no more.
        trials: evaluations allowed after the first.

    Returns:
        The point found; if the trials are used up, the best of the last bracket.
    """
    before, now = start, at(t)
    used = 0
    while used < trials:
        if _too_high(now, start) or (used > 1 and now.loss >= before.loss):
            return _zoom(at, start, before, now, size, tolerance, trials - used)
        if abs(now.slope) <= -_CURVATURE * start.slope:
            return now
        if now.slope >= 0:
            return _zoom(at, start, before, now, size, tolerance, trials - used)
        low, high = now.t + 0.01 * (now.t - before.t), now.t * 10
        before, now = now, at(_cubic_minimum(before, now, low, high))
        used += 1
    return start if start.loss <= now.loss else now


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + _DECREASE * point.t * start.slope


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    one: Point,
    other: Point,
    size: float,
    tolerance: float,
    trials: int,
) -> Point:
    """Narrow a bracket: ``low`` is the better end, the minimum is between."""
    low, high = (one, other) if one.loss <= other.loss else (other, one)
    stuck = False
    for _ in range(trials):
        left, right = min(low.t, high.t), max(low.t, high.t)
        if (right - left) * size < tolerance:
            break
        t = _cubic_minimum(low, high, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif stuck or t >= right or t <= left:
            # Twice at the border: step away from it.
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        else:
            stuck = True
        now = at(t)
        if _too_high(now, start) or now.loss >= low.loss:
            high = now
            if high.loss < low.loss:
                low, high = high, low
            continue
        if abs(now.slope) <= -_CURVATURE * start.slope:
            return now
        if now.slope * (high.t - low.t) >= 0:
            high = low
        low = now
    return low
