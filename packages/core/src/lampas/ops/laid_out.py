"""Tensors whose elements lie in memory as the caller says, and how a tensor's do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.backend.device import Device
from lampas.dtypes import DType
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, ShapeError
from lampas.ops.create import empty
from lampas.ops.strided import as_strided

__all__ = ["empty_permuted", "empty_strided"]


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of given strides whose values are whatever the memory holds.

    Args:
        size: the sizes.
        stride: elements from one neighbour to the next, by dimension, none negative;
            neighbours with stride 0 are one element.
        dtype, device, requires_grad: as for :func:`lampas.empty`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: there are not as many strides as sizes, or one is negative.

    >>> lampas.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    sizes, strides = tuple(size), tuple(stride)
    if len(sizes) != len(strides):
        raise ShapeError(
            f"size and stride must have one length, got {sizes} and {strides}"
        )
    if any(n < 0 for n in sizes + strides):
        raise ShapeError(
            f"sizes and strides must not be negative, got {sizes} and {strides}"
        )
    last = sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    memory = empty(0 if 0 in sizes else last + 1, dtype=dtype, device=device)
    result = as_strided(memory, sizes, strides).detach()
    return result.requires_grad_() if requires_grad else result


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor without gaps whose dimensions lie in memory in a given order.

    Args:
        size: the sizes.
        physical_layout: the dimensions, from the one of the widest steps to the one
            whose neighbours lie side by side.
        dtype, device, requires_grad: as for :func:`lampas.empty`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: the order does not name each dimension once.

    >>> lampas.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    sizes, order = tuple(size), tuple(physical_layout)
    if sorted(order) != [*range(len(sizes))]:
        raise ShapeError(
            f"physical_layout must name each of the {len(sizes)} dimensions once, got "
            f"{order}"
        )
    strides, step = [0] * len(sizes), 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(sizes[dim], 1)
    return empty_strided(
        sizes, strides, dtype=dtype, device=device, requires_grad=requires_grad
    )


@method()
def new_empty_strided(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """:func:`lampas.empty_strided` with this tensor's dtype and device by default."""
    return empty_strided(
        size,
        stride,
        dtype=self.dtype if dtype is None else dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
    )


def _is_laid_out(array: Any, memory_format: Any) -> bool:
    """Whether an array has the memory format of a name."""
    if str(memory_format).endswith("channels_last"):
        return array.ndim == 4 and array.transpose(0, 2, 3, 1).flags.c_contiguous
    return array.flags.c_contiguous


def _after(array: Any, one: int, other: int) -> int:
    """1 if dimension ``one`` lies outside of ``other``, -1 inside, 0 if undecided."""
    steps = array.strides[one], array.strides[other]
    if 0 in steps:
        return 0
    if steps[0] == steps[1]:
        return int(array.shape[one] > array.shape[other])
    return 1 if steps[0] > steps[1] else -1


def _sorted_dims(array: Any) -> tuple[int, ...]:
    """Dimensions from the widest steps to the narrowest; ties stay in order."""
    order = [*reversed(range(array.ndim))]
    for i in range(1, array.ndim):
        here = i
        for before in reversed(range(i)):
            decided = _after(array, order[before], order[here])
            if decided > 0:
                order[before], order[here] = order[here], order[before]
                here = before
            elif decided < 0:
                break
    return tuple(reversed(order))


@method()
def dim_order(self: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dimensions from the one of the widest steps in memory to the narrowest.

    Args:
        ambiguity_check: True to refuse a tensor that has more than one such order, or
            a list of memory formats of which it must have exactly one.

    Raises:
        RuntimeError: the order is not the only one.
        TypeError: ``ambiguity_check`` is neither a bool nor a list.
    """
    array = self._data
    if not isinstance(ambiguity_check, (bool, list)):
        raise ArgumentTypeError(
            "ambiguity_check must be a bool or a list of memory formats, got "
            f"{ambiguity_check!r}"
        )
    if isinstance(ambiguity_check, list):
        unclear = sum(_is_laid_out(array, form) for form in ambiguity_check) != 1
    else:
        steps = array.strides
        same = any(a == b for a, b in zip(steps, steps[1:], strict=False))
        unclear = ambiguity_check and (same or 1 in array.shape)
    if unclear:
        raise ShapeError(
            f"dim_order: shape {tuple(array.shape)} with strides {self.stride()} has "
            "more than one order, or not one of the formats"
        )
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    return _sorted_dims(array)
