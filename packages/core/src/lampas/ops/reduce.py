"""Reductions: one value from many, along dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.dtypes import DType, as_dtype
from lampas.engine.infer import Spec, reduced
from lampas.engine.record import LINEAR, REDUCTION, op
from lampas.engine.tensor import Tensor, method
from lampas.ops._arguments import dims_of
from lampas.ops.create import cast

__all__ = ["sum"]


def _sum_to_shape(specs: Any, *, shape: Any) -> Spec:
    return Spec(tuple(shape), specs[0].dtype)


_sum_to = op("sum_to", kind=LINEAR, saves="x.shape", infer=_sum_to_shape)
"""Sum over what broadcasting repeated: the transpose of ``expand``."""


@_sum_to.forward
def sum_to_forward(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, s in enumerate(shape) if s == 1 and x.shape[i + extra] != 1
    )
    return x.sum(axis=axes, keepdims=True).reshape(shape)


@_sum_to.vjp
def sum_to_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, shape: Any) -> Any:
    return (F.expand(g, shape=x_shape),)


_sum = op("sum", kind=REDUCTION, saves="x.shape", infer=reduced)


@_sum.forward
def sum_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.sum(axis=dim, keepdims=keepdim, dtype=x.dtype)


@_sum.vjp
def sum_vjp(F: Any, g: Any, shape: Any, *, need: Any, dim: Any, keepdim: bool) -> Any:
    return (F.spread(g, kept=_kept(shape, dim), shape=shape),)


def _spread_shape(specs: Any, *, kept: Any, shape: Any) -> Spec:
    return Spec(tuple(shape), specs[0].dtype)


_spread = op("spread", kind=LINEAR, saves="x.shape", infer=_spread_shape)
"""Repeat each value over what a reduction took it from: the transpose of ``sum``."""

# Up to this size a filled array costs less than NumPy's broadcast view of it.
_FILL = 4096


@_spread.forward
def spread_forward(xp: Any, x: Any, *, kept: Any, shape: tuple[int, ...]) -> Any:
    x = x.reshape(kept)
    if math.prod(shape) > _FILL:
        return xp.broadcast_to(x, shape)
    result = xp.empty(shape, x.dtype)
    result[...] = x
    return result


@_spread.vjp
def spread_vjp(
    F: Any, g: Any, x_shape: Any, *, need: Any, kept: Any, shape: Any
) -> Any:
    return (F.reshape(F.sum_to(g, shape=kept), shape=x_shape),)


def _kept(shape: tuple[int, ...], dims: Any) -> tuple[int, ...]:
    """The shape after a reduction that keeps its dimensions with size 1."""
    return tuple(1 if i in dims else s for i, s in enumerate(shape))


@method()
def sum(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """Add up elements: ``y = sum_i x[i]``.

    Args:
        input: any shape; bool and integers are added as int64.
        dim: the dimensions to sum over; all of them by default.
        keepdim: keep summed dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.sum(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input._data.dtype.kind in "biu":
        input = cast(input, as_dtype(np.int64))
    return _sum.call(input, dim=dims_of(dim, input._data.ndim), keepdim=keepdim)
