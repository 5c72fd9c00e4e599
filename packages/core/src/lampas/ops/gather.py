"""Gathering along a dimension by index, and its transposes that scatter."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.dtypes import int64, promote_types
from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, given_shape
from lampas.engine.modes import mode as modes
from lampas.engine.record import DECLINE, RECORDS, Record, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import batched_by, by_example
from lampas.errors import (
    ArgumentTypeError,
    BoundsError,
    DimensionError,
    DTypeError,
    ShapeError,
)
from lampas.ops._arguments import normalize_dim
from lampas.ops._indices import bounds
from lampas.ops._whole_batches import along_dim, repeated
from lampas.ops.create import cast, tensor
from lampas.ops.index import add_at

__all__ = [
    "gather",
    "index_add",
    "index_copy",
    "index_fill",
    "index_select",
    "take",
    "take_along_dim",
]


def check_index(name: str, index: Any, size: int) -> np.ndarray:
    """An index tensor's array, with every entry within [0, size).

    Raises:
        TypeError: not a tensor. RuntimeError: not integers.
        IndexError: an entry is out of bounds; the text has its value and the limit.
    """
    if not isinstance(index, Tensor):
        raise ArgumentTypeError(
            f"{name}: index must be a Tensor, got {type(index).__name__}"
        )
    array = index._data
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name}: index must hold integers, got {index.dtype}")
    if array.size:
        low, high = bounds(array)
        if low < 0 or high >= size:
            bad = low if low < 0 else high
            raise BoundsError(
                f"{name}: index {bad} is out of bounds; it must be in [0, {size - 1}]"
            )
    return array


def grid(xp: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """The full advanced index that gathers ``index`` along ``dim``."""
    axes = []
    for d, size in enumerate(index.shape):
        shape = [1] * index.ndim
        shape[d] = size
        axes.append(index if d == dim else xp.arange(size).reshape(shape))
    return tuple(axes)


def _like_index(specs: Any, *, dim: int, index: Any) -> Spec:
    return Spec(index.shape, specs[0].dtype)


_take, _set, _sum = RECORDS["take"], RECORDS["index_set"], RECORDS["index_sum"]

_gather = op("gather", kind="shape", saves="x.shape", infer=_like_index)
_scatter_zeros = op("scatter_zeros", kind="linear", widen=False, infer=given_shape)
"""Add the input into zeros of a shape along a dimension: the transpose of gather."""


@_gather.forward
def gather_forward(xp: Any, x: Any, *, dim: int, index: Any) -> Any:
    return x[grid(xp, index, dim)]


@_gather.vjp
def gather_vjp(F: Any, g: Any, shape: Any, *, need: Any, dim: int, index: Any) -> Any:
    return (F.scatter_zeros(g, shape=shape, dim=dim, index=index),)


@_scatter_zeros.forward
def scatter_zeros_forward(xp: Any, x: Any, *, shape: Any, dim: int, index: Any) -> Any:
    return add_at(xp, xp.zeros(shape, x.dtype), grid(xp, index, dim), x)


@_scatter_zeros.vjp
def scatter_zeros_vjp(
    F: Any, g: Any, *, need: Any, shape: Any, dim: int, index: Any
) -> Any:
    return (F.gather(g, dim=dim, index=index),)


moved(_gather, dim=shifted, index=repeated)
moved(_scatter_zeros, shape=prefixed, dim=shifted, index=repeated)


def check_ranks(name: str, input: Tensor, index: Tensor, dim: int) -> None:
    shape, wanted = input._data.shape or (1,), index._data.shape or (1,)
    if len(shape) != len(wanted):
        raise ShapeError(
            f"{name}: index must have as many dimensions as input ({len(shape)}), "
            f"got shape {tuple(index.shape)}"
        )
    for d, (limit, size) in enumerate(zip(shape, wanted, strict=True)):
        if d != dim and size > limit:
            raise ShapeError(
                f"{name}: index has size {size} in dimension {d}, input only {limit}"
            )


def _gather_batch(
    level: Any, *args: Any, sparse_grad: bool = False, **named: Any
) -> Any:
    return along_dim(level, gather, *args, **named)


@method()
@batched_by(_gather_batch)
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False
) -> Tensor:
    """Pick along a dimension: ``y[i][j] = input[index[i][j]][j]`` for ``dim=0``.

    Args:
        dim: the dimension to pick along.
        index: integers; as many dimensions as ``input``, none longer except ``dim``.
        sparse_grad: accepted; gradients are dense.

    Returns:
        A tensor of the shape of ``index``.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes do not fit, or ``index`` is not integer.

    >>> x = lampas.tensor([[1, 2], [3, 4]])
    >>> lampas.gather(x, 1, lampas.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    dim = normalize_dim(dim, input._data.ndim)
    array = check_index("gather", index, (input._data.shape or (1,))[dim])
    if not array.size:
        return input.reshape(-1)[:0].reshape(index.shape)
    check_ranks("gather", input, index, dim)
    if input._data.ndim == 0:
        return input.reshape(1)[array.reshape(-1)].reshape(index.shape)
    if array.ndim == 0:
        return gather(input, dim, index.reshape(1)).reshape(())
    return _gather.call(input, dim=dim, index=array)


def _take_along_batch(
    level: Any, input: Tensor, indices: Tensor, dim: int | None = None
) -> Any:
    def function(input: Tensor, dim: int, index: Tensor) -> Tensor:
        return take_along_dim(input, index, dim)

    return DECLINE if dim is None else along_dim(level, function, input, dim, indices)


@method()
@batched_by(_take_along_batch)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Like :func:`gather`, with the other dimensions broadcast; None flattens.

    >>> x = lampas.tensor([[3, 1], [2, 4]])
    >>> lampas.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 3],
            [2, 4]])
    """
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    dim = normalize_dim(dim, input._data.ndim)
    a, b = list(input._data.shape), list(indices._data.shape)
    if len(a) != len(b):
        raise ShapeError(
            "take_along_dim: input and indices need equally many dimensions"
        )
    both = list(
        np.broadcast_shapes((*a[:dim], 1, *a[dim + 1 :]), (*b[:dim], 1, *b[dim + 1 :]))
    )
    wide, picks = list(both), list(both)
    wide[dim], picks[dim] = a[dim], b[dim]
    places = indices._data
    if places.dtype.kind != "i":
        raise DTypeError(f"take_along_dim: indices must be int64, got {indices.dtype}")
    if places.size and int(places.min()) < 0:
        indices = wrap(np.where(places < 0, places + a[dim], places))
    return gather(input.expand(*wide), dim, indices.expand(*picks))


@method()
@by_example
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened input, in the shape of ``index``.

    Raises:
        IndexError: an index is out of bounds.

    >>> lampas.take(lampas.tensor([[1, 2], [3, 4]]), lampas.tensor([0, 3]))
    tensor([1, 4])
    """
    if not isinstance(index, Tensor) or index.dtype != int64:
        raise DTypeError(f"take: index must be a tensor of int64, got {index!r}")
    return input.reshape(-1)[index]


