"""In-place changes: write into the memory, and rewrite the history of all its views.

An in-place op is its out-of-place form followed by a store. On a view the store is, to
the tape, a new base: the old one with the view's region replaced. All live views of
that memory are then derived anew from the new base.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lampas.dtypes import can_cast
from lampas.engine.batching import all_batched
from lampas.engine.callpath import CAST
from lampas.engine.exhausted import out_of_memory
from lampas.engine.modes import mode
from lampas.engine.record import DECLINE, LINEAR, SHAPE, Call, op
from lampas.engine.tape import Leaf, Node, make_node
from lampas.engine.tensor import ASSIGN, Tensor, View, shared_cell, wrap
from lampas.engine.tracer import Tracer, rewrapped, turn_into
from lampas.errors import DTypeError, GradientError, ShapeError

__all__ = [
    "assign",
    "become",
    "check_writable",
    "fill",
    "has_history",
    "leave_views",
    "overwrite",
    "store",
    "written",
]

_LEAF = (
    "a leaf tensor that requires grad is used in an in-place operation; do it under "
    "no_grad(), or on a clone()"
)
_LEAF_VIEW = (
    "a view of a leaf tensor that requires grad is used in an in-place operation; do "
    "it under no_grad(), or on a clone()"
)

_replace_view = op("replace_view", kind=LINEAR, widen=False)
_mask_view = op("mask_view", kind=LINEAR, fresh=True, widen=False)
_take_view = op("take_view", kind=SHAPE, saves="x.shape x.dtype")
_embed_view = op("embed_view", kind=LINEAR, widen=False)


def _follow(xp: Any, array: Any, steps: tuple[Any, ...]) -> Any:
    """The view that the steps lead to, on an array in the place of the base."""
    for record, params, index in steps:
        array = record.forward_rule(xp, array, **params)
        if index is not None:
            array = array[index]
    return array


def _write(xp: Any, array: Any, steps: tuple[Any, ...], value: Any) -> Any:
    """Write into the view that the steps lead to; returns the array."""
    view = _follow(xp, array, steps)
    if np.may_share_memory(view, array):
        view[...] = value
        return array
    # The array lies in memory otherwise than the base, where the view was one.
    if view.dtype != array.dtype:
        raise GradientError(
            "the gradient of a change in place of parts of complex numbers needs "
            "tensors in row-major order; call contiguous() on the base first"
        )
    places = _follow(xp, xp.arange(array.size).reshape(array.shape), steps)
    flat = array.reshape(-1)
    flat[places] = value
    return flat.reshape(array.shape)


@_replace_view.forward
def replace_view_forward(xp: Any, x: Any, value: Any, *, steps: Any) -> Any:
    return _write(xp, x.copy(order="K"), steps, value)


@_replace_view.vjp
def replace_view_vjp(F: Any, g: Any, *, need: Any, steps: Any) -> Any:
    return (
        F.mask_view(g, steps=steps) if need[0] else None,
        F.take_view(g, steps=steps) if need[1] else None,
    )


@_mask_view.forward
def mask_view_forward(xp: Any, x: Any, *, steps: Any) -> Any:
    return _write(xp, x.copy(order="K"), steps, 0)


@_mask_view.vjp
def mask_view_vjp(F: Any, g: Any, *, need: Any, steps: Any) -> Any:
    return (F.mask_view(g, steps=steps),)


@_take_view.forward
def take_view_forward(xp: Any, x: Any, *, steps: Any) -> Any:
    return _follow(xp, x, steps).copy()


@_take_view.vjp
def take_view_vjp(
    F: Any, g: Any, shape: Any, dtype: Any, *, need: Any, steps: Any
) -> Any:
    return (F.embed_view(g, shape=shape, dtype=dtype, steps=steps),)


@_embed_view.forward
def embed_view_forward(xp: Any, x: Any, *, shape: Any, dtype: Any, steps: Any) -> Any:
    # The view may be a part of complex numbers; a cotangent may be wider than both.
    return _write(xp, xp.zeros(shape, xp.result_type(x.dtype, dtype)), steps, x)


@_embed_view.vjp
def embed_view_vjp(
    F: Any, g: Any, *, need: Any, shape: Any, dtype: Any, steps: Any
) -> Any:
    return (F.take_view(g, steps=steps),)


# ---- batches of vmap: the elements of the view, counted in the base of an example


def _places(shape: tuple[int, ...], dtype: Any, steps: Any) -> Any:
    """Where in its base each element of the view is; None for parts of numbers."""
    if dtype.kind == "c":
        return None
    places = _follow(np, np.arange(math.prod(shape)).reshape(shape), steps)
    return places if places.dtype.kind == "i" else None


@_replace_view.batch
def replace_view_batch(
    F: Any, size: int, batched: Any, /, x: Any, value: Any, *, steps: Any
) -> Any:
    x, value = all_batched(F, size, batched, (x, value))
    places = _places(x.shape[1:], x._data.dtype, steps)
    if places is None:
        return DECLINE
    out = F.index_set(
        F.reshape(x, shape=(size, math.prod(x.shape[1:]))),
        F.reshape(value, shape=(size, places.size)),
        index=(slice(None), places.reshape(-1)),
    )
    return F.reshape(out, shape=x.shape)


@_mask_view.batch
def mask_view_batch(F: Any, size: int, batched: Any, /, x: Any, *, steps: Any) -> Any:
    places = _places(x.shape[1:], x._data.dtype, steps)
    if places is None:
        return DECLINE
    rows = F.reshape(x, shape=(size, math.prod(x.shape[1:])))
    out = F.index_clear(rows, index=(slice(None), places.reshape(-1)))
    return F.reshape(out, shape=x.shape)


@_take_view.batch
def take_view_batch(F: Any, size: int, batched: Any, /, x: Any, *, steps: Any) -> Any:
    places = _places(x.shape[1:], x._data.dtype, steps)
    if places is None:
        return DECLINE
    rows = F.reshape(x, shape=(size, math.prod(x.shape[1:])))
    out = F.take(rows, index=(slice(None), places.reshape(-1)))
    return F.reshape(out, shape=(size, *places.shape))


@_embed_view.batch
def embed_view_batch(
    F: Any,
    size: int,
    batched: Any,
    /,
    x: Any,
    *,
    shape: Any,
    dtype: Any,
    steps: Any,
) -> Any:
    places = _places(shape, dtype, steps)
    if places is None or x._data.dtype != dtype:
        return DECLINE
    rows = F.reshape(x, shape=(size, places.size))
    index = (slice(None), places.reshape(-1))
    out = F.take_add(rows, shape=(size, math.prod(shape)), index=index)
    return F.reshape(out, shape=(size, *shape))


def assign(
    target: Tensor,
    function: Callable[..., Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Tensor:
    """Store ``function(target, *args, **kwargs)`` in ``target``; returns it.

    Raises:
        RuntimeError: ``target`` is a leaf that requires grad (or a view of one), its
            elements share memory, or the result has another shape or a type that does
            not fit.
    """
    name = function.__name__
    if type(target) is not Tensor:
        if isinstance(target, Tracer):
            return _adopt(target, function(target, *args, **kwargs), name)
        if target.is_sparse:
            return target.hold(function(target, *args, **kwargs), name)  # type: ignore[attr-defined]
    check_writable(target)
    try:
        if not mode.grad:
            return store(target, function(target, *args, **kwargs), name)
        # Hooks take saved values away at once, so they must not be overwritten.
        data = target._data.copy() if mode.hooks else target._data
        before = wrap(data, target._node)
        result = function(before, *args, **kwargs)
        if result is before:
            return target
        if before._cell is not None and result._node is not None:
            _keep_old_values(result._node, target._data, target._node)
        return store(target, result, name)
    except MemoryError as error:
        raise out_of_memory(f"{name}_", error) from None


ASSIGN.append(assign)


def store(target: Tensor, result: Tensor, name: str) -> Tensor:
    """Write ``result`` into ``target``'s memory and history; returns ``target``."""
    if isinstance(result, Tracer):
        return _adopt(target, result, name)
    data = target._data
    result = _fitting(target, result, name)
    try:
        data[...] = result._data
    except ValueError:
        raise _refusal(data) from None
    _count(target, name)
    if mode.grad:
        _rewrite(target, result._node)
    return target


