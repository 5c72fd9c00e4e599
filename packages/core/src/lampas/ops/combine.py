"""Sums of a tensor and a product, a quotient or a difference, in one pass."""

from __future__ import annotations

from typing import Any

from lampas.engine.infer import broadcast
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops.arithmetic import add, div, mul

__all__ = ["addcdiv", "addcmul", "lerp"]

_addcmul = op(
    "addcmul",
    kind=ELEMENTWISE,
    saves="a?2 b?1 x.shape a.shape b.shape",
    infer=broadcast,
)
_addcdiv = op(
    "addcdiv",
    kind=ELEMENTWISE,
    saves="a?2 b x.shape a.shape b.shape",
    infer=broadcast,
)
_lerp = op(
    "lerp",
    kind=ELEMENTWISE,
    saves="x?2 end?2 weight x.shape end.shape weight.shape",
    infer=broadcast,
)


@_addcmul.forward
def addcmul_forward(xp: Any, x: Any, a: Any, b: Any, *, value: float) -> Any:
    return x + value * (a * b)


@_addcmul.vjp
def addcmul_vjp(
    F: Any,
    g: Any,
    a: Any,
    b: Any,
    shape: Any,
    a_shape: Any,
    b_shape: Any,
    *,
    need: Any,
    value: float,
) -> Any:
    share = g * value if need[1] or need[2] else None
    return (
        F.sum_to(g, shape=shape) if need[0] else None,
        F.sum_to(F.mul(share, b), shape=a_shape) if need[1] else None,
        F.sum_to(F.mul(share, a), shape=b_shape) if need[2] else None,
    )


@_addcdiv.forward
def addcdiv_forward(xp: Any, x: Any, a: Any, b: Any, *, value: float) -> Any:
    return x + value * (a / b)


@_addcdiv.vjp
def addcdiv_vjp(
    F: Any,
    g: Any,
    a: Any,
    b: Any,
    shape: Any,
    a_shape: Any,
    b_shape: Any,
    *,
    need: Any,
    value: float,
) -> Any:
    share = F.div(g * value, b) if need[1] or need[2] else None
    return (
        F.sum_to(g, shape=shape) if need[0] else None,
        F.sum_to(share, shape=a_shape) if need[1] else None,
        F.sum_to(F.neg(F.mul(share, F.div(a, b))), shape=b_shape) if need[2] else None,
    )


@_lerp.forward
def lerp_forward(xp: Any, x: Any, end: Any, weight: Any) -> Any:
    return x + weight * (end - x)


@_lerp.vjp
def lerp_vjp(
    F: Any,
    g: Any,
    x: Any,
    end: Any,
    weight: Any,
    shape: Any,
    end_shape: Any,
    weight_shape: Any,
    *,
    need: Any,
) -> Any:
    share = F.mul(g, F.conj(weight)) if need[0] or need[1] else None
    dweight = None
    if need[2]:
        dweight = F.sum_to(F.mul(g, F.conj(F.sub(end, x))), shape=weight_shape)
    return (
        F.sum_to(F.sub(g, share), shape=shape) if need[0] else None,
        F.sum_to(share, shape=end_shape) if need[1] else None,
        dweight,
    )


def _in_one_pass(value: Any, a: Tensor, b: Tensor, c: Tensor) -> bool:
    """Whether all are floating: what integers and complex numbers want is checked."""
    kinds = a.dtype.category, b.dtype.category, c.dtype.category
    return (type(value) is float or type(value) is int) and kinds == (2, 2, 2)


@method(inplace=True)
def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1
) -> Tensor:
    """Add a product: ``y = input + value * tensor1 * tensor2``.

    Args:
        input, tensor1, tensor2: tensors that broadcast against each other.
        value: factor of the product.

    >>> x = lampas.ones(2)
    >>> addcmul(x, x, x, value=0.5)
    tensor([1.5000, 1.5000])
    """
    if _in_one_pass(value, input, tensor1, tensor2):
        return _addcmul.call(input, tensor1, tensor2, value=value)
    return add(input, mul(tensor1, tensor2), alpha=value)


@method(inplace=True)
def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1
) -> Tensor:
    """Add a quotient: ``y = input + value * tensor1 / tensor2``.

    Args:
        input, tensor1, tensor2: tensors that broadcast against each other; not both
            of the last two integers.
        value: factor of the quotient.

    Raises:
        RuntimeError: ``tensor1`` and ``tensor2`` are integers.

    >>> x = lampas.ones(2)
    >>> addcdiv(x, x, x * 2)
    tensor([1.5000, 1.5000])
    """
    if tensor1.dtype.category < 2 and tensor2.dtype.category < 2:
        raise DTypeError(
            "addcdiv does not divide integers by integers; make one of tensor1 and "
            "tensor2 floating"
        )
    if _in_one_pass(value, input, tensor1, tensor2):
        return _addcdiv.call(input, tensor1, tensor2, value=value)
    return add(input, div(tensor1, tensor2), alpha=value)


@method(inplace=True)
def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """Go from ``input`` to ``end`` by a fraction: ``y = input + weight (end - input)``.

    Args:
        input, end: tensors of one dtype that broadcast against each other.
        weight: 0 gives ``input``, 1 gives ``end``; a number or a tensor.

    Raises:
        RuntimeError: the dtypes differ.

    >>> lerp(lampas.tensor([0.0]), lampas.tensor([10.0]), 0.25)
    tensor([2.5000])
    """
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, Tensor) and x._data.dtype != input._data.dtype:
            raise DTypeError(
                f"lerp: {name} must have input's dtype {input.dtype}, got {x.dtype}"
            )
    return _lerp.call(input, end, weight)
