"""Tensors that turn into views of themselves, or take other memory."""

from __future__ import annotations

import math
from typing import Any

from lampas.backend.device import namespace_of
from lampas.engine.inplace import become, leave_views
from lampas.engine.modes import mode
from lampas.engine.tensor import Tensor, method, shared_cell
from lampas.errors import ArgumentTypeError, DTypeError, GradientError, ShapeError
from lampas.ops._arguments import sizes_of
from lampas.ops.shape import transpose
from lampas.ops.views import squeeze, t, unsqueeze

__all__: list[str] = []


@method("squeeze_")
def _squeeze(self: Tensor, dim: Any = None) -> Tensor:
    """Drop dimensions of size 1 from this tensor; see :func:`lampas.squeeze`."""
    return become(self, squeeze(self, dim))


@method("unsqueeze_")
def _unsqueeze(self: Tensor, dim: int) -> Tensor:
    """Give this tensor a dimension of size 1; see :func:`lampas.unsqueeze`."""
    return become(self, unsqueeze(self, dim))


@method("t_")
def _t(self: Tensor) -> Tensor:
    """Turn this matrix into its transpose; see :func:`lampas.t`."""
    return become(self, t(self))


@method("transpose_", "swapaxes_", "swapdims_")
def _transpose(self: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two dimensions of this tensor; see :func:`lampas.transpose`."""
    return become(self, transpose(self, dim0, dim1))


def _refuse_history(name: str, tensor: Tensor) -> None:
    if tensor._node is not None and mode.grad:
        raise GradientError(
            f"{name}: this tensor requires grad, so its elements can't be exchanged "
            "for others; do it under no_grad(), or on a detach()ed tensor"
        )


@method("resize_")
def _resize(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give this tensor another shape, and more memory where it needs more.

    Elements keep their order; those that are new have no defined value. Views of the
    tensor go on seeing the memory that it had.

    Args:
        sizes: one by one or as a tuple.

    Raises:
        RuntimeError: the tensor requires grad, or a size is negative.
    """
    shape = sizes_of(sizes)
    if self._node is not None:
        raise GradientError("resize_: can't resize a tensor that requires grad")
    if min(shape, default=0) < 0:
        raise ShapeError(f"resize_: sizes must not be negative, got {shape}")
    data, count = self._data, math.prod(shape)
    if data.shape == shape:
        return self
    xp = namespace_of(data)
    leave_views(self)
    self._view = None
    # Memory that the tensor gave up before is its own still.
    held = data.base if data.flags.c_contiguous and _starts(data) else None
    flat = data.reshape(-1) if held is None else held.reshape(-1)
    if count > flat.size:
        larger = xp.zeros(count, data.dtype)
        larger[: flat.size] = flat
        flat, self._cell = larger, None
    self._data = flat[:count].reshape(shape)
    shared_cell(self)[0] += 1
    return self


def _starts(data: Any) -> bool:
    """Whether an array is the beginning of the memory that it is a view of."""
    base = data.base
    return (
        type(base) is type(data)
        and base.dtype == data.dtype
        and base.flags.c_contiguous
        and base.__array_interface__["data"] == data.__array_interface__["data"]
    )


@method("resize_as_")
def _resize_as(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """Give this tensor the shape of another; see ``resize_``."""
    return _resize(self, *the_template._data.shape)


@method("set_")
def _set(self: Tensor, source: Tensor | None = None) -> Tensor:
    """Let this tensor have the memory and shape of another, or be empty.

    Args:
        source: of the same dtype.

    Raises:
        RuntimeError: another dtype, or this tensor requires grad.
    """
    _refuse_history("set_", self)
    if source is None:
        leave_views(self)
        self._data = namespace_of(self._data).zeros(0, self._data.dtype)
        self._cell = self._view = None
        return self
    if not isinstance(source, Tensor):
        raise ArgumentTypeError(
            f"set_: source must be a Tensor, got {type(source).__name__}"
        )
    if source._data.dtype != self._data.dtype:
        raise DTypeError(
            f"set_: source must have this tensor's dtype {self.dtype}, "
            f"got {source.dtype}"
        )
    leave_views(self)
    self._data, self._cell, self._view = source._data, shared_cell(source), None
    return self
