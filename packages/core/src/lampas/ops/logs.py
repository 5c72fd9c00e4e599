"""Logarithms of sums and products of two tensors, odds, and kindred functions."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.infer import broadcast, like_input
from lampas.engine.promotion import result_type_of
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_one, require_tensors
from lampas.ops.choose import clamp, where
from lampas.ops.compare import eq, ge
from lampas.ops.complex import real
from lampas.ops.unary import exp, log1p

__all__ = [
    "copysign",
    "heaviside",
    "logaddexp",
    "logaddexp2",
    "logit",
    "sinc",
    "xlogy",
]

_logaddexp = op(
    "logaddexp",
    kind=ELEMENTWISE,
    ufunc="logaddexp",
    promote="float",
    saves="x other y x.shape other.shape",
    fresh=True,
    infer=broadcast,
)
_logaddexp2 = op(
    "logaddexp2",
    kind=ELEMENTWISE,
    ufunc="logaddexp2",
    promote="float",
    saves="x other y x.shape other.shape",
    fresh=True,
    infer=broadcast,
)


def _share(F: Any, x: Any, other: Any, y: Any, unit: float) -> Any:
    """``exp(x - y)``, which is 1 beside +inf and 0 where both are -inf.

    As ``1 / (1 + exp(other - x))``, which has no ``inf - inf`` with one infinity.
    """
    some = y != -math.inf
    ahead = F.masked(x, some) - F.masked(other, some)
    return F.masked(F.sigmoid(ahead * unit), some)


@_logaddexp.vjp
def logaddexp_vjp(
    F: Any,
    g: Any,
    x: Any,
    other: Any,
    y: Any,
    shape: Any,
    other_shape: Any,
    *,
    need: Any,
) -> Any:
    return (
        F.sum_to(g * _share(F, x, other, y, 1.0), shape=shape) if need[0] else None,
        F.sum_to(g * _share(F, other, x, y, 1.0), shape=other_shape)
        if need[1]
        else None,
    )


@_logaddexp2.vjp
def logaddexp2_vjp(
    F: Any,
    g: Any,
    x: Any,
    other: Any,
    y: Any,
    shape: Any,
    other_shape: Any,
    *,
    need: Any,
) -> Any:
    unit = math.log(2)
    return (
        F.sum_to(g * _share(F, x, other, y, unit), shape=shape) if need[0] else None,
        F.sum_to(g * _share(F, other, x, y, unit), shape=other_shape)
        if need[1]
        else None,
    )


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """``log(exp(input) + exp(other))`` without overflow.

    Args:
        input, other: floating or complex tensors that broadcast against each other.

    >>> lampas.logaddexp(lampas.tensor([0.0]), lampas.tensor([0.0]))
    tensor([0.6931])
    """
    require_tensors("logaddexp", input=input, other=other)
    _require_floating("logaddexp", input, other)
    if input.is_complex() or other.is_complex():
        return _complex_logaddexp(input, other)
    return _logaddexp.call(input, other)


def _complex_logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """The exponential that is larger, by the real parts, is taken out of the sum."""
    larger = ge(real(input), real(other))
    top, low = where(larger, input, other), where(larger, other, input)
    away = where(eq(low, top), 0, low - top)
    return top + log1p(exp(away))


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """``log2(2 ** input + 2 ** other)`` without overflow.

    Args:
        input, other: floating tensors that broadcast against each other.

    >>> lampas.logaddexp2(lampas.tensor([1.0]), lampas.tensor([1.0]))
    tensor([2.])
    """
    require_tensors("logaddexp2", input=input, other=other)
    _require_floating("logaddexp2", input, other)
    return _logaddexp2.call(input, other)


def _require_floating(name: str, *tensors: Tensor) -> None:
    common = result_type_of([x._data for x in tensors])
    if common.category < 2:
        raise DTypeError(f"{name} is not implemented for {common}")


_xlogy = op(
    "xlogy",
    kind=ELEMENTWISE,
    promote="float",
    saves="x other x.shape other.shape",
    infer=broadcast,
)


@_xlogy.forward
def xlogy_forward(xp: Any, x: Any, other: Any) -> Any:
    if not hasattr(other, "dtype"):
        # log() would make a double of a Python number, and so of the result.
        other = x.dtype.type(other)
    # 0 log y is 0 for every y but NaN.
    zero = xp.logical_and(x == 0, xp.logical_not(xp.isnan(other)))
    return xp.where(zero, xp.zeros_like(x * other), x * xp.log(other))


@_xlogy.vjp
def xlogy_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = dother = None
    if need[0]:
        still = F.logical_and(x == 0, other <= 0)
        slope = F.masked(F.log(other), F.logical_not(still))
        dx = F.sum_to(g * slope, shape=shape)
    if need[1]:
        dother = F.sum_to(g * (x / other), shape=other_shape)
    return dx, dother


@method(inplace=True)
def xlogy(input: Tensor | float, other: Tensor | float) -> Tensor:
    """``input * log(other)``, 0 where ``input`` is 0.

    Args:
        input, other: tensors that broadcast against each other, or one number.

    >>> lampas.xlogy(lampas.tensor([0.0, 1.0]), lampas.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    require_one("xlogy", input, other)
    return _xlogy.call(input, other)


_logit = op(
    "logit", kind=ELEMENTWISE, promote="float", saves="x", fresh=True, infer=like_input
)


@_logit.forward
def logit_forward(xp: Any, x: Any) -> Any:
    return xp.log(x / (1 - x))


@_logit.vjp
def logit_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / (x * (1 - x)),)