def _fitting(target: Tensor, result: Tensor, name: str) -> Tensor:
    """``result`` in the dtype of the tensor that it is stored in."""
    data = target._data
    if result._data.shape != data.shape:
        raise ShapeError(
            f"{name}_: the result has shape {tuple(result.shape)}, but it is stored "
            f"in a tensor of shape {tuple(target.shape)}"
        )
    if result._data.dtype == data.dtype:
        return result
    if not can_cast(result.dtype, target.dtype):
        raise DTypeError(
            f"{name}_: result type {result.dtype} can't be cast to the type of "
            f"the tensor it is stored in, {target.dtype}"
        )
    return CAST[0](result, dtype=data.dtype)


def _adopt(target: Tensor, result: Tensor, name: str) -> Tensor:
    """Store inside a function transform: the tensor, and its views, become new ones."""
    result = _fitting(target, result, name)
    view = target._view
    base = target if view is None else view.base
    if mode.grad and type(base._node) is Leaf:
        raise GradientError(_LEAF if view is None else _LEAF_VIEW)
    if not isinstance(result, Tracer):
        # The values may be another tensor's: later changes must not reach that.
        result = wrap(result._data.copy(), result._node)
    if view is not None:
        result = _replace_view.call(base, result, steps=view.steps)
    turn_into(base, result if mode.grad else rewrapped(base, result))
    for other in _live(shared_cell(base)):
        if other._view.base is base:
            turn_into(other, _replay(base, other._view.steps))
    return target