def _index_select_batch(level: Any, input: Tensor, dim: int, index: Tensor) -> Any:
    if input.ndim == 0:
        return DECLINE
    dim = normalize_dim(dim, input.ndim)
    check_index("index_select", level.reveal(index), input.shape[dim])
    return input[(*(slice(None),) * dim, index.reshape(-1))]  # type: ignore[attr-defined]


@method()
@batched_by(_index_select_batch)
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Entries of a dimension, by a vector of indices.

    Raises:
        IndexError: an index is out of bounds, or it has more than one dimension.

    >>> x = lampas.tensor([[1, 2], [3, 4]])
    >>> lampas.index_select(x, 1, lampas.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    dim = normalize_dim(dim, input._data.ndim)
    _check_vector("index_select", index)
    array = check_index("index_select", index, (input._data.shape or (1,))[dim])
    if input._data.ndim == 0:
        return input
    return _take.call(input, index=(*(slice(None),) * dim, array.reshape(-1)))


def _check_vector(name: str, index: Tensor) -> None:
    if isinstance(index, Tensor) and index._data.ndim > 1:
        raise DimensionError(
            f"{name}: index must be a vector, got shape {tuple(index.shape)}"
        )


def _along(
    name: str, input: Tensor, dim: int, index: Tensor
) -> tuple[int, tuple[Any, ...]]:
    dim = normalize_dim(dim, input._data.ndim)
    _check_vector(name, index)
    array = check_index(name, index, (input._data.shape or (1,))[dim])
    return dim, (*(slice(None),) * dim, array.reshape(-1))


def _checked_source(
    name: str, input: Tensor, dim: int, index: Any, source: Tensor
) -> None:
    if source._data.dtype != input._data.dtype:
        raise DTypeError(f"{name}: source must have {input.dtype}, got {source.dtype}")
    shape = list(input._data.shape or (1,))
    shape[dim] = len(index[-1])
    if tuple(source._data.shape or (1,)) != tuple(shape):
        raise ShapeError(
            f"{name}: source must have shape {tuple(shape)}, got {tuple(source.shape)}"
        )


@method(inplace=True)
@by_example
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """A copy with ``alpha * source`` added to the entries of a dimension.

    Args:
        dim: the dimension. index: a vector of integers.
        source: the shape of ``input`` with the index's length at ``dim``.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit.

    >>> i = lampas.tensor([0, 0])
    >>> lampas.index_add(lampas.zeros(2), 0, i, lampas.ones(2))
    tensor([2., 0.])
    """
    dim, places = _along("index_add", input, dim, index)
    _checked_source("index_add", input, dim, places, source)
    added = source if alpha == 1 else source * alpha
    return _put_along(_sum, input, places, added)


@method(inplace=True)
@by_example
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy with the entries of a dimension replaced by those of ``source``.

    Under autocast both may have different types; the copy has the wider.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit.

    >>> lampas.index_copy(lampas.zeros(2), 0, lampas.tensor([1]), lampas.ones(1))
    tensor([0., 1.])
    """
    if modes.autocast is not None and source.dtype is not input.dtype:
        both = promote_types(input.dtype, source.dtype)
        input, source = cast(input, both), cast(source, both)
    dim, places = _along("index_copy", input, dim, index)
    _checked_source("index_copy", input, dim, places, source)
    return _put_along(_set, input, places, source)


@method(inplace=True)
@by_example
def index_fill(input: Tensor, dim: int, index: Tensor, value: float | Tensor) -> Tensor:
    """A copy with the entries of a dimension filled with one value.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: ``value`` is a tensor with dimensions.

    >>> lampas.index_fill(lampas.zeros(2), 0, lampas.tensor([1]), 7.0)
    tensor([0., 7.])
    """
    _, places = _along("index_fill", input, dim, index)
    if isinstance(value, Tensor) and value._data.ndim:
        raise ShapeError("index_fill: value must be a number or a 0-d tensor")
    if not isinstance(value, Tensor):
        value = tensor(value, dtype=input.dtype)
    if value.requires_grad:
        # A place named twice is filled once, so its gradient counts once.
        places = (*places[:-1], np.unique(places[-1]))
    return _put_along(_set, input, places, cast(value, input.dtype))


def _put_along(
    record: Record, input: Tensor, places: tuple[Any, ...], value: Tensor
) -> Tensor:
    if input._data.ndim == 0:
        return record.call(input.reshape(1), value, index=places).reshape(())
    return record.call(input, value, index=places)
