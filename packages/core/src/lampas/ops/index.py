"""Indexing: ``x[...]`` in all its forms, and assignment to it.

Slices, integers, None and Ellipsis give views. Where tensors, lists or masks take part,
the basic part is applied first as a view and the arrays gather from it, so that one
record (``take``) and its transpose (``put``) serve every form.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.engine.batching import indexed, moved, prefixed
from lampas.engine.infer import Spec, given_shape, like_input
from lampas.engine.inplace import assign, fill
from lampas.engine.record import DECLINE, Record, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import HiddenValues, batched_by
from lampas.errors import (
    ArgumentTypeError,
    BoundsError,
    DimensionError,
    DTypeError,
    ShapeError,
)
from lampas.ops._indices import bounds, nonzero_places
from lampas.ops._whole_batches import picked, placed
from lampas.ops.convert import clone
from lampas.ops.create import as_tensor, cast
from lampas.ops.views import basic_index

__all__ = ["index_put"]


def _taken(specs: Any, *, index: tuple[Any, ...]) -> Spec:
    """The spec of an advanced index; arrays apart put their dimensions in front."""
    shape, dtype = specs[0]
    places = [i for i, a in enumerate(index) if not isinstance(a, slice)]
    picked = np.broadcast_shapes(*(index[i].shape for i in places))
    kept = [s for i, s in enumerate(shape) if i not in places]
    together = places[-1] - places[0] + 1 == len(places)
    at = places[0] if together else 0
    return Spec((*kept[:at], *picked, *kept[at:]), dtype)


_take = op("take", kind="shape", saves="x.shape", infer=_taken)
"""NumPy's advanced indexing by arrays and full slices: a copy."""

_put = op("take_add", kind="linear", widen=False, infer=given_shape)
"""Add the input into zeros of a shape at an advanced index: transpose of ``take``."""

_set = op(
    "index_set", kind="linear", saves="value.shape", widen=False, infer=like_input
)
"""A copy of the input with ``value`` at an advanced index."""

_sum = op(
    "index_sum", kind="linear", saves="value.shape", widen=False, infer=like_input
)
"""A copy of the input with ``value`` added at an advanced index, which may repeat."""

_clear = op("index_clear", kind="linear", fresh=True, widen=False, infer=like_input)
"""A copy of the input with zeros at an advanced index."""


@_take.forward
def take_forward(xp: Any, x: Any, *, index: tuple[Any, ...]) -> Any:
    return x[index]


@_take.vjp
def take_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, index: Any) -> Any:
    return (F.take_add(g, shape=x_shape, index=index),)


moved(_take, index=indexed)


@_put.forward
def take_add_forward(xp: Any, x: Any, *, shape: Any, index: Any) -> Any:
    return add_at(xp, xp.zeros(shape, x.dtype), index, x)


@_put.vjp
def take_add_vjp(F: Any, g: Any, *, need: Any, shape: Any, index: Any) -> Any:
    return (F.take(g, index=index),)


moved(_put, shape=prefixed, index=indexed)


@_set.forward
def index_set_forward(xp: Any, x: Any, value: Any, *, index: Any) -> Any:
    result = x.copy()
    result[index] = value
    return result


@_set.vjp
def index_set_vjp(F: Any, g: Any, value_shape: Any, *, need: Any, index: Any) -> Any:
    return (
        F.index_clear(g, index=index) if need[0] else None,
        F.sum_to(F.take(g, index=index), shape=value_shape) if need[1] else None,
    )


@_sum.forward
def index_sum_forward(xp: Any, x: Any, value: Any, *, index: Any) -> Any:
    shape = _taken([(x.shape, x.dtype)], index=index).shape
    return add_at(xp, x.copy(), index, xp.broadcast_to(value, shape))


@_sum.vjp
def index_sum_vjp(F: Any, g: Any, value_shape: Any, *, need: Any, index: Any) -> Any:
    picked = F.take(g, index=index) if need[1] else None
    return g, F.sum_to(picked, shape=value_shape) if need[1] else None


def _placing_rule(record: Record) -> Callable[..., Any]:
    def rule(
        F: Any, size: int, batched: Any, /, x: Any, value: Any, *, index: Any
    ) -> Any:
        inner = indexed(size, index)
        if inner is DECLINE:
            return DECLINE
        if not batched[0]:
            x = F.expand(x, shape=(size, *x.shape))
        if batched[1]:
            arrays = [a for a in index if hasattr(a, "shape")]
            wide = x.ndim - len(arrays) + max(a.ndim for a in arrays)
            shape = (size, *(1,) * (wide - value.ndim), *value.shape[1:])
            value = F.reshape(value, shape=shape)
        return record.call(x, value, index=inner)

    return rule


