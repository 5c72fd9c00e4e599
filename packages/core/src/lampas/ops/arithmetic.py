"""Arithmetic of two tensors, element by element."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import HALVES
from lampas.engine.batching import pointwise
from lampas.engine.callpath import CAST
from lampas.engine.infer import broadcast, like_input
from lampas.engine.promotion import result_type_of
from lampas.engine.record import BILINEAR, ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import require_one, require_tensors
from lampas.ops.unary import trunc

__all__ = [
    "add",
    "div",
    "divide",
    "floor_divide",
    "fmod",
    "mul",
    "multiply",
    "neg",
    "negative",
    "remainder",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
]

_neg = op(
    "neg",
    kind=ELEMENTWISE,
    ufunc="negative",
    fresh=True,
    infer=like_input,
    expr="-x",
)


@_neg.vjp
def neg_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.neg(g),)


def neg(input: Tensor) -> Tensor:
    """Negate each element: ``y = -x``.

    Args:
        input: any shape; not bool.

    Raises:
        RuntimeError: ``input`` is bool.

    >>> neg(lampas.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    if input.dtype.category == 0:
        raise DTypeError(
            "negation of a bool tensor is not defined; use ~ or logical_not"
        )
    return _neg.call(input)


_add = op(
    "add",
    kind=ELEMENTWISE,
    ufunc="add",
    saves="x.shape other.shape",
    infer=broadcast,
    expr="x + other",
)


@_add.vjp
def add_vjp(F: Any, g: Any, shape: Any, other_shape: Any, *, need: Any) -> Any:
    return (
        F.sum_to(g, shape=shape) if need[0] else None,
        F.sum_to(g, shape=other_shape) if need[1] else None,
    )


def add(input: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """Add, element by element: ``y = input + alpha * other``.

    Args:
        input, other: tensors that broadcast against each other, or numbers.
        alpha: factor of ``other``.

    Returns:
        The sum, of the broadcast shape and the promoted dtype.

    >>> add(lampas.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([21., 22.])
    """
    return _add.call(input, other if alpha == 1 else _scaled(other, alpha, input))


def _scaled(other: Any, alpha: Any, input: Any) -> Any:
    both = (input, other)
    kinds = [x.dtype.category for x in both if isinstance(x, Tensor)]
    if isinstance(alpha, complex) and max(kinds) < 3:
        raise DTypeError(f"alpha must be real for real tensors, got {alpha}")
    if isinstance(alpha, float) and max(kinds) < 2:
        raise DTypeError(f"alpha must be an integer for integer tensors, got {alpha}")
    if not isinstance(other, Tensor):
        return other * alpha
    common = result_type_of([x._data if isinstance(x, Tensor) else x for x in both])
    return _mul.call(CAST[0](other, dtype=common.numpy), alpha)


_sub = op(
    "sub",
    kind=ELEMENTWISE,
    ufunc="subtract",
    saves="x.shape other.shape",
    infer=broadcast,
    expr="x - other",
)


@_sub.vjp
def sub_vjp(F: Any, g: Any, shape: Any, other_shape: Any, *, need: Any) -> Any:
    return (
        F.sum_to(g, shape=shape) if need[0] else None,
        F.sum_to(F.neg(g), shape=other_shape) if need[1] else None,
    )


def refuse_bool(x: Any) -> None:
    """Refuse a bool operand of a subtraction."""
    if isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype.category == 0):
        raise DTypeError(
            "subtraction with a bool tensor is not defined; use ^ or logical_xor"
        )


def sub(input: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """Subtract, element by element: ``y = input - alpha * other``.

    Args:
        input, other: tensors that broadcast against each other, or numbers; not bool.
        alpha: factor of ``other``.

    Raises:
        RuntimeError: an operand is a bool tensor.

    >>> sub(lampas.tensor([5.0, 2.0]), lampas.tensor([1.0, 1.0]))
    tensor([4., 1.])
    """
    for x in (input, other):
        refuse_bool(x)
    return _sub.call(input, other if alpha == 1 else _scaled(other, alpha, input))


_mul = op(
    "mul",
    kind=BILINEAR,
    ufunc="multiply",
    promote="promote",
    saves="x?1 other?0 x.shape other.shape",
    fresh=True,
    infer=broadcast,
    expr="x * other",
)


@_mul.vjp
def mul_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    return (
        F.sum_to(F.mul(g, F.conj(other)), shape=shape) if need[0] else None,
        F.sum_to(F.mul(g, F.conj(x)), shape=other_shape) if need[1] else None,
    )


pointwise(_mul)


def mul(input: Tensor, other: Tensor | float) -> Tensor:
    """Multiply, element by element: ``y = input * other``.

    Args:
        input, other: tensors that broadcast against each other, or numbers.

    >>> mul(lampas.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return _mul.call(input, other)


_div = op(
    "div",
    kind=ELEMENTWISE,
    ufunc="true_divide",
    promote="float",
    saves="x?1 other x.shape other.shape",
    fresh=True,
    infer=broadcast,
    expr="x / other",
)


@_div.vjp
def div_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = F.div(g, F.conj(other))
    dother = None
    if need[1]:
        share = F.conj(F.div(x, other))
        dother = F.sum_to(F.neg(F.mul(dx, share)), shape=other_shape)
    return F.sum_to(dx, shape=shape) if need[0] else None, dother


_div_floor = op("div_floor", kind=ELEMENTWISE, saves="x other", infer=broadcast)
_div_trunc = op("div_trunc", kind=ELEMENTWISE, saves="x other", infer=broadcast)


@_div_floor.forward
def div_floor_forward(xp: Any, x: Any, other: Any) -> Any:
    _refuse_zero(x, other)
    return xp.floor_divide(x, other)


@_div_trunc.forward
def div_trunc_forward(xp: Any, x: Any, other: Any) -> Any:
    _refuse_zero(x, other)
    if xp.result_type(x, other).kind == "f":
        return xp.trunc(xp.true_divide(x, other))
    # Exact for integers of any size: take away the remainder of x's own sign.
    return xp.floor_divide(x - xp.fmod(x, other), other)


@_div_trunc.vjp
@_div_floor.vjp
def div_rounded_vjp(F: Any, g: Any, x: Any, other: Any, *, need: Any) -> Any:
    return (
        F.zeros_like(x) if need[0] else None,
        F.zeros_like(other) if need[1] else None,
    )


class IntegerDivisionError(ShapeError, ZeroDivisionError):
    """An integer was divided by zero."""


def _refuse_zero(x: Any, other: Any) -> None:
    kind = x.dtype.kind if hasattr(x, "dtype") else other.dtype.kind
    if kind not in "iub":
        return
    if kind == "b" and _is_bool(x) and _is_bool(other):
        raise DTypeError("bools are not divided; call .int() on one of them")
    if other == 0 if isinstance(other, int) else (other == 0).any():
        raise IntegerDivisionError("other has a zero: integers can't be divided by it")


def _is_bool(x: Any) -> bool:
    return x.dtype.kind == "b" if hasattr(x, "dtype") else isinstance(x, bool)


def div(
    input: Tensor, other: Tensor | float, *, rounding_mode: str | None = None
) -> Tensor:
    """Divide, element by element: ``y = input / other``; integers give floats.

    Args:
        input, other: tensors that broadcast against each other, or numbers.
        rounding_mode: None, ``"trunc"`` (towards zero) or ``"floor"``.

    Raises:
        RuntimeError: ``rounding_mode`` is none of these, or an integer is divided by
            zero.

    >>> div(lampas.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    """
    if rounding_mode is None:
        return _div.call(input, other)
    if rounding_mode == "trunc":
        if _is_half(input) or _is_half(other):
            quotient = _div.call(input, other)
            if _is_half(quotient):
                # PyTorch rounds the quotient to half precision before it cuts it off.
                return trunc(quotient)
        return _div_trunc.call(input, other)
    if rounding_mode == "floor":
        return _div_floor.call(input, other)
    raise DTypeError(
        f"rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
    )


def _is_half(x: Any) -> bool:
    return isinstance(x, Tensor) and x._data.dtype in HALVES


def floor_divide(input: Tensor, other: Tensor | float) -> Tensor:
    """Divide and round down: ``y = floor(input / other)``.

    Args:
        input, other: tensors that broadcast against each other, or numbers.

    Raises:
        RuntimeError: an integer is divided by zero.

    >>> floor_divide(lampas.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return _div_floor.call(input, other)


_remainder = op(
    "remainder",
    kind=ELEMENTWISE,
    saves="x?1 other?1 x.shape other.shape",
    infer=broadcast,
)
_fmod = op(
    "fmod",
    kind=ELEMENTWISE,
    saves="x?1 other?1 x.shape other.shape",
    infer=broadcast,
)


@_remainder.forward
def remainder_forward(xp: Any, x: Any, other: Any) -> Any:
    _refuse_zero(x, other)
    return xp.remainder(x, other)


@_remainder.vjp
def remainder_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dother = None
    if need[1]:
        dother = F.sum_to(F.neg(g * F.div_floor(x, other)), shape=other_shape)
    return F.sum_to(g, shape=shape) if need[0] else None, dother


@_fmod.forward
def fmod_forward(xp: Any, x: Any, other: Any) -> Any:
    _refuse_zero(x, other)
    return xp.fmod(x, other)


@_fmod.vjp
def fmod_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dother = None
    if need[1]:
        dother = F.sum_to(F.neg(g * F.div_trunc(x, other)), shape=other_shape)
    return F.sum_to(g, shape=shape) if need[0] else None, dother


def remainder(input: Tensor, other: Tensor | float) -> Tensor:
    """The remainder of floored division; it has the sign of ``other``.

    Args:
        input, other: tensors that broadcast against each other, or numbers.

    Raises:
        RuntimeError: an integer is divided by zero.

    >>> remainder(lampas.tensor([7, -7]), 4)
    tensor([3, 1])
    """
    require_one("remainder", input, other)
    return _remainder.call(input, other)


def fmod(input: Tensor, other: Tensor | float) -> Tensor:
    """The remainder of division rounded to zero; it has the sign of ``input``.

    Args:
        input, other: tensors that broadcast against each other, or numbers.

    Raises:
        RuntimeError: an integer is divided by zero.

    >>> fmod(lampas.tensor([7, -7]), 4)
    tensor([ 3, -3])
    """
    require_tensors("fmod", input=input)
    return _fmod.call(input, other)


def rsub(input: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """Subtract the other way round: ``y = other - alpha * input``.

    Args:
        input, other: tensors that broadcast against each other, or numbers; not bool.
        alpha: factor of ``input``.

    >>> rsub(lampas.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    require_tensors("rsub", input=input)
    for x in (input, other):
        refuse_bool(x)
    return _sub.call(other, input if alpha == 1 else _scaled(input, alpha, other))


negative, subtract, multiply = neg, sub, mul
divide = true_divide = div

method("neg", "negative", "__neg__", inplace=True)(neg)
method("add", inplace=True)(add)
method("sub", "subtract", inplace=True)(sub)
method("mul", "multiply", inplace=True)(mul)
method("div", "divide", "true_divide", inplace=True)(div)
method(inplace=True)(floor_divide)
method(inplace=True)(remainder)
method(inplace=True)(fmod)
