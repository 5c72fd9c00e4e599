"""Powers and roots, element by element."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import complex128, float64
from lampas.engine.batching import pointwise
from lampas.engine.infer import broadcast, like_input
from lampas.engine.promotion import result_type_of
from lampas.engine.record import ELEMENTWISE, OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_one
from lampas.ops.convert import cast

__all__ = ["float_power", "pow", "reciprocal", "rsqrt", "sqrt", "square"]

_pow = op(
    "pow",
    kind=ELEMENTWISE,
    saves="x other x.shape other.shape",
    infer=broadcast,
    autocast="float:cuda",
)


@_pow.forward
def pow_forward(xp: Any, x: Any, other: Any) -> Any:
    kind = xp.result_type(x, other).kind
    if kind == "b":
        return xp.logical_or(x, xp.logical_not(other))
    if kind not in "iu":
        return xp.power(x, other)
    if isinstance(other, int):
        # absolute() would make int64 of a Python number, and so of the result.
        other = x.dtype.type(other)
    # A negative power of an integer is 0, but for those of 1 and -1.
    size = xp.absolute(x)
    unit = xp.power(x, xp.absolute(other) % 2)
    return xp.where(
        xp.less(other, 0),
        xp.where(size == 1, unit, xp.zeros_like(unit)),
        xp.power(x, xp.maximum(other, 0)),
    )


@_pow.vjp
def pow_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = dother = None
    if need[0]:
        slope = other * F.pow(x, other - 1)
        dx = F.sum_to(F.masked(g * F.conj(slope), other != 0), shape=shape)
    if need[1]:
        slope = F.pow(x, other) * F.log(x)
        still = F.logical_and(x == 0, F.logical_not(F.real(other) < 0))
        slope = F.masked(slope, F.logical_not(still))
        dother = F.sum_to(g * F.conj(slope), shape=other_shape)
    return dx, dother


_pow_number = op(
    "pow_number", kind=OPAQUE, saves="x", infer=like_input, autocast="float:cuda"
)


@_pow_number.forward
def pow_number_forward(xp: Any, x: Any, *, exponent: Any) -> Any:
    if exponent == 2:
        return xp.square(x)
    if exponent == 3:
        return x * x * x
    if exponent == 0.5:
        return xp.sqrt(x)
    if exponent == -1:
        return xp.reciprocal(x)
    return xp.power(x, exponent)


@_pow_number.vjp
def pow_number_vjp(F: Any, g: Any, x: Any, *, need: Any, exponent: Any) -> Any:
    if exponent == 0:
        return (F.zeros_like(x),)
    if exponent == 2:
        return (F.mul(g, F.conj(F.mul(x, 2))),)
    return (g * F.conj(F.pow_number(x, exponent=exponent - 1) * exponent),)


pointwise(_pow_number)


def pow(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """Raise to a power: ``y = input ** exponent``.

    Args:
        input, exponent: tensors that broadcast against each other, or numbers.

    Raises:
        RuntimeError: integers are raised to a negative number.

    >>> lampas.pow(lampas.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    require_one("pow", input, exponent)
    if not isinstance(exponent, (int, float)) or not isinstance(input, Tensor):
        return _pow.call(input, exponent)
    kind = input._data.dtype.kind
    if kind in "fcV":
        return _pow_number.call(input, exponent=exponent)
    if kind in "iu" and isinstance(exponent, int) and exponent < 0:
        raise DTypeError(
            f"integers can't be raised to the negative power {exponent}; "
            "make the input floating first"
        )
    return _pow.call(input, exponent)


def float_power(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """Raise to a power in double precision.

    Args:
        input, exponent: tensors that broadcast against each other, or numbers.

    >>> lampas.float_power(lampas.tensor([1, 2]), -1)
    tensor([1.0000, 0.5000], dtype=lampas.float64)
    """
    require_one("float_power", input, exponent)
    both = [x._data if isinstance(x, Tensor) else x for x in (input, exponent)]
    wide = complex128 if result_type_of(both).is_complex else float64
    base, power = (
        cast(x, wide) if isinstance(x, Tensor) else x for x in (input, exponent)
    )
    return pow(base, power)


_square = op(
    "square",
    kind=ELEMENTWISE,
    ufunc="square",
    saves="x",
    infer=like_input,
    expr="x * x",
)


@_square.vjp
def square_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.mul(g, F.conj(F.mul(x, 2))),)


def square(input: Tensor) -> Tensor:
    """The square: ``y = x * x``.

    >>> lampas.square(lampas.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    return pow(input, 2) if input._data.dtype.kind == "b" else _square.call(input)


_sqrt = op(
    "sqrt",
    kind=ELEMENTWISE,
    ufunc="sqrt",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="sqrt(x)",
)


@_sqrt.vjp
def sqrt_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.div(g, F.conj(F.mul(y, 2))),)


def sqrt(input: Tensor) -> Tensor:
    """The square root; NaN for negative elements.

    >>> lampas.sqrt(lampas.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return _sqrt.call(input)


_rsqrt = op(
    "rsqrt",
    kind=ELEMENTWISE,
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="1 / sqrt(x)",
    autocast="float:cuda",
)


@_rsqrt.forward
def rsqrt_forward(xp: Any, x: Any) -> Any:
    return xp.reciprocal(xp.sqrt(x))


@_rsqrt.vjp
def rsqrt_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * F.conj(F.pow_number(y, exponent=3) * -0.5),)


def rsqrt(input: Tensor) -> Tensor:
    """One over the square root.

    >>> lampas.rsqrt(lampas.tensor([4.0]))
    tensor([0.5000])
    """
    return _rsqrt.call(input)


_reciprocal = op(
    "reciprocal",
    kind=ELEMENTWISE,
    ufunc="reciprocal",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="1 / x",
    autocast="float:cuda",
)


@_reciprocal.vjp
def reciprocal_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.neg(g * F.conj(y * y)),)


def reciprocal(input: Tensor) -> Tensor:
    """One over each element.

    >>> lampas.reciprocal(lampas.tensor([4.0]))
    tensor([0.2500])
    """
    return _reciprocal.call(input)


method(inplace=True)(pow)
method(inplace=True)(float_power)
method(inplace=True)(square)
method(inplace=True)(sqrt)
method(inplace=True)(rsqrt)
method(inplace=True)(reciprocal)