def _count(target: Tensor, name: str) -> None:
    """Note in the target's version that ``name`` changed its memory."""
    cell = target._cell
    if cell is not None:
        cell[0] += 1
        cell[2:] = [name + "_"]


def has_history(target: Tensor) -> bool:
    """Whether a change in place must be recorded for this tensor's own sake."""
    view = target._view
    if target._node is None and (view is None or view.base._node is None):
        return False
    return mode.grad


def overwrite(target: Tensor, values: Any, name: str) -> None:
    """Store an array of its dtype in a tensor without history."""
    check_writable(target)
    try:
        target._data[...] = values
    except ValueError:
        raise _refusal(target._data) from None
    _count(target, name)


def fill(target: Tensor, value: Any) -> bool:
    """Store a number in a tensor without history; False if it has one."""
    if isinstance(target, Tracer) or has_history(target):
        return False
    check_writable(target)
    try:
        target._data.fill(value)
    except OverflowError:  # Like every number that does not fit, it wraps around.
        target._data.fill(np.asarray(value).astype(target._data.dtype))
    except (TypeError, ValueError):
        if not target._data.flags.writeable:
            raise _refusal(target._data) from None
        raise DTypeError(f"fill_: {value!r} in a tensor of {target.dtype}") from None
    _count(target, "fill")
    return True


def written(tensors: Iterable[Tensor], by: str) -> None:
    """Note in the version cells that arrays were changed outside of the tape."""
    for x in tensors:
        if x._cell is not None:
            x._cell[0] += 1
            x._cell[2:] = [by]


def _refusal(data: Any) -> GradientError:
    """The error for memory that can't be written."""
    if data.base is None:
        return GradientError("the memory of this tensor is read-only; clone() it first")
    return GradientError(
        "more than one element of the written-to tensor refers to a single memory "
        "location (its windows overlap), or its memory is read-only; clone() it before "
        "an in-place operation"
    )