_set.batch(_placing_rule(_set))
_sum.batch(_placing_rule(_sum))


@_clear.forward
def index_clear_forward(xp: Any, x: Any, *, index: Any) -> Any:
    result = x.copy()
    result[index] = 0
    return result


@_clear.vjp
def index_clear_vjp(F: Any, g: Any, *, need: Any, index: Any) -> Any:
    return (F.index_clear(g, index=index),)


moved(_clear, index=indexed)


def add_at(xp: Any, target: Any, index: tuple[Any, ...], values: Any) -> Any:
    """Add values into ``target`` at an advanced index; repeated places add up.

    NumPy's ``add.at`` is slow; one index of integers along the first dimension, the
    case of embeddings, is done by sorting and reducing runs. Bools add up by "or".
    """
    if target.dtype.kind == "b":
        np.logical_or.at(target, index, values)
        return target
    single = len(index) == 1 and isinstance(index[0], np.ndarray)
    if xp is not np or not single or index[0].dtype.kind == "b":
        add = xp.add.at if hasattr(xp.add, "at") else np.add.at
        add(target, index, values)
        return target
    places = index[0].reshape(-1)
    if not places.size:
        return target
    rows = values.reshape(places.size, -1)
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sums = np.add.reduceat(rows[order], starts, axis=0)
    target.reshape(target.shape[0], -1)[ordered[starts]] += sums
    return target


# ---- from what stands in the brackets to basic and advanced parts


def _is_array(item: Any) -> bool:
    return isinstance(item, (Tensor, np.ndarray, list, bool, np.bool_, range))


def _array(item: Any) -> Any:
    """An index array: integers or bools, as the array that the backend indexes by."""
    if isinstance(item, (list, range)):
        item = as_tensor(list(item))
        if item._data.size == 0:
            item = wrap(item._data.astype(np.int64))
    if not isinstance(item, Tensor):
        item = as_tensor(item)
    array = item._data
    if array.dtype.kind not in "iub":
        raise DimensionError(
            f"tensors used as indices must be integer or bool tensors, got {item.dtype}"
        )
    if array.dtype == np.uint8:
        warnings.warn(
            "indexing with uint8 takes it for a mask, as PyTorch does; say .bool() for "
            "a mask and .long() for places",
            stacklevel=2,
        )
        return array.astype(bool)
    return array


