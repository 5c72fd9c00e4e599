"""Modified Bessel functions of order 0 and 1, plain and scaled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.ops import _modified_series as series
from lampas.ops._special import by_parts, chebyshev, over, require_real

__all__ = [
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
]


# ---- of the first kind


def _near_i0e(xp: Any, x: Any) -> Any:
    return chebyshev(x, 0, 8, series.I0_NEAR)


def _far_i0e(xp: Any, x: Any) -> Any:
    return chebyshev(1 / x, 0, 1 / 8, series.I0_FAR) / xp.sqrt(x)


def _near_i1e(xp: Any, x: Any) -> Any:
    return x * chebyshev(x, 0, 8, series.I1_NEAR)


def _far_i1e(xp: Any, x: Any) -> Any:
    return chebyshev(1 / x, 0, 1 / 8, series.I1_FAR) / xp.sqrt(x)


def _scaled_i0(xp: Any, x: Any) -> Any:
    size = xp.absolute(x)
    return by_parts(xp, [size], (size <= 8, _near_i0e), (size > 8, _far_i0e))


def _scaled_i1(xp: Any, x: Any) -> Any:
    size = xp.absolute(x)
    values = by_parts(xp, [size], (size <= 8, _near_i1e), (size > 8, _far_i1e))
    return xp.copysign(values, x)


def _grown(xp: Any, scaled: Any, x: Any) -> Any:
    """``exp(|x|) scaled(x)``, which overflows no sooner than the result does."""
    bounded = xp.minimum(xp.maximum(x, -1e4), 1e4)
    half = xp.exp(xp.absolute(bounded) / 2)
    return half * scaled(xp, bounded) * half


_i0 = op(
    "i0",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_i0.forward
def i0_forward(xp: Any, x: Any) -> Any:
    return _grown(xp, _scaled_i0, x.astype(np.float64)).astype(x.dtype)


@_i0.vjp
def i0_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.i1(x),)


@method(inplace=True)
def i0(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.i0(lampas.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    require_real("i0", input)
    return _i0.call(input)


_i0e = op(
    "i0e",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_i0e.forward
def i0e_forward(xp: Any, x: Any) -> Any:
    return _scaled_i0(xp, x.astype(np.float64)).astype(x.dtype)


@_i0e.vjp
def i0e_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.i1e(x) - F.sgn(x) * y),)


def i0e(input: Tensor) -> Tensor:
    """``exp(-|x|)`` times :func:`i0`.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.i0e(lampas.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0399])
    """
    require_real("i0e", input)
    return _i0e.call(input)


_i1 = op(
    "i1",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_i1.forward
def i1_forward(xp: Any, x: Any) -> Any:
    return _grown(xp, _scaled_i1, x.astype(np.float64)).astype(x.dtype)


@_i1.vjp
def i1_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.i0(x) - over(F, y, x)),)


def i1(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind and order 1.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.i1(lampas.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    require_real("i1", input)
    return _i1.call(input)


_i1e = op(
    "i1e",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_i1e.forward
def i1e_forward(xp: Any, x: Any) -> Any:
    return _scaled_i1(xp, x.astype(np.float64)).astype(x.dtype)


@_i1e.vjp
def i1e_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.i0e(x) - over(F, y, x) - F.sgn(x) * y),)


def i1e(input: Tensor) -> Tensor:
    """``exp(-|x|)`` times :func:`i1`.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.i1e(lampas.tensor([0.0, 100.0]))
    tensor([0.0000, 0.0397])
    """
    require_real("i1e", input)
    return _i1e.call(input)


def modified_bessel_i0(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind and order 0.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.modified_bessel_i0(lampas.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return i0(input)


def modified_bessel_i1(input: Tensor) -> Tensor:
    """The modified Bessel function of the first kind and order 1.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.modified_bessel_i1(lampas.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return i1(input)


# ---- of the second kind


def _near_k0(xp: Any, x: Any) -> Any:
    smooth = chebyshev(x * x, 0, 4, series.K0_NEAR)
    return smooth - xp.log(x / 2) * xp.exp(x) * _near_i0e(xp, x)


def _near_k1(xp: Any, x: Any) -> Any:
    smooth = chebyshev(x * x, 0, 4, series.K1_NEAR)
    return smooth / x + xp.log(x / 2) * xp.exp(x) * _near_i1e(xp, x)


def _far_k0e(xp: Any, x: Any) -> Any:
    return chebyshev(1 / x, 0, 1 / 2, series.K0_FAR) / xp.sqrt(x)


def _far_k1e(xp: Any, x: Any) -> Any:
    return chebyshev(1 / x, 0, 1 / 2, series.K1_FAR) / xp.sqrt(x)


def _near_k0e(xp: Any, x: Any) -> Any:
    return xp.exp(x) * _near_k0(xp, x)


def _near_k1e(xp: Any, x: Any) -> Any:
    return xp.exp(x) * _near_k1(xp, x)


def _far_k0(xp: Any, x: Any) -> Any:
    return xp.exp(-x) * _far_k0e(xp, x)


def _far_k1(xp: Any, x: Any) -> Any:
    return xp.exp(-x) * _far_k1e(xp, x)


def _second_kind(xp: Any, x: Any, near: Any, far: Any) -> Any:
    """Infinite at 0 and NaN below, in the dtype of ``x``."""
    wide = x.astype(np.float64)
    inside = xp.logical_and(wide > 0, wide <= 2)
    values = by_parts(
        xp, [wide], (wide == 0, math.inf), (inside, near), (wide > 2, far)
    )
    return values.astype(x.dtype)


_k0 = op(
    "k0",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_k0.forward
def k0_forward(xp: Any, x: Any) -> Any:
    return _second_kind(xp, x, _near_k0, _far_k0)


@_k0.vjp
def k0_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.neg(F.k1(x)),)


def modified_bessel_k0(input: Tensor) -> Tensor:
    """The modified Bessel function of the second kind and order 0.

    Args:
        input: positive, any shape; infinite at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.modified_bessel_k0(lampas.tensor([1.0]))
    tensor([0.4210])
    """
    require_real("modified_bessel_k0", input)
    return _k0.call(input)


_k1 = op(
    "k1",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_k1.forward
def k1_forward(xp: Any, x: Any) -> Any:
    return _second_kind(xp, x, _near_k1, _far_k1)


@_k1.vjp
def k1_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * F.neg(F.k0(x) + y / x),)


def modified_bessel_k1(input: Tensor) -> Tensor:
    """The modified Bessel function of the second kind and order 1.

    Args:
        input: positive, any shape; infinite at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.modified_bessel_k1(lampas.tensor([1.0]))
    tensor([0.6019])
    """
    require_real("modified_bessel_k1", input)
    return _k1.call(input)


_k0e = op(
    "k0e",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_k0e.forward
def k0e_forward(xp: Any, x: Any) -> Any:
    return _second_kind(xp, x, _near_k0e, _far_k0e)


@_k0e.vjp
def k0e_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (y - F.k1e(x)),)


def scaled_modified_bessel_k0(input: Tensor) -> Tensor:
    """``exp(x)`` times :func:`modified_bessel_k0`.

    Args:
        input: positive, any shape; infinite at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.scaled_modified_bessel_k0(lampas.tensor([1.0]))
    tensor([1.1445])
    """
    require_real("scaled_modified_bessel_k0", input)
    return _k0e.call(input)


_k1e = op(
    "k1e",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_k1e.forward
def k1e_forward(xp: Any, x: Any) -> Any:
    return _second_kind(xp, x, _near_k1e, _far_k1e)


@_k1e.vjp
def k1e_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (y - F.k0e(x) - y / x),)


def scaled_modified_bessel_k1(input: Tensor) -> Tensor:
    """``exp(x)`` times :func:`modified_bessel_k1`.

    Args:
        input: positive, any shape; infinite at 0, NaN below.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.scaled_modified_bessel_k1(lampas.tensor([1.0]))
    tensor([1.6362])
    """
    require_real("scaled_modified_bessel_k1", input)
    return _k1e.call(input)
