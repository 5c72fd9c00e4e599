"""Making tensors that are, in shape or kind, like another."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype
from lampas.engine.batching import moved
from lampas.engine.creation import creates
from lampas.engine.infer import like_input
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentTypeError
from lampas.ops.create import new_filled, tensor

__all__ = ["empty_like", "full_like", "ones_like", "zeros_like"]

_filled_like = op("filled_like", widen=False, infer=like_input)
"""One value in the shape of the input, of which it is no function."""


@_filled_like.forward
def filled_like_forward(xp: Any, x: Any, *, value: Any) -> Any:
    return xp.full(x.shape, value, x.dtype)


@_filled_like.vjp
def filled_like_vjp(F: Any, g: Any, *, need: Any, value: Any) -> Any:
    return (F.filled_like(g, value=0),)


_zeros_like = op("zeros_like", kind=LINEAR, widen=False, infer=like_input)


@_zeros_like.forward
def zeros_like_forward(xp: Any, x: Any) -> Any:
    return xp.zeros(x.shape, x.dtype)


@_zeros_like.vjp
def zeros_like_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.zeros_like(g),)


moved(_filled_like, _zeros_like)


def like(
    input: Tensor, fill: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """A tensor with the shape and, unless given, dtype and device of another."""
    if not isinstance(input, Tensor):
        raise ArgumentTypeError(f"input must be a Tensor, got {type(input).__name__}")
    array = input._data
    if device is None and fill == 0 and type(array) is np.ndarray:
        kind = array.dtype if dtype is None else as_dtype(dtype).numpy
        result = wrap(np.zeros(array.shape, kind))
        return result.requires_grad_() if requires_grad else result
    where = input.device if device is None else device
    kind = input.dtype if dtype is None else dtype
    return new_filled(fill, (input._data.shape,), kind, where, requires_grad)


@creates
def zeros_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Zeros with the shape, dtype and device of ``input``.

    Args:
        input: gives the shape.
        dtype, device, requires_grad: as for :func:`tensor`; the input's by default.
        layout, memory_format: accepted and without effect.

    >>> lampas.zeros_like(lampas.tensor([1, 2]))
    tensor([0, 0])
    """
    return like(input, 0, dtype, device, requires_grad)


@creates
def ones_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Ones with the shape, dtype and device of ``input``; see :func:`zeros_like`.

    >>> lampas.ones_like(lampas.tensor([5, 2]))
    tensor([1, 1])
    """
    return like(input, 1, dtype, device, requires_grad)


@creates
def empty_like(
    input: Tensor,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """An unfilled tensor in the shape of ``input``; see :func:`zeros_like`.

    >>> lampas.empty_like(lampas.zeros(2, 3)).shape
    lampas.Size([2, 3])
    """
    return like(input, None, dtype, device, requires_grad)


@creates
def full_like(
    input: Tensor,
    fill_value: float,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value in the shape of ``input``; see :func:`zeros_like`.

    >>> lampas.full_like(lampas.zeros(2), 3)
    tensor([3., 3.])
    """
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    return like(input, fill_value, dtype, device, requires_grad)


def _made_like(self: Tensor, dtype: Any, device: Any) -> tuple[Any, Any]:
    return (
        self.dtype if dtype is None else dtype,
        self.device if device is None else device,
    )


@method()
@creates
def new_zeros(
    self: Tensor,
    *size: Any,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Zeros of the given sizes, by default with this tensor's dtype and device."""
    kind, where = _made_like(self, dtype, device)
    return new_filled(0, size, kind, where, requires_grad)


@method()
@creates
def new_ones(
    self: Tensor,
    *size: Any,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones of the given sizes, by default with this tensor's dtype and device."""
    kind, where = _made_like(self, dtype, device)
    return new_filled(1, size, kind, where, requires_grad)


@method()
@creates
def new_empty(
    self: Tensor,
    *size: Any,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """An unfilled tensor, by default with this tensor's dtype and device."""
    kind, where = _made_like(self, dtype, device)
    return new_filled(None, size, kind, where, requires_grad)


@method()
@creates
def new_full(
    self: Tensor,
    size: Any,
    fill_value: float,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """One value everywhere, by default with this tensor's dtype and device."""
    kind, where = _made_like(self, dtype, device)
    return new_filled(fill_value, (tuple(size),), kind, where, requires_grad)


@method()
def new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A copy of data, by default with this tensor's dtype and device."""
    kind, where = _made_like(self, dtype, device)
    return tensor(data, dtype=kind, device=where, requires_grad=requires_grad)