def _expanded(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """The index with Ellipsis written out and full slices added at the end."""
    used = 0
    for item in index:
        if item is None or item is Ellipsis or isinstance(item, (bool, np.bool_)):
            continue
        mask = _is_array(item) and _array(item).dtype.kind == "b"
        used += _array(item).ndim if mask else 1
    if sum(item is Ellipsis for item in index) > 1:
        raise DimensionError("an index can only have a single ellipsis ('...')")
    if used > ndim:
        raise DimensionError(
            f"too many indices for a tensor of dimension {ndim}: {used}"
        )
    fill = [slice(None)] * (ndim - used)
    at = next((i for i, item in enumerate(index) if item is Ellipsis), len(index))
    return [*index[:at], *fill, *index[at + 1 :]]


def _checked_int(item: Any, size: int, dim: int) -> int:
    value = item.__index__()
    if not -size <= value < size:
        raise BoundsError(
            f"index {value} is out of bounds for dimension {dim} with size {size}"
        )
    return value


def _checked_slice(item: slice) -> slice:
    parts = []
    for value in (item.start, item.stop, item.step):
        if value is not None and not hasattr(value, "__index__"):
            raise ArgumentTypeError(f"slice indices must be integers, got {value!r}")
        parts.append(None if value is None else value.__index__())
    if parts[2] is not None and parts[2] <= 0:
        raise StepError(f"slice step must be positive, got {parts[2]}")
    return slice(*parts)


class StepError(ShapeError, ValueError):
    """A slice with a step that is not positive."""


def _split(index: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """The basic part of an index, and for each resulting dimension an array or None."""
    items = _expanded(index if isinstance(index, tuple) else (index,), len(shape))
    basic: list[Any] = []
    arrays: list[Any] = []
    dim = 0
    for item in items:
        if item is None:
            basic.append(None)
            arrays.append(None)
        elif isinstance(item, slice):
            basic.append(_checked_slice(item))
            arrays.append(None)
            dim += 1
        elif isinstance(item, (bool, np.bool_)):
            basic.append(None)
            arrays.append(np.arange(int(item)) * 0)
        elif _is_array(item):
            array = _array(item)
            found = _positions(array, shape, dim)
            scalar_mask = array.dtype.kind == "b" and array.ndim == 0
            basic += [None] if scalar_mask else [slice(None)] * len(found)
            arrays += found
            dim += 0 if scalar_mask else len(found)
        elif hasattr(item, "__index__"):
            basic.append(_checked_int(item, shape[dim], dim))
            dim += 1
        else:
            raise ArgumentTypeError(
                "an index must be an int, slice, None, Ellipsis, bool, or a tensor, "
                f"array or list of ints or bools, got {type(item).__name__}"
            )
    return tuple(basic), arrays


def _positions(array: Any, shape: tuple[int, ...], dim: int) -> list[Any]:
    """An index array as integer arrays: a mask gives one for each of its dimensions."""
    if array.dtype.kind == "b":
        if array.ndim == 0:
            return [np.arange(int(bool(array))) * 0]
        covered = shape[dim : dim + array.ndim]
        if array.shape != covered:
            raise DimensionError(
                f"the shape of the mask {array.shape} does not match that of the "
                f"indexed dimensions {covered}"
            )
        return list(nonzero_places(array))
    size = shape[dim]
    if array.dtype.kind == "u" and array.dtype.itemsize == 1:
        array = array.astype(np.int64)
    if array.size:
        low, high = bounds(array)
        if low < -size or high >= size:
            bad = low if low < -size else high
            raise BoundsError(
                f"index {bad} is out of bounds for dimension {dim} with size {size}"
            )
        if low < 0:
            # One place must have one name, or sums over repeated places lose some.
            array = array + size * (array < 0)
    return [array]


def _listed(index: Any, shape: tuple[int, ...]) -> tuple[Any, ...] | None:
    """The usual advanced index, of tensors alone: a mask, or integers from the front.

    None for any other, also for one that the long way finds fault with.
    """
    items = index if type(index) is tuple else (index,)
    arrays = [x._data for x in items if type(x) is Tensor]
    if len(arrays) != len(items) or not 0 < len(arrays) <= len(shape):
        return None
    first = arrays[0]
    if len(arrays) == 1 and first.dtype == bool:
        covered = first.ndim > 0 and first.shape == shape[: first.ndim]
        return tuple(_positions(first, shape, 0)) if covered else None
    for array in arrays:
        if array.dtype.kind != "i" or array.shape != first.shape or not array.ndim:
            return None
    return tuple(_positions(array, shape, d)[0] for d, array in enumerate(arrays))


def _whole(basic: tuple[Any, ...]) -> bool:
    return all(item == slice(None) for item in basic)


def _advanced(arrays: list[Any]) -> tuple[Any, ...]:
    """The index of the advanced step: arrays, and full slices between them."""
    index = [slice(None) if a is None else a for a in arrays]
    while index and isinstance(index[-1], slice):
        index.pop()
    return tuple(index)


_PLAIN = {int, type(None), type(Ellipsis)}
_NUMBERS = {int, type(None)}
_FILLING = {int, float}


def _is_plain(index: Any) -> bool:
    """Whether NumPy's own basic indexing does what PyTorch's does: the usual case."""
    for item in index if type(index) is tuple else (index,):
        kind = type(item)
        if kind is slice:
            step = item.step
            if (
                type(item.start) not in _NUMBERS
                or type(item.stop) not in _NUMBERS
                or (step is not None and (type(step) is not int or step <= 0))
            ):
                return False
        elif kind not in _PLAIN:
            return False
    return True


@method("__getitem__")
def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``: a view for basic indices, a copy where arrays take part.

    Raises:
        IndexError: an index is out of bounds, a mask of another shape, or too many.
    """
    if _is_plain(index):
        try:
            return basic_index(input, index if type(index) is tuple else (index,))
        except IndexError:
            # The long way says what is wrong.
            pass
    return _picked(input, index)


def _picked_batch(level: Any, input: Tensor, index: Any) -> Any:
    return picked(level, getitem, input, index)


@batched_by(_picked_batch)
def _picked(input: Tensor, index: Any) -> Tensor:
    """``input[index]`` in general."""
    if (
        isinstance(index, Tensor)
        and index._data.ndim == 0
        and index.dtype.category == 1
    ):
        index = int(index)
    listed = _listed(index, input._data.shape)
    if listed is not None:
        return _take.call(input, index=listed)
    basic, arrays = _split(index, input._data.shape)
    _check_advanced(arrays)
    view = basic_index(input, basic)
    if all(a is None for a in arrays):
        return view
    return _take.call(view, index=_advanced(arrays))


def _check_advanced(arrays: list[Any]) -> None:
    shapes = [a.shape for a in arrays if a is not None]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        shown = ", ".join(str(s) for s in shapes)
        raise DimensionError(
            f"shape mismatch: index arrays of shapes {shown} can't be broadcast"
        ) from None


@method("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, recorded: gradients flow to both.

    Raises:
        IndexError: as for reading.
        RuntimeError: ``value`` does not broadcast to the indexed shape.
    """
    try:
        _set_items(input, index, value)
    except HiddenValues:
        # In a vmap that hides the index: out of place, example by example.
        assign(input, _with_items, (index, value), {})


def _with_items_batch(level: Any, input: Tensor, index: Any, value: Any) -> Any:
    return placed(level, _with_items, input, index, value)


@batched_by(_with_items_batch)
def _with_items(input: Tensor, index: Any, value: Any) -> Tensor:
    result = clone(input)
    _set_items(result, index, value)
    return result


def _set_items(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``."""
    if (
        isinstance(index, Tensor)
        and index._data.ndim == 0
        and index.dtype.category == 1
    ):
        index = int(index)
    if type(value) in _FILLING and _is_plain(index) and input.dtype.category > 1:
        try:
            view = basic_index(input, index if type(index) is tuple else (index,))
        except IndexError:
            # The long way below says what is wrong.
            pass
        else:
            if fill(view, value):
                return
    basic, arrays = _split(index, input._data.shape)
    _check_advanced(arrays)
    view = input if _whole(basic) else basic_index(input, basic)
    if not isinstance(value, Tensor):
        if isinstance(value, complex) and not input.is_complex():
            raise DTypeError(
                f"value must be real for a tensor of {input.dtype}, got {value}"
            )
        value = as_tensor(value, device=input.device)
    if all(a is None for a in arrays):
        _store_basic(view, value)
        return
    assign(view, index_set, (_advanced(arrays), value), {})


def _store_basic(view: Tensor, value: Tensor) -> None:
    shape = view._data.shape
    extra = value._data.ndim - len(shape)
    if extra > 0 and all(s == 1 for s in value._data.shape[:extra]):
        value = value.reshape(value._data.shape[extra:])
    assign(view, _filled_from, (value,), {})


def _filled_from(view: Tensor, value: Tensor) -> Tensor:
    """``value`` in the shape and dtype of ``view``."""
    shape = view._data.shape
    if value._data.shape != shape:
        value = value.expand(*shape)
    return _cast_to(value, view)


def _cast_to(value: Tensor, like: Tensor) -> Tensor:
    value = cast(value, like.dtype)
    if type(value._data) is not type(like._data):
        value = value.to(like.device)
    return value


def _shape_at(x: Tensor, index: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of ``x[index]`` for an advanced index."""
    _check_advanced([a for a in index if not isinstance(a, slice)])
    return _taken([(x._data.shape, x._data.dtype)], index=index).shape if index else ()


def index_set(view: Tensor, index: tuple[Any, ...], value: Tensor) -> Tensor:
    """``view`` with ``value`` at an advanced index, out of place."""
    return _set.call(view, _fitting(view, index, value), index=index)


def _fitting(view: Tensor, index: tuple[Any, ...], value: Tensor) -> Tensor:
    """``value`` in the dtype of ``view``, if it broadcasts to the indexed shape."""
    value = _cast_to(value, view)
    wanted = _shape_at(view, index)
    if value._data.shape == wanted:
        return value
    extra = value._data.ndim - len(wanted)
    if extra > 0 and all(s == 1 for s in value._data.shape[:extra]):
        value = value.reshape(value._data.shape[extra:])
    try:
        np.broadcast_to(np.empty(value._data.shape), wanted)
    except ValueError:
        raise ShapeError(
            f"shape mismatch: value of shape {tuple(value.shape)} can't be broadcast "
            f"to the indexed shape {wanted}"
        ) from None
    return value


def _index_put_batch(
    level: Any, input: Tensor, indices: Any, values: Tensor, accumulate: bool = False
) -> Any:
    def function(input: Tensor, index: Any, value: Tensor) -> Tensor:
        return index_put(input, index, value, accumulate)

    return placed(level, function, input, indices, values)


@method(inplace=True)
@batched_by(_index_put_batch)
def index_put(
    input: Tensor,
    indices: tuple[Tensor, ...],
    values: Tensor,
    accumulate: bool = False,
) -> Tensor:
    """A copy of ``input`` with ``values`` at the places that index tensors name.

    Args:
        indices: integer or bool tensors that broadcast, for the first dimensions.
        values: broadcasts to the indexed shape.
        accumulate: add to what is there; repeated places then add up.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: ``values`` does not broadcast.

    >>> i = lampas.tensor([0, 0])
    >>> lampas.index_put(lampas.zeros(2), (i,), lampas.tensor(1.0), accumulate=True)
    tensor([2., 0.])
    """
    index = _listed(tuple(indices), input._data.shape)
    if index is None:
        _, arrays = _split(tuple(indices), input._data.shape)
        index = _advanced(arrays)
    record = _sum if accumulate else _set
    return record.call(input, _fitting(input, index, values), index=index)