@method(inplace=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """The log of the odds: ``y = log(x / (1 - x))``, the inverse of sigmoid.

    Args:
        input: probabilities, any shape.
        eps: bring the input into ``[eps, 1 - eps]`` first.

    >>> lampas.logit(lampas.tensor([0.5]))
    tensor([0.])
    """
    if eps is None:
        return _logit.call(input)
    return _logit.call(clamp(input, eps, 1 - eps))


_sinc = op("sinc", kind=ELEMENTWISE, promote="float", saves="x", infer=like_input)


@_sinc.forward
def sinc_forward(xp: Any, x: Any) -> Any:
    angle = x * math.pi
    return xp.where(
        angle == 0, xp.ones_like(x), xp.sin(angle) / xp.where(angle == 0, 1, angle)
    )


@_sinc.vjp
def sinc_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    angle = x * math.pi
    slope = (angle * F.cos(angle) - F.sin(angle)) / (angle * x)
    return (g * F.conj(F.masked(slope, x != 0)),)


@method(inplace=True)
def sinc(input: Tensor) -> Tensor:
    """``sin(pi x) / (pi x)``, 1 at 0.

    >>> lampas.sinc(lampas.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return _sinc.call(input)


_copysign = op(
    "copysign",
    kind=ELEMENTWISE,
    ufunc="copysign",
    promote="float",
    saves="x y x.shape other.shape",
    infer=broadcast,
)


@_copysign.vjp
def copysign_vjp(
    F: Any, g: Any, x: Any, y: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = F.sum_to(g * (F.sgn(x) * F.sgn(y)), shape=shape) if need[0] else None
    return dx, F.sum_to(F.zeros_like(g), shape=other_shape) if need[1] else None


@method(inplace=True)
def copysign(input: Tensor, other: Tensor | float) -> Tensor:
    """The size of ``input`` with the sign of ``other``.

    Args:
        input, other: real tensors that broadcast against each other, or a number.

    >>> lampas.copysign(lampas.tensor([1.0, -2.0]), -0.0)
    tensor([-1., -2.])
    """
    require_tensors("copysign", input=input)
    return _copysign.call(input, other)


_heaviside = op("heaviside", kind=ELEMENTWISE, infer=broadcast)


@_heaviside.forward
def heaviside_forward(xp: Any, x: Any, other: Any) -> Any:
    one, zero = xp.ones((), other.dtype), xp.zeros((), other.dtype)
    return xp.where(x == 0, other, xp.where(x > 0, one, zero))


@method(inplace=True)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below zero, 1 above, and ``values`` at zero.

    Args:
        input, values: tensors of one dtype that broadcast against each other.

    Raises:
        RuntimeError: the dtypes differ or are complex.

    >>> lampas.heaviside(lampas.tensor([-1.0, 0.0, 2.0]), lampas.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_tensors("heaviside", input=input, values=values)
    if input._data.dtype != values._data.dtype or input.is_complex():
        raise DTypeError(
            f"heaviside: values must have input's real dtype, got {input.dtype} and "
            f"{values.dtype}"
        )
    return _heaviside.call(input, values)


for _function in (logaddexp, logaddexp2):
    method()(_function)
