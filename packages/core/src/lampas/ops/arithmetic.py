"""Arithmetic of two tensors, element by element."""

from __future__ import annotations

from typing import Any

from lampas.engine.infer import broadcast, like_input
from lampas.engine.record import BILINEAR, ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError

__all__ = ["add", "div", "mul", "neg", "sub"]

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
    both = [x.dtype.category for x in (input, other) if isinstance(x, Tensor)]
    if isinstance(alpha, float) and max(both) < 2:
        raise DTypeError(f"alpha must be an integer for integer tensors, got {alpha}")
    return _mul.call(other, alpha) if isinstance(other, Tensor) else other * alpha


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
        if isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype.category == 0):
            raise DTypeError(
                "subtraction with a bool tensor is not defined; use ^ or logical_xor"
            )
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
        F.sum_to(g * F.conj(other), shape=shape) if need[0] else None,
        F.sum_to(g * F.conj(x), shape=other_shape) if need[1] else None,
    )


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
    dx = g / F.conj(other)
    dother = None
    if need[1]:
        dother = F.sum_to(F.neg(dx * F.conj(x / other)), shape=other_shape)
    return F.sum_to(dx, shape=shape) if need[0] else None, dother


def div(
    input: Tensor, other: Tensor | float, *, rounding_mode: str | None = None
) -> Tensor:
    """Divide, element by element: ``y = input / other``; integers give floats.

    Args:
        input, other: tensors that broadcast against each other, or numbers.
        rounding_mode: None, ``"trunc"`` (towards zero) or ``"floor"``.

    Raises:
        RuntimeError: ``rounding_mode`` is none of these.

    >>> div(lampas.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    """
    if rounding_mode is not None:
        raise DTypeError(f"rounding_mode {rounding_mode!r} is unknown")
    return _div.call(input, other)


method("neg", "negative", "__neg__", inplace=True)(neg)
method("add", inplace=True)(add)
method("sub", "subtract", inplace=True)(sub)
method("mul", "multiply", inplace=True)(mul)
method("div", "divide", "true_divide", inplace=True)(div)
