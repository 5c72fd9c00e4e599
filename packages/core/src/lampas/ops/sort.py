"""Ordering: sort, the largest k, distinct values, counts."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lampas.backend.native import bind
from lampas.dtypes import HALVES, int64
from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, given_shape
from lampas.engine.record import op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim, numpy_names
from lampas.ops._indices import bounds
from lampas.ops._results import printed_as
from lampas.ops.create import zeros

__all__ = [
    "argsort",
    "bincount",
    "bucketize",
    "kthvalue",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]


@printed_as("sort")
class SortResult(NamedTuple):
    """Sorted values, and where they stood."""

    values: Tensor
    indices: Tensor


@printed_as("topk")
class TopkResult(NamedTuple):
    """The largest (or smallest) values, and where they stand."""

    values: Tensor
    indices: Tensor


@printed_as("kthvalue")
class KthvalueResult(NamedTuple):
    """The k-th smallest values, and where they stand."""

    values: Tensor
    indices: Tensor


def _sorted_specs(specs: Any, **params: Any) -> list[Spec]:
    return [specs[0], Spec(specs[0].shape, np.dtype(np.int64))]


_sort = op(
    "sort",
    kind="opaque",
    outputs=2,
    saves="x.shape y1",
    widen=False,
    infer=_sorted_specs,
)


@_sort.forward
def sort_forward(xp: Any, x: Any, *, dim: int, descending: bool) -> Any:
    order = _order(xp, x, dim, descending)
    return xp.take_along_axis(x, order, dim), order


def _order(xp: Any, x: Any, dim: int, descending: bool) -> Any:
    """Stable order; NaN counts as the largest value."""
    if x.dtype in HALVES:
        # NumPy does not know the place of bfloat16's NaN.
        x = x.astype(np.float32)
    if not descending:
        return xp.argsort(x, axis=dim, kind="stable")
    # Sorting the reversed entries and reversing again keeps ties in their order.
    flipped = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
    return xp.flip(x.shape[dim] - 1 - flipped, dim)


@_sort.vjp
def sort_vjp(
    F: Any, g: Any, shape: Any, order: Any, *, need: Any, dim: int, descending: bool
) -> Any:
    return (F.unsort(g[0], order, shape=shape, dim=dim),)


moved(_sort, least=1, dim=shifted)


def _ranked_specs(specs: Any, *, dim: int, count: int, **params: Any) -> list[Spec]:
    shape = tuple(count if d == dim else s for d, s in enumerate(specs[0].shape))
    return [Spec(shape, specs[0].dtype), Spec(shape, np.dtype(np.int64))]


_ranked = op(
    "ranked",
    kind="opaque",
    outputs=2,
    saves="x.shape y1",
    widen=False,
    infer=_ranked_specs,
)
"""Of what ``sort`` gives, ``count`` entries from ``first`` on."""


@_ranked.forward
def ranked_forward(
    xp: Any, x: Any, *, dim: int, descending: bool, first: int, count: int
) -> Any:
    here = (slice(None),) * dim + (slice(first, first + count),)
    order = _order(xp, x, dim, descending)[here]
    return xp.take_along_axis(x, order, dim), order


@_ranked.vjp
def ranked_vjp(
    F: Any, g: Any, shape: Any, order: Any, *, need: Any, dim: int, **params: Any
) -> Any:
    return (F.unsort(g[0], order, shape=shape, dim=dim),)


moved(_ranked, least=1, dim=shifted)


_unsort = op(
    "unsort",
    kind="linear",
    saves="order",
    fresh=True,
    widen=False,
    infer=given_shape,
)
"""Put entries back where ``order`` took them from; zeros elsewhere."""


@_unsort.forward
def unsort_forward(xp: Any, x: Any, order: Any, *, shape: Any, dim: int) -> Any:
    result = xp.zeros(shape, x.dtype)
    xp.put_along_axis(result, order, x, dim)
    return result


@_unsort.vjp
def unsort_vjp(F: Any, g: Any, order: Any, *, need: Any, shape: Any, dim: int) -> Any:
    return F.resort(g, order, dim=dim), None


moved(_unsort, least=1, shape=prefixed, dim=shifted)


def _in_order(specs: Any, *, dim: int) -> Spec:
    return Spec(specs[1].shape, specs[0].dtype)


_resort = op(
    "resort",
    kind="linear",
    saves="order x.shape",
    fresh=True,
    widen=False,
    infer=_in_order,
)
"""Take entries along a dimension in a given order."""


@_resort.forward
def resort_forward(xp: Any, x: Any, order: Any, *, dim: int) -> Any:
    return xp.take_along_axis(x, order, dim)


@_resort.vjp
def resort_vjp(F: Any, g: Any, order: Any, x_shape: Any, *, need: Any, dim: int) -> Any:
    return F.unsort(g, order, shape=x_shape, dim=dim), None


moved(_resort, least=1, dim=shifted)


@method()
@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> SortResult:
    """Sort along a dimension.

    Args:
        dim: the dimension.
        descending: largest first.
        stable: accepted; equal values always keep their order.

    Returns:
        ``values`` and ``indices``.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.sort(lampas.tensor([3, 1, 2])).values
    tensor([1, 2, 3])
    """
    if input.is_complex():
        raise DTypeError("sort: complex numbers have no order")
    dim = normalize_dim(dim, input._data.ndim)
    if input._data.ndim == 0:
        return SortResult(input.clone(), zeros((), dtype=int64))
    return SortResult(*_sort.call(input, dim=dim, descending=descending))


@method()
@numpy_names
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> Tensor:
    """The indices that sort along a dimension.

    >>> lampas.argsort(lampas.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return sort(input.detach(), dim, descending, stable).indices


@method()
def msort(input: Tensor) -> Tensor:
    """Sort along the first dimension.

    >>> lampas.msort(lampas.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    return sort(input, 0).values


@method()
@numpy_names
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> TopkResult:
    """The ``k`` largest (or smallest) entries along a dimension, in order.

    Args:
        k: how many. dim: the dimension.
        largest: largest or smallest.
        sorted: accepted; the result is always in order.

    Raises:
        RuntimeError: ``k`` is negative or more than the dimension has.

    >>> lampas.topk(lampas.tensor([3, 1, 2]), 2).values
    tensor([3, 2])
    """
    dim = normalize_dim(dim, input._data.ndim)
    size = (input._data.shape or (1,))[dim]
    if input.dtype.name == "bool":
        raise DTypeError("topk is not implemented for lampas.bool")
    if not 0 <= k <= size:
        raise ShapeError(f"topk: k must be in [0, {size}], got {k}")
    if input.is_complex() or input._data.ndim == 0:
        return TopkResult(*sort(input, dim, largest))
    return TopkResult(
        *_ranked.call(input, dim=dim, descending=largest, first=0, count=k)
    )


@method()
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False
) -> KthvalueResult:
    """The ``k``-th smallest entry along a dimension, counted from 1.

    Raises:
        RuntimeError: ``k`` is out of range.

    >>> lampas.kthvalue(lampas.tensor([3, 1, 2]), 2).values
    tensor(2)
    """
    dim = normalize_dim(dim, input._data.ndim)
    size = (input._data.shape or (1,))[dim]
    if input.dtype.name == "bool":
        raise DTypeError("kthvalue is not implemented for lampas.bool")
    if not 1 <= k <= size:
        raise ShapeError(f"kthvalue: k must be in [1, {size}], got {k}")
    if input.is_complex() or input._data.ndim == 0:
        return KthvalueResult(*sort(input, dim))
    pair = _ranked.call(input, dim=dim, descending=False, first=k - 1, count=1)
    if not keepdim:
        pair = pair[0].squeeze(dim), pair[1].squeeze(dim)
    return KthvalueResult(*pair)


def _check_distinct(name: str, input: Tensor, dim: int | None) -> None:
    if input.is_complex():
        raise DTypeError(f"{name} is not implemented for {input.dtype}")
    if dim is not None and input._data.size == 0 and input._data.shape[dim] != 0:
        raise ShapeError(
            f"{name}: the slices along dimension {dim} have no elements "
            f"(input has shape {tuple(input.shape)})"
        )


@method()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct values, in order; or distinct slices along ``dim``.

    Args:
        sorted: accepted; the result is always in order.
        return_inverse: also give, for each element, the index of its value.
        return_counts: also give how often each value occurs.
        dim: compare slices along this dimension instead of elements.

    Raises:
        RuntimeError: input is complex, or the slices have no elements.

    >>> lampas.unique(lampas.tensor([3, 1, 3]))
    tensor([1, 3])
    """
    if dim is not None:
        dim = normalize_dim(dim, input._data.ndim)
    _check_distinct("unique", input, dim)
    data = input._data
    if dim is None:
        keys = data.astype(np.float32) if data.dtype in HALVES else data
        return _distinct(keys.reshape(-1), data, return_inverse, return_counts)
    values, inverse, counts = np.unique(
        data, return_inverse=True, return_counts=True, axis=dim, equal_nan=False
    )
    results = [wrap(values)]
    if return_inverse:
        results.append(wrap(inverse.reshape(-1)))
    if return_counts:
        results.append(wrap(counts))
    return results[0] if len(results) == 1 else tuple(results)


def _distinct(line: Any, data: Any, inverse: bool, counts: bool) -> Any:
    """The distinct values of a line; the results have the dtype and shape of data."""
    if inverse:
        # Small integers are sorted by NumPy as fast; those of 32 bits are not.
        wide = line.astype(np.int64) if line.dtype == np.int32 else line
        line, order = (x._data for x in sort(wrap(wide), 0))
    else:
        # Small integers are sorted by their digits if the order is to be stable.
        line = np.sort(line, kind="stable" if line.dtype.itemsize <= 2 else None)
    first = _starts(line[1:] != line[:-1], len(line))
    # Places are quicker to follow than a mask.
    places = np.flatnonzero(first)
    results = [wrap(line.take(places).astype(data.dtype, copy=False))]
    if inverse:
        numbers = np.empty_like(order)
        numbers[order] = np.cumsum(first) - 1
        results.append(wrap(numbers.reshape(data.shape)))
    if counts:
        results.append(wrap(_lengths(places, len(first))))
    return results[0] if len(results) == 1 else tuple(results)


def _starts(changes: Any, size: int) -> Any:
    """Where runs begin, of what changes from one element to the next."""
    return np.concatenate([np.ones(min(size, 1), bool), changes])


def _lengths(places: Any, size: int) -> Any:
    """The lengths of runs that begin at ``places`` and fill ``size`` elements."""
    return np.diff(np.append(places, size))


@method()
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The first of each run of equal elements; or of equal slices along ``dim``.

    Args:
        return_inverse: also give, for each element, the index of its run.
        return_counts: also give the length of each run.
        dim: compare slices along this dimension instead of elements.

    Raises:
        RuntimeError: input is complex, or the slices have no elements.

    >>> lampas.unique_consecutive(lampas.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    data = input._data
    if dim is not None:
        dim = normalize_dim(dim, data.ndim)
    _check_distinct("unique_consecutive", input, dim)
    if dim is None:
        lines = data.reshape(-1)
        changes = lines[1:] != lines[:-1]
    else:
        lines = np.moveaxis(data, dim, 0)
        rows = lines.reshape(len(lines), math.prod(lines.shape[1:]))
        changes = (rows[1:] != rows[:-1]).any(axis=1)
    first = _starts(changes, len(lines))
    places = np.flatnonzero(first)
    values = lines.take(places, axis=0)
    results = [wrap(values if dim is None else np.moveaxis(values, 0, dim))]
    if return_inverse:
        inverse = np.cumsum(first) - 1
        results.append(wrap(inverse.reshape(data.shape if dim is None else (-1,))))
    if return_counts:
        results.append(wrap(_lengths(places, len(first))))
    return results[0] if len(results) == 1 else tuple(results)


def _occurrences(x: Any, *, size: int) -> Any:
    """How often each of the integers below ``size`` is in a vector of them."""
    return np.bincount(x, minlength=size).astype(np.int64)


occurrences = bind("occurrences", _occurrences)


def _weighed(x: Any, weights: Any, *, size: int) -> Any:
    """The sums of the weights of each of the integers below ``size`` in a vector."""
    single = weights.dtype == np.float32
    return np.bincount(x, weights, size).astype(np.float32 if single else np.float64)


weighed = bind("weighed", _weighed)


@method()
def bincount(
    input: Tensor, weights: Tensor | None = None, minlength: int = 0
) -> Tensor:
    """How often each non-negative integer occurs, or the sum of its weights.

    Args:
        input: a vector of non-negative integers.
        weights: one for each entry.
        minlength: the least length of the result.

    Raises:
        RuntimeError: not a vector of non-negative integers, or sizes differ.

    >>> lampas.bincount(lampas.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    data = input._data
    plain = data.ndim == 1 and data.dtype.kind in "iu"
    low, high = bounds(data) if plain and data.size else (0, -1)
    if not plain or low < 0:
        raise ShapeError("bincount: input must be a vector of non-negative integers")
    if minlength < 0:
        raise ShapeError(f"bincount: minlength must be >= 0, got {minlength}")
    size = max(high + 1, minlength)
    if weights is None:
        return wrap(occurrences(data, size=size))
    if weights._data.shape != data.shape:
        raise ShapeError("bincount: weights must have the shape of input")
    return wrap(weighed(data, weights._data, size=size))


def _searched(sequence: Any, values: Any, *, right: bool, narrow: bool) -> Any:
    """Places of values in a sorted vector, or in as many rows as the values have."""
    side: Any = "right" if right else "left"
    kind = np.int32 if narrow else np.int64
    if sequence.ndim == 1:
        return np.asarray(np.searchsorted(sequence, values, side), kind)
    count = math.prod(sequence.shape[:-1])
    rows = sequence.reshape(count, sequence.shape[-1])
    wanted = values.reshape(count, values.shape[-1])
    pairs = zip(rows, wanted, strict=True)
    found = [np.searchsorted(row, want, side) for row, want in pairs]
    return np.asarray(found, kind).reshape(values.shape)


searched = bind("searched", _searched)


@method()
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where values would have to be inserted to keep a sequence sorted.

    Args:
        sorted_sequence: sorted along the last dimension.
        input: a number, or values; leading dimensions as the sequence's, unless that
            is a vector.
        out_int32: give int32 instead of int64.
        right: insert behind equal values (also ``side="right"``).
        sorter: the order that sorts the sequence.

    Raises:
        RuntimeError: leading dimensions differ, or ``right`` and ``side`` disagree.

    >>> lampas.searchsorted(lampas.tensor([1, 3, 5]), lampas.tensor([3]))
    tensor([1])
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ShapeError(f"searchsorted: side {side!r} and right={right} don't agree")
    right = right or side == "right"
    sequence = sorted_sequence._data
    values = input._data if isinstance(input, Tensor) else np.asarray(input)
    if sorter is not None:
        if sorter._data.shape != sequence.shape:
            raise ShapeError("searchsorted: sorter must have the sequence's shape")
        sequence = np.take_along_axis(sequence, sorter._data, -1)
    if sequence.ndim != 1 and (
        sequence.ndim == 0 or sequence.shape[:-1] != values.shape[:-1]
    ):
        raise ShapeError(
            "searchsorted: leading dimensions must be equal, got "
            f"{sequence.shape} and {values.shape}"
        )
    return wrap(searched(sequence, values, right=right, narrow=out_int32))


def bucketize(
    input: Tensor | float,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
) -> Tensor:
    """The number of the bucket, between sorted boundaries, that each value is in.

    Raises:
        RuntimeError: ``boundaries`` is not a vector.

    >>> lampas.bucketize(lampas.tensor([2.0]), lampas.tensor([1.0, 3.0]))
    tensor([1])
    """
    if boundaries._data.ndim != 1:
        raise ShapeError("bucketize: boundaries must be a vector")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
