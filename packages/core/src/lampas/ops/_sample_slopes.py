"""How draws of the gamma and of the beta distribution move with their parameters.

A draw ``z`` at a fixed share ``F(z; a) = u`` has the slope ``-F_a / F_z``. With ``E``
for the mean of ``log t``, it is the integral of ``f(t) / f(z) (E - log t)`` over ``t``
from the lower end to ``z``, and that of its negative from ``z`` to the upper end. Of
the two, one has an integrand without a change of sign: that one is computed, by Gauss's
rule over ``log t`` (gamma) or ``logit t`` (beta), where the density is log-concave.
Nothing cancels, so all digits but a few are right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.ops._special import by_parts
from lampas.ops.gamma import digamma_forward

__all__ = ["beta_logit_slope", "gamma_slope"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_FAR = 37.0  # a fall of the logarithm of the density after which nothing is left
_STEPS = 16  # of Newton's method, from above and towards a convex function's root
_TERMS = 20  # of the series at z <= 1
_WIDE = 12.0  # up to which one panel of nodes suffices
_BEND = 10.0  # beyond, the logarithm of the beta density is all but straight


def _small(xp: Any, a: Any, z: Any) -> Any:
    """The power series of the incomplete gamma function, DLMF 8.7.1, and its slope."""
    power, first, second = z * 0 + 1, 1 / a, 1 / (a * a)
    for n in range(1, _TERMS):
        power = power * (-z / n)
        first = first + power / (a + n)
        second = second + power / ((a + n) * (a + n))
    gap = xp.log(z) - digamma_forward(xp, a)
    return -z * xp.exp(z) * (first * gap - second)


def _integral(xp: Any, length: Any, integrand: Any) -> Any:
    half = length / 2
    total = length * 0
    for node, weight in zip(_NODES.tolist(), _WEIGHTS.tolist(), strict=True):
        total = total + weight * integrand(half * (1 + node))
    return total * half


def _below(xp: Any, a: Any, z: Any) -> Any:
    length = (_FAR + z) / a
    for _ in range(_STEPS):
        fall = a * length + z * xp.expm1(-length) - _FAR
        length = length - fall / (a - z * xp.exp(-length))
    gap = digamma_forward(xp, a) - xp.log(z)
    return z * _integral(
        xp, length, lambda s: xp.exp(-a * s - z * xp.expm1(-s)) * (gap + s)
    )


def _above(xp: Any, a: Any, z: Any) -> Any:
    # First from z (e^s - 1 - s - s^2 / 2) >= 0, then from the exponential.
    length = (a - z + xp.sqrt((a - z) ** 2 + 2 * _FAR * z)) / z
    for _ in range(3):
        length = xp.minimum(length, xp.log1p((_FAR + a * length) / z))
    for _ in range(6):
        rise = z * xp.expm1(length) - a * length - _FAR
        length = length - rise / (z * xp.exp(length) - a)
    gap = xp.log(z) - digamma_forward(xp, a)
    return z * _integral(
        xp, length, lambda s: xp.exp(a * s - z * xp.expm1(s)) * (gap + s)
    )


def gamma_slope(xp: Any, a: Any, z: Any) -> Any:
    """The slope of a draw ``z > 0`` of the gamma distribution by its concentration.

    Args:
        xp: the array module.
        a, z: float64 arrays of one shape.
    """
    lower = xp.log(z) < digamma_forward(xp, a)
    known = xp.logical_and(a > 0, z > 0)
    return by_parts(
        xp,
        [a, z],
        (xp.logical_not(known), np.nan),
        (z <= 1, _small),
        (lower, _below),
        (z > 0, _above),
    )


def _log_sigmoid(xp: Any, w: Any) -> Any:
    return xp.minimum(w, 0) - xp.log1p(xp.exp(-xp.absolute(w)))


def _log_density(xp: Any, a: Any, b: Any, w: Any) -> Any:
    """Of ``logit t``, but for a constant."""
    rest = xp.log1p(xp.exp(-xp.absolute(w)))
    return a * (xp.minimum(w, 0) - rest) - b * (xp.maximum(w, 0) + rest)


def _reach(xp: Any, a: Any, b: Any, w: Any, top: Any) -> Any:
    """How far below ``w`` the density has all but vanished, by Newton's method."""
    length = (_FAR + a * w - top) / a
    for _ in range(_STEPS):
        low = w - length
        half = xp.exp(_log_sigmoid(xp, low))
        fall = top - _log_density(xp, a, b, low) - _FAR
        length = length - fall / (a * (1 - half) - b * half)
    return length


def _panel(
    xp: Any, a: Any, b: Any, start: Any, end: Any, top: Any, mean: Any, flip: bool
) -> Any:
    def integrand(s: Any) -> Any:
        w = start + s
        share = xp.exp(_log_density(xp, a, b, w) - top)
        return share * xp.absolute(_log_sigmoid(xp, -w if flip else w) - mean)

    return _integral(xp, end - start, integrand)


def _one_side(xp: Any, a: Any, b: Any, w: Any, mean: Any, flip: bool) -> Any:
    """The integral up to ``w``; ``flip`` says that logits are those of ``1 - t``."""
    top = _log_density(xp, a, b, w)
    low = w - _reach(xp, a, b, w, top)
    wide = w - low > _WIDE
    total = _panel(xp, a, b, xp.where(wide, w, low), w, top, mean, flip)
    if not bool(xp.any(wide)):
        return total
    a, b, w, top, mean, low = (v[wide] for v in (a, b, w, top, mean, low))
    turns = [w - _BEND, w * 0 - _BEND, w * 0 + _BEND, low, w]
    edges = xp.sort(xp.clip(xp.stack(turns), low, w), axis=0)
    pieces = low * 0
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        pieces = pieces + _panel(xp, a, b, start, end, top, mean, flip)
    total[wide] = pieces
    return total


def _beta_below(xp: Any, a: Any, b: Any, w: Any, mean: Any) -> Any:
    return _one_side(xp, a, b, w, mean, False)


def _beta_above(xp: Any, a: Any, b: Any, w: Any, mean: Any) -> Any:
    return _one_side(xp, b, a, -w, mean, True)


def beta_logit_slope(xp: Any, a: Any, b: Any, w: Any) -> Any:
    """The slope of ``w = logit x`` by ``a``, where ``x`` is drawn from Beta(a, b).

    Args:
        xp: the array module.
        a, b, w: float64 arrays of one shape, finite.
    """
    mean = digamma_forward(xp, a) - digamma_forward(xp, a + b)
    lower = _log_sigmoid(xp, w) < mean
    return by_parts(xp, [a, b, w, mean], (lower, _beta_below), (w == w, _beta_above))