def become(target: Tensor, view: Tensor) -> Tensor:
    """Let a tensor be what a view of it is, as ``x.t_()`` does; returns it.

    Raises:
        RuntimeError: ``target`` is a leaf that requires grad.
    """
    if view is target:
        return target
    if isinstance(view, Tracer):
        turn_into(target, view)
        target._view = view._view if target._view is not None else None
        return target
    _check_leaf(target)
    before = leave_views(target, view)
    if before is not None:
        # The hidden base takes what is written into this tensor to the others.
        view._view = View(before, view._view.steps)
        shared_cell(target)[1].append(weakref.ref(target))
    if before is not None or target._view is not None:
        target._view = view._view
    target._data = view._data
    target._renode(view._node)
    shared_cell(target)[0] += 1
    return target


def leave_views(target: Tensor, but: Tensor | None = None) -> Tensor | None:
    """Give the views of a tensor that is about to change its shape another base.

    That is the tensor as it was; None if there are no views (but for one).
    """
    others = [v for v in _live(shared_cell(target)) if v is not but]
    others = [v for v in others if v._view.base is target]
    if not others:
        return None
    before = wrap(target._data, target._node)
    before._cell = target._cell
    for other in others:
        other._view = View(before, other._view.steps)
    return before


def _live(cell: list[Any]) -> list[Tensor]:
    """The views of one memory that are still there."""
    found = [reference() for reference in cell[1] or ()]
    return [view for view in found if view is not None and view._view is not None]


def check_writable(target: Tensor) -> None:
    """Refuse a change in place of a leaf that requires grad or of shared elements.

    Raises:
        RuntimeError: it is one of these, or a view of such a leaf.
    """
    data = target._data
    if (
        data.size
        and 0 in data.strides
        and any(
            stride == 0 and size > 1
            for stride, size in zip(data.strides, data.shape, strict=True)
        )
    ):
        raise GradientError(
            "more than one element of the written-to tensor refers to a single memory "
            "location (it was expanded); clone() it before an in-place operation"
        )
    _check_leaf(target)


def _check_leaf(target: Tensor) -> None:
    if not mode.grad:
        return
    if type(target._node) is Leaf:
        raise GradientError(_LEAF)
    if target._view is not None and type(target._view.base._node) is Leaf:
        raise GradientError(_LEAF_VIEW)
    if (
        target._view is not None
        and target._node is None
        and target._view.base._node is not None
    ):
        raise GradientError(
            "a view that was made under no_grad() is changed in place outside of it, "
            "so it is not clear whether its base's gradient should notice; make the "
            "view and the change both inside no_grad(), or both outside"
        )


def _keep_old_values(node: Any, array: Any, stop: Any) -> None:
    """Give nodes made just now a copy of values that are about to be overwritten."""
    copy = None
    stack, seen = [node], {stop}
    while stack:
        node = stack.pop()
        if node is None or node in seen or not isinstance(node, Node):
            continue
        seen.add(node)
        if not isinstance(node.saved, tuple):
            continue
        if any(value is array for value in node.saved):
            copy = array.copy() if copy is None else copy
            node.saved = tuple(copy if v is array else v for v in node.saved)
            stack.extend(node.parents)
        elif len(seen) < 16:
            stack.extend(node.parents)


def _rewrite(target: Tensor, node: Any) -> None:
    """Make ``node`` the history of ``target`` and renew that of every related view."""
    view = target._view
    if view is None:
        target._renode(node)
        base = target
    else:
        base = view.base
        if base._node is None and node is None:
            return
        parents = (base._node, node)
        need = (base._node is not None, node is not None)
        call = Call(_replace_view, need, {"steps": view.steps})
        base._renode(make_node(Node, call, parents, (), ()))
    cell = shared_cell(base)
    for other in _live(cell):
        if other._view.base is base:
            other._renode(_replayed(base, other._view.steps))


def _replayed(base: Tensor, steps: tuple[Any, ...]) -> Any:
    """The node of the view that the steps make of the base's present history."""
    return _replay(wrap(base._data, base._node), steps)._node


def _replay(current: Tensor, steps: tuple[Any, ...]) -> Tensor:
    """The view to which the steps lead."""
    for record, params, index in steps:
        current = record.call(current, **params)
        if index is not None:
            current = current[index]
    return current
