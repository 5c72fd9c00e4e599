"""The error function, its complement and its inverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method

__all__ = ["erf", "erfc", "erfinv"]

_SLOPE = 2 / math.sqrt(math.pi)

# In single precision erf(x) = x P(x^2) / Q(x^2) up to 4, where it rounds to 1: a
# least-squares fit whose error, 2.5e-8, is below the rounding of its evaluation.
_P = (
    1.1283791065216064,
    0.1935427337884903,
    0.053101446479558945,
    0.003883246798068285,
    0.0002845640410669148,
    1.9868039089487866e-06,
)
_Q = (
    1.0,
    0.5048553347587585,
    0.11534904688596725,
    0.01520705595612526,
    0.0011855482589453459,
    3.7420304579427466e-05,
)

# In double precision: the power series up to 1/2, and beyond it
# erfc(x) = t exp(-x^2) C(t) with t = 2 / (2 + x), C a Chebyshev series.
_SERIES = tuple(
    _SLOPE * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(12)
)
_TAIL = (
    0.5018976281803704,
    0.23178744911350016,
    0.03420322851859081,
    0.0020404095785902755,
    -0.0002720840192247113,
    -4.846007722970996e-05,
    3.811300411813548e-06,
    1.0759810418041088e-06,
    -1.0828448927743656e-07,
    -2.4667403642685853e-08,
    4.32658393255272e-09,
    4.601957737501562e-10,
    -1.7605189481375562e-10,
    9.89800065144969e-13,
    6.13384007523233e-12,
    -7.605654768854709e-13,
    -1.3785321190520163e-13,
    4.952182335054783e-14,
    -1.6934130932212022e-15,
    -1.838515038763985e-15,
    3.8118047147047003e-16,
    1.588826410418733e-17,
    -2.0513008082288032e-17,
    3.1669263535558814e-18,
)
_NEAR, _FAR = 0.5, 28.0  # beyond 28, erfc is below the smallest double
_T_LOW, _T_HIGH = 2 / (2 + _FAR), 2 / (2 + _NEAR)


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    result = x * coefficients[-1] + coefficients[-2]
    for c in coefficients[-3::-1]:
        result *= x
        result += c
    return result


def _chebyshev(u: Any, coefficients: tuple[float, ...]) -> Any:
    """Clenshaw's sum of the series at ``u`` in [-1, 1]."""
    double = u * 2
    before, last = u * 0, u * 0
    for c in coefficients[:0:-1]:
        before, last = last, double * last - before + c
    return u * last - before + coefficients[0]


def _tail(xp: Any, x: Any) -> Any:
    """erfc of ``x`` at least 1/2, in double precision."""
    x = xp.minimum(xp.maximum(x, _NEAR), _FAR)
    t = 2 / (2 + x)
    u = (t * 2 - (_T_LOW + _T_HIGH)) / (_T_HIGH - _T_LOW)
    # exp(-x^2) in two parts, for rounding x^2 would cost digits.
    head = xp.trunc(x * 16) / 16
    weight = xp.exp(-head * head) * xp.exp((head - x) * (head + x))
    return t * weight * _chebyshev(u, _TAIL)


_erf = op(
    "erf",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="erf(x)",
)


@_erf.forward
def erf_forward(xp: Any, x: Any) -> Any:
    if x.dtype == np.float32:
        x = xp.minimum(xp.maximum(x, -4), 4)
        square = x * x
        return x * _polynomial(square, _P) / _polynomial(square, _Q)
    near = xp.absolute(x) < _NEAR
    small = xp.where(near, x, 0)
    far = xp.copysign(1 - _tail(xp, xp.absolute(x)), x)
    return xp.where(near, small * _polynomial(small * small, _SERIES), far)


@_erf.vjp
def erf_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * (F.exp(F.neg(x * x)) * _SLOPE),)


@method(inplace=True)
def erf(input: Tensor) -> Tensor:
    """The error function: ``2 / sqrt(pi)`` times the integral of exp(-t^2) to x.

    >>> lampas.erf(lampas.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return _erf.call(input)


_erfc = op(
    "erfc",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="erfc(x)",
)


@_erfc.forward
def erfc_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    tail = _tail(xp, xp.absolute(wide))
    small = xp.where(xp.absolute(wide) < _NEAR, wide, 0)
    near = 1 - small * _polynomial(small * small, _SERIES)
    far = xp.where(wide < 0, 2 - tail, tail)
    result = xp.where(xp.absolute(wide) < _NEAR, near, far)
    return xp.where(xp.isnan(wide), wide, result).astype(x.dtype)


@_erfc.vjp
def erfc_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * (F.exp(F.neg(x * x)) * -_SLOPE),)


@method(inplace=True)
def erfc(input: Tensor) -> Tensor:
    """``1 - erf(x)``, exact also where erf is close to 1.

    >>> lampas.erfc(lampas.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    return _erfc.call(input)


_erfinv = op(
    "erfinv",
    kind=ELEMENTWISE,
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    autocast="float:cuda",
)


@_erfinv.forward
def erfinv_forward(xp: Any, x: Any) -> Any:
    size = xp.absolute(x.astype(np.float64))
    log = xp.log1p(-size * size)
    half = log / 2 + 2 / (math.pi * 0.147)
    # Winitzki's approximation, right to 2e-3, and two steps of Halley's method.
    y = xp.sqrt(xp.sqrt(half * half - log / 0.147) - half)
    y = xp.where(size < 1, y, 0)
    for _ in range(2):
        off = erfc_forward(xp, y) - (1 - size)
        small = erf_forward(xp, xp.minimum(y, 1)) - size
        off = xp.where(y < _NEAR, -small, off)
        step = off / (_SLOPE * xp.exp(-y * y))
        y = y + step / (1 - y * step)
    y = xp.where(size < 1, y, xp.where(size == 1, math.inf, math.nan))
    return xp.copysign(y, x).astype(x.dtype)


@_erfinv.vjp
def erfinv_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.exp(y * y) / _SLOPE),)


@method(inplace=True)
def erfinv(input: Tensor) -> Tensor:
    """The inverse of :func:`erf`: infinite at -1 and 1, NaN beyond.

    >>> lampas.erfinv(lampas.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """
    return _erfinv.call(input)
