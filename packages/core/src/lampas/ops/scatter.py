"""Scattering: values written along a dimension where an index says, or combined."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.batching import moved, shifted
from lampas.engine.infer import like_input
from lampas.engine.record import Record, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import batched_by, by_example
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops._whole_batches import along_dim, repeated
from lampas.ops.create import tensor
from lampas.ops.gather import check_index, check_ranks, grid
from lampas.ops.index import add_at, index_put
from lampas.ops.reduce import prod
from lampas.ops.shape import expand, reshape

__all__ = ["index_reduce", "scatter", "scatter_add", "scatter_reduce"]


def check_scatter(
    name: str, input: Tensor, dim: int, index: Tensor, src: Tensor | float
) -> tuple[Any, Tensor]:
    """The index of a scatter as an array, and the part of ``src`` that it writes.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit.
    """
    array = check_index(name, index, (input._data.shape or (1,))[dim])
    if not array.size:
        return array, input
    check_ranks(name, input, index, dim)
    if not isinstance(src, Tensor):
        src = tensor(src, dtype=input.dtype).expand(*array.shape)
    elif src._data.dtype != input._data.dtype:
        raise DTypeError(f"{name}: src must have {input.dtype}, got {src.dtype}")
    if array.ndim == 0:
        array = array.reshape(1)
    if src._data.ndim == 0:
        src = src.reshape(1)
    if src._data.ndim != array.ndim or any(
        a > b for a, b in zip(array.shape, src._data.shape, strict=True)
    ):
        raise ShapeError(
            f"{name}: index of shape {array.shape} must fit into src of shape "
            f"{tuple(src.shape)}"
        )
    if src._data.shape == array.shape:
        return array, src
    return array, src[tuple(slice(0, n) for n in array.shape)]


_set = op("scatter_set", kind="linear", widen=False, infer=like_input)
"""A copy of the input with the source along a dimension, where the index says."""

_sum = op("scatter_sum", kind="linear", widen=False, infer=like_input)
"""A copy of the input with the source added along a dimension."""


@_set.forward
def scatter_set_forward(xp: Any, x: Any, source: Any, *, dim: int, index: Any) -> Any:
    result = x.copy()
    result[grid(xp, index, dim)] = source
    return result


@_set.vjp
def scatter_set_vjp(F: Any, g: Any, *, need: Any, dim: int, index: Any) -> Any:
    picked = F.gather(g, dim=dim, index=index)
    dx = F.scatter_set(g, F.zeros_like(picked), dim=dim, index=index)
    return dx, picked


@_sum.forward
def scatter_sum_forward(xp: Any, x: Any, source: Any, *, dim: int, index: Any) -> Any:
    return add_at(xp, x.copy(), grid(xp, index, dim), source)


@_sum.vjp
def scatter_sum_vjp(F: Any, g: Any, *, need: Any, dim: int, index: Any) -> Any:
    return g, F.gather(g, dim=dim, index=index) if need[1] else None


moved(_set, _sum, dim=shifted, index=repeated)


_extreme = op(
    "scatter_extreme", kind="opaque", saves="x source y", widen=False, infer=like_input
)


@_extreme.forward
def scatter_extreme_forward(
    xp: Any, x: Any, source: Any, *, dim: int, index: Any, largest: bool
) -> Any:
    result = x.copy()
    combine = xp.maximum if largest else xp.minimum
    combine.at(result, grid(xp, index, dim), source)
    return result


@_extreme.vjp
def scatter_extreme_vjp(
    F: Any,
    g: Any,
    x: Any,
    source: Any,
    y: Any,
    *,
    need: Any,
    dim: int,
    index: Any,
    largest: bool,
) -> Any:
    """The gradient goes in equal parts to all values that equal the result."""
    own = F.cast(F.eq(x, y), dtype=g.dtype)
    hit = F.cast(F.eq(source, F.gather(y, dim=dim, index=index)), dtype=g.dtype)
    count = own + F.scatter_zeros(hit, shape=x.shape, dim=dim, index=index)
    share = g / F.where(count == 0, F.filled_like(count, value=1), count)
    return share * own, F.gather(share, dim=dim, index=index) * hit


_product = op(
    "scatter_product", kind="opaque", saves="x source", widen=False, infer=like_input
)


@_product.forward
def scatter_product_forward(
    xp: Any, x: Any, source: Any, *, dim: int, index: Any
) -> Any:
    result = x.copy()
    xp.multiply.at(result, grid(xp, index, dim), source)
    return result


@_product.vjp
def scatter_product_vjp(
    F: Any, g: Any, x: Any, source: Any, *, need: Any, dim: int, index: Any
) -> Any:
    # Where a factor is 0, its derivative is the product of the others: the count of
    # zeros in each product says whether that is 0 too.
    zero_x = F.cast(F.eq(x, F.zeros_like(x)), dtype=g.dtype)
    zero_s = F.cast(F.eq(source, F.zeros_like(source)), dtype=g.dtype)
    zeros = zero_x + F.scatter_zeros(zero_s, shape=x.shape, dim=dim, index=index)
    filled_x, filled_s = x + zero_x, source + zero_s
    rest = F.scatter_product(filled_x, filled_s, dim=dim, index=index)
    alone_x = F.cast(F.eq(zeros, zero_x), dtype=g.dtype)
    seen = F.gather(zeros, dim=dim, index=index)
    alone_s = F.cast(F.eq(seen, zero_s), dtype=g.dtype)
    dx = g * rest * alone_x / filled_x
    spread = F.gather(g * rest, dim=dim, index=index)
    return dx, spread * alone_s / filled_s


def _cleared(input: Tensor, dim: int, index: Any, value: Any) -> Tensor:
    """The input with the neutral element wherever something will be written."""
    filling = wrap(np.asarray(value, input._data.dtype)).expand(*index.shape)  # type: ignore[attr-defined]
    return _set.call(input, filling, dim=dim, index=index)


def _neutral(reduce: str, dtype: np.dtype) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    low = reduce == "amax"
    if dtype.kind == "b":
        return not low
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if low else np.iinfo(dtype).max
    return -np.inf if low else np.inf


def _multiplied(base: Tensor, part: Tensor, dim: int, index: Any) -> Tensor:
    recorded = base._node is not None or part._node is not None
    if not recorded or ((base._data != 0).all() and (part._data != 0).all()):
        return _product.call(base, part, dim=dim, index=index)
    # The record divides, which tells nothing of second derivatives at zeros: the
    # factors of each product go into a row of their own, with ones to fill it up.
    places = np.broadcast_arrays(*grid(np, index, dim))
    to = np.ravel_multi_index(places, base._data.shape).reshape(-1)
    order = np.argsort(to, kind="stable")
    first = np.searchsorted(to[order], to[order])
    rank = np.empty_like(to)
    rank[order] = np.arange(to.size) - first
    width = int(rank.max()) + 2
    rows = base.new_ones((base._data.size, width))  # type: ignore[attr-defined]
    own = (np.arange(base._data.size), np.zeros(base._data.size, np.int64))
    rows = index_put(rows, own, reshape(base, -1))
    rows = index_put(rows, (to, rank + 1), reshape(part, -1))
    return reshape(prod(rows, dim=1), base._data.shape)


@method(inplace=True)
@by_example
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """A copy in which places that ``index`` names hold a reduction of ``src``.

    Args:
        dim: the dimension. index: integers.
        src: at least as large as ``index``.
        reduce: ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the input's value takes part.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit, or an unknown ``reduce``.

    >>> x, i = lampas.zeros(2), lampas.tensor([0, 0])
    >>> lampas.scatter_reduce(x, 0, i, lampas.tensor([1.0, 3.0]), "mean")
    tensor([1.3333, 0.0000])
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ShapeError(
            "scatter_reduce: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', "
            f"got {reduce!r}"
        )
    dim = normalize_dim(dim, input._data.ndim)
    places, part = check_scatter("scatter_reduce", input, dim, index, src)
    if not places.size:
        return input.clone()
    if input._data.ndim == 0:
        flat = _reduced(reshape(input, 1), dim, places, part, reduce, include_self)
        return reshape(flat, ())
    return _reduced(input, dim, places, part, reduce, include_self)


