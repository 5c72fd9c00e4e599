"""Bessel functions of order 0 and 1, and the spherical one of order 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.ops import _bessel_series as series
from lampas.ops._special import by_parts, chebyshev, over, require_real

__all__ = ["bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "spherical_bessel_j0"]

_NEAR, _LOW = 64, 1 / 64  # of x^2: up to x = 8, and beyond
_PER_PI = 2 / math.pi


def _near_j0(xp: Any, x: Any) -> Any:
    return chebyshev(x * x, 0, _NEAR, series.J0_NEAR)


def _near_j1(xp: Any, x: Any) -> Any:
    return x * chebyshev(x * x, 0, _NEAR, series.J1_NEAR)


def _near_y0(xp: Any, x: Any) -> Any:
    smooth = chebyshev(x * x, 0, _NEAR, series.Y0_NEAR)
    return smooth + _PER_PI * xp.log(x / 2) * _near_j0(xp, x)


def _near_y1(xp: Any, x: Any) -> Any:
    smooth = x * chebyshev(x * x, 0, _NEAR, series.Y1_NEAR)
    return smooth + _PER_PI * (xp.log(x / 2) * _near_j1(xp, x) - 1 / x)


def _amplitudes(xp: Any, x: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Both amplitudes times ``sqrt(2 / (pi x))``, over the root of 2."""
    inverse = (1 / x) ** 2
    root = 1 / xp.sqrt(math.pi * x)
    return (
        root * chebyshev(inverse, 0, _LOW, p),
        root * chebyshev(inverse, 0, _LOW, q) / x,
    )


# The phase x - pi/4 is taken apart, for rounding it would cost digits: the sum and the
# difference of sine and cosine are root 2 times its cosine and sine.


def _far_j0(xp: Any, x: Any) -> Any:
    p, q = _amplitudes(xp, x, series.P0, series.Q0)
    sin, cos = xp.sin(x), xp.cos(x)
    return p * (cos + sin) - q * (sin - cos)


def _far_y0(xp: Any, x: Any) -> Any:
    p, q = _amplitudes(xp, x, series.P0, series.Q0)
    sin, cos = xp.sin(x), xp.cos(x)
    return p * (sin - cos) + q * (cos + sin)


def _far_j1(xp: Any, x: Any) -> Any:
    p, q = _amplitudes(xp, x, series.P1, series.Q1)
    sin, cos = xp.sin(x), xp.cos(x)
    return p * (sin - cos) + q * (sin + cos)


def _far_y1(xp: Any, x: Any) -> Any:
    p, q = _amplitudes(xp, x, series.P1, series.Q1)
    sin, cos = xp.sin(x), xp.cos(x)
    return q * (sin - cos) - p * (sin + cos)


def _first_kind(xp: Any, x: Any, near: Any, far: Any) -> Any:
    """Of the size of ``x``; 0 at infinity."""
    size = xp.absolute(x)
    return by_parts(
        xp, [size], (size <= 8, near), (size == math.inf, 0.0), (size > 8, far)
    )


def _second_kind(xp: Any, x: Any, near: Any, far: Any) -> Any:
    """-inf at 0, NaN below, 0 at infinity."""
    inside = xp.logical_and(x > 0, x <= 8)
    beyond = xp.logical_and(x > 8, x < math.inf)
    return by_parts(
        xp,
        [x],
        (x == 0, -math.inf),
        (inside, near),
        (x == math.inf, 0.0),
        (beyond, far),
    )


_bessel_j0 = op(
    "bessel_j0",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_bessel_j0.forward
def bessel_j0_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return _first_kind(xp, wide, _near_j0, _far_j0).astype(x.dtype)


@_bessel_j0.vjp
def bessel_j0_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.neg(F.bessel_j1(x)),)


def bessel_j0(input: Tensor) -> Tensor:
    """The Bessel function of the first kind and order 0.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.bessel_j0(lampas.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """
    require_real("bessel_j0", input)
    return _bessel_j0.call(input)


_bessel_j1 = op(
    "bessel_j1",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_bessel_j1.forward
def bessel_j1_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    values = _first_kind(xp, wide, _near_j1, _far_j1)
    return xp.where(wide < 0, -values, values).astype(x.dtype)


@_bessel_j1.vjp
def bessel_j1_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.bessel_j0(x) - over(F, y, x)),)


def bessel_j1(input: Tensor) -> Tensor:
    """The Bessel function of the first kind and order 1.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.bessel_j1(lampas.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """
    require_real("bessel_j1", input)
    return _bessel_j1.call(input)


_bessel_y0 = op(
    "bessel_y0",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_bessel_y0.forward
def bessel_y0_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return _second_kind(xp, wide, _near_y0, _far_y0).astype(x.dtype)


@_bessel_y0.vjp
def bessel_y0_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.neg(F.bessel_y1(x)),)


def bessel_y0(input: Tensor) -> Tensor:
    """The Bessel function of the second kind and order 0.

    Args:
        input: positive, any shape; -inf at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.bessel_y0(lampas.tensor([1.0]))
    tensor([0.0883])
    """
    require_real("bessel_y0", input)
    return _bessel_y0.call(input)


_bessel_y1 = op(
    "bessel_y1",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_bessel_y1.forward
def bessel_y1_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return _second_kind(xp, wide, _near_y1, _far_y1).astype(x.dtype)


@_bessel_y1.vjp
def bessel_y1_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.bessel_y0(x) - y / x),)


def bessel_y1(input: Tensor) -> Tensor:
    """The Bessel function of the second kind and order 1.

    Args:
        input: positive, any shape; -inf at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.bessel_y1(lampas.tensor([1.0]))
    tensor([-0.7812])
    """
    require_real("bessel_y1", input)
    return _bessel_y1.call(input)


_spherical_bessel_j0 = op(
    "spherical_bessel_j0",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_spherical_bessel_j0.forward
def spherical_bessel_j0_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    known = xp.logical_and(wide != 0, xp.logical_not(xp.isinf(wide)))
    divisor = xp.where(known, wide, 1)
    values = xp.sin(divisor) / divisor
    values = xp.where(wide == 0, 1, values)
    return xp.where(xp.isinf(wide), 0, values).astype(x.dtype)


@_spherical_bessel_j0.vjp
def spherical_bessel_j0_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    slope = (F.cos(x) - y) / (x + (x == 0))
    return (g * slope,)


def spherical_bessel_j0(input: Tensor) -> Tensor:
    """The spherical Bessel function of order 0: ``y = sin(x) / x``, 1 at 0.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.spherical_bessel_j0(lampas.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    require_real("spherical_bessel_j0", input)
    return _spherical_bessel_j0.call(input)