def _reduced(
    input: Tensor, dim: int, index: Any, part: Tensor, reduce: str, own: bool
) -> Tensor:
    base = input
    if not own:
        base = _cleared(input, dim, index, _neutral(reduce, input._data.dtype))
    if reduce == "prod":
        return _multiplied(base, part, dim, index)
    if reduce in ("amax", "amin"):
        return _extreme.call(base, part, dim=dim, index=index, largest=reduce == "amax")
    total = _sum.call(base, part, dim=dim, index=index)
    if reduce == "sum":
        return total
    counts = np.full(input._data.shape, int(own), np.int64)
    ones = np.broadcast_to(np.int64(1), index.shape)
    counts = _sum.on_host(counts, ones, dim=dim, index=index)
    divisor = wrap(np.maximum(counts, 1).astype(input._data.dtype))
    if input.dtype.category < 2:
        return total.floor_divide(divisor)
    return total / divisor


def _scatter_batch(level: Any, *args: Any, **named: Any) -> Any:
    return along_dim(level, scatter, *args, **named)


@method(inplace=True)
@batched_by(_scatter_batch)
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy with entries of ``src`` written along a dimension, where ``index`` says.

    ``y[index[i][j]][j] = src[i][j]`` for ``dim=0``.

    Args:
        dim: the dimension. index: integers.
        src: a tensor at least as large as ``index``, or a number (also ``value``).
        reduce: ``"add"`` or ``"multiply"`` combines with what is there.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit.

    >>> lampas.scatter(lampas.zeros(3), 0, lampas.tensor([1]), 5.0)
    tensor([0., 5., 0.])
    """
    src = value if src is None else src
    if reduce == "add":
        return scatter_add(input, dim, index, src)
    if reduce not in (None, "multiply"):
        raise DTypeError(
            f"scatter: reduce must be None, 'add' or 'multiply', got {reduce!r}"
        )
    if reduce == "multiply":
        if not isinstance(src, Tensor):
            src = tensor(src, dtype=input.dtype).expand(*index.shape)
        return scatter_reduce(input, dim, index, src, "prod")
    return _scattered("scatter", _set, input, dim, index, src)


def _scattered(
    name: str,
    record: Record,
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float,
) -> Tensor:
    dim = normalize_dim(dim, input._data.ndim)
    places, part = check_scatter(name, input, dim, index, src)
    if not places.size:
        return input.clone()
    if input._data.ndim == 0:
        flat = record.call(input.reshape(1), part, dim=dim, index=places)
        return flat.reshape(())
    return record.call(input, part, dim=dim, index=places)


def _scatter_add_batch(level: Any, *args: Any, **named: Any) -> Any:
    return along_dim(level, scatter_add, *args, **named)


@method(inplace=True)
@batched_by(_scatter_add_batch)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor | float) -> Tensor:
    """A copy with entries of ``src`` added along a dimension, where ``index`` says.

    Args:
        dim: the dimension. index: integers.
        src: at least as large as ``index``.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes or dtypes do not fit.

    >>> i = lampas.tensor([0, 0])
    >>> lampas.scatter_add(lampas.zeros(2), 0, i, lampas.ones(2))
    tensor([2., 0.])
    """
    return _scattered("scatter_add", _sum, input, dim, index, src)


@method(inplace=True)
@by_example
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """A copy in which entries of a dimension hold a reduction of those of ``source``.

    Args:
        dim: the dimension. index: a vector of integers.
        source: the shape of ``input`` with the index's length at ``dim``.
        reduce: ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
        include_self: whether the input's value takes part.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: shapes do not fit, or an unknown ``reduce``.

    >>> x, i = lampas.zeros(2), lampas.tensor([0, 0])
    >>> lampas.index_reduce(x, 0, i, lampas.tensor([1.0, 3.0]), "amax")
    tensor([3., 0.])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ShapeError(
            "index_reduce: reduce must be 'prod', 'mean', 'amax' or 'amin', got "
            f"{reduce!r}"
        )
    dim = normalize_dim(dim, input._data.ndim)
    if index._data.ndim > 1:
        raise ShapeError(
            f"index_reduce: index must be a vector, got shape {tuple(index.shape)}"
        )
    check_index("index_reduce", index, (input._data.shape or (1,))[dim])
    if source._data.ndim == 0:
        source = reshape(source, 1)
    shape = source._data.shape
    column = reshape(index, [-1 if d == dim else 1 for d in range(len(shape))])
    wide = expand(column, *shape)
    return scatter_reduce(input, dim, wide, source, reduce, include_self=include_self)
