"""Rows of a table by index, and their transposes."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import int64
from lampas.engine.infer import Spec
from lampas.engine.record import DECLINE, LINEAR, op
from lampas.engine.tensor import Tensor, shared_cell, wrap
from lampas.engine.tracer import batched_by, by_example
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    BoundsError,
    DTypeError,
    ShapeError,
)
from lampas.ops._arguments import require_same_device
from lampas.ops._indices import bounds
from lampas.ops._whole_batches import rows_of_tables
from lampas.ops.index import add_at

__all__ = ["embedding", "one_hot", "sum_rows"]

_embedding = op(
    "embedding",
    kind=LINEAR,
    saves="weight.shape",
    fresh=True,
    widen=False,
    infer=lambda specs, index, **_: Spec(
        (*index.shape, specs[0].shape[1]), specs[0].dtype
    ),
)
_backward = op(
    "embedding_backward",
    kind=LINEAR,
    fresh=True,
    infer=lambda specs, count, **_: Spec((count, specs[0].shape[-1]), specs[0].dtype),
)


@_embedding.forward
def embedding_forward(
    xp: Any, weight: Any, *, index: Any, padding_idx: int | None, by_count: bool
) -> Any:
    return xp.take(weight, index, axis=0)


@_embedding.vjp
def embedding_vjp(
    F: Any,
    g: Any,
    shape: Any,
    *,
    need: Any,
    index: Any,
    padding_idx: int | None,
    by_count: bool,
) -> Any:
    dw = F.embedding_backward(
        g, index=index, count=shape[0], padding_idx=padding_idx, by_count=by_count
    )
    return (dw,)


@_backward.forward
def embedding_backward_forward(
    xp: Any, g: Any, *, index: Any, count: int, padding_idx: Any, by_count: bool
) -> Any:
    rows, flat = g.reshape(-1, g.shape[-1]), index.reshape(-1)
    dw = _sum_rows(xp, rows, flat, count)
    if by_count:
        seen = xp.bincount(flat, minlength=count)
        dw /= xp.maximum(seen, 1).astype(dw.dtype)[:, None]
    if padding_idx is not None:
        dw[padding_idx] = 0
    return dw


def _sum_rows(xp: Any, rows: Any, index: Any, count: int) -> Any:
    """Add up the rows of each index."""
    result = xp.zeros((count, rows.shape[1]), rows.dtype)
    if xp is not np or rows.dtype.kind not in "fc":
        add_at(xp, result, (index,), rows)
        return result
    if index.size:
        order = np.argsort(index, kind="stable")
        ordered = index[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        result[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return result


@_backward.vjp
def embedding_backward_vjp(
    F: Any,
    h: Any,
    *,
    need: Any,
    index: Any,
    count: int,
    padding_idx: int | None,
    by_count: bool,
) -> Any:
    # The transpose of what is zeroed and divided there.
    scale = _row_factors(index, count, padding_idx, by_count)
    if scale is not None:
        h = F.cast(h * scale, dtype=h.dtype)
    return (F.embedding(h, index=index, padding_idx=None, by_count=False),)


def _row_factors(index: Any, count: int, padding_idx: Any, by_count: bool) -> Any:
    if padding_idx is None and not by_count:
        return None
    factors = np.ones((count, 1))
    if by_count:
        factors[:, 0] /= np.maximum(np.bincount(index.reshape(-1), minlength=count), 1)
    if padding_idx is not None:
        factors[padding_idx] = 0
    return factors


def _check_index(name: str, index: Tensor, count: int) -> Any:
    """The index array, after checking that each entry names a row."""
    if not isinstance(index, Tensor):
        raise ArgumentTypeError(
            f"{name}: input must be a Tensor, got {type(index).__name__}"
        )
    array = index._data
    if array.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: input must hold integers (int32 or int64), got {index.dtype}"
        )
    if array.size:
        low, high = bounds(array)
        if low < 0 or high >= count:
            raise BoundsError(
                f"{name}: index {low if low < 0 else high} is out of range: weight has "
                f"{count} rows, so it must be in [0, {count - 1}]"
            )
    return array


def _renormalise(weight: Tensor, index: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows in use down to at most a norm, in place."""
    rows = np.unique(to_host(index))
    data = weight._data
    norms = np.linalg.norm(data[rows].astype(np.float64), norm_type, axis=1)
    scale = np.where(norms > max_norm, max_norm / (norms + 1e-7), 1.0)
    data[rows] = data[rows] * scale[:, None].astype(data.dtype)
    shared_cell(weight)[0] += 1


def _padding(name: str, padding_idx: int | None, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ArgumentError(
            f"{name}: padding_idx must be within the {count} rows of weight, "
            f"got {padding_idx}"
        )
    return padding_idx % count


@_embedding.batch
def embedding_batch(
    F: Any, size: int, batched: Any, /, weight: Any, *, index: Any, **how: Any
) -> Any:
    """The tables stand beside each other in one of longer rows."""
    count, width = weight.shape[1:]
    table = F.reshape(F.permute(weight, dims=(1, 0, 2)), shape=(count, size * width))
    rows = F.embedding(table, index=index, **how)
    rows = F.reshape(rows, shape=(*index.shape, size, width))
    return F.permute(rows, dims=(index.ndim, *range(index.ndim), index.ndim + 1))


@_backward.batch
def embedding_backward_batch(
    F: Any, size: int, batched: Any, /, g: Any, *, index: Any, count: int, **how: Any
) -> Any:
    width = g.shape[-1]
    rows = F.permute(g, dims=(*range(1, g.ndim - 1), 0, g.ndim - 1))
    rows = F.reshape(rows, shape=(*index.shape, size * width))
    sums = F.embedding_backward(rows, index=index, count=count, **how)
    sums = F.reshape(sums, shape=(count, size, width))
    return F.permute(sums, dims=(1, 0, 2))


def _embedding_batch(
    level: Any,
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    count = weight.shape[0]
    if max_norm is not None or weight.ndim != 2 or not count:
        return DECLINE
    _check_index("embedding", level.reveal(input), count)
    index, tables, starts = rows_of_tables(level, input, weight)
    padding_idx = _padding("embedding", padding_idx, count)
    rows = _embedding.call(
        tables,
        index=_check_index("embedding", index, level.size * count),
        padding_idx=None if padding_idx is None else starts + padding_idx,
        by_count=scale_grad_by_freq,
    )
    return level.hide(rows)


@batched_by(_embedding_batch)
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of a table.

    Args:
        input: row numbers, any shape, int32 or int64.
        weight: the table, (rows, width).
        padding_idx: a row whose gradient stays zero.
        max_norm: rows in use are scaled down, in place, to at most this norm.
        norm_type: exponent of that norm.
        scale_grad_by_freq: divide a row's gradient by how often it is used.
        sparse: give a leaf of a table a sparse gradient, which lists the rows in use;
            tables on a device, and those that are no leaf, get a dense one.

    Returns:
        (*input.shape, width).

    Raises:
        IndexError: a row number is out of range; the text has it and the limit.
        RuntimeError: both ``sparse`` and ``scale_grad_by_freq``, with a gradient.

    >>> table = lampas.tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> lampas.nn.functional.embedding(lampas.tensor([1, 0]), table)
    tensor([[2., 3.],
            [0., 1.]])
    """
    if weight._data.ndim != 2:
        raise ShapeError(f"embedding: weight must be 2-D, got {tuple(weight.shape)}")
    count = weight._data.shape[0]
    require_same_device("embedding", input=input, weight=weight)
    index = _check_index("embedding", input, count)
    padding_idx = _padding("embedding", padding_idx, count)
    if max_norm is not None:
        _renormalise(weight, index, max_norm, norm_type)
    rows = _embedding.call(
        weight, index=index, padding_idx=padding_idx, by_count=scale_grad_by_freq
    )
    return _listed(rows, scale_grad_by_freq) if sparse else rows


def _listed(rows: Tensor, by_count: bool) -> Any:
    # Loaded when first asked for: few programs have sparse gradients.
    late = importlib.import_module("lampas.ops.sparse_embedding")
    return late.list_rows(rows, by_count)


def sum_rows(rows: Tensor, index: Any, count: int) -> Tensor:
    """The sums of the rows of each index, (count, width)."""
    return _backward.call(
        rows, index=index, count=count, padding_idx=None, by_count=False
    )


@by_example
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Ones at the given classes, zeros elsewhere, along a new last dimension.

    Args:
        tensor: class numbers, int64.
        num_classes: number of classes; -1 takes the largest plus one.

    Raises:
        RuntimeError: a class that is negative or not below ``num_classes``.

    >>> lampas.nn.functional.one_hot(lampas.tensor([1, 0]), 3)
    tensor([[0, 1, 0],
            [1, 0, 0]])
    """
    array = tensor._data
    if tensor.dtype is not int64:
        raise DTypeError(f"one_hot needs an int64 tensor, got {tensor.dtype}")
    if not array.size:
        if num_classes <= 0:
            raise ShapeError("one_hot of an empty tensor needs num_classes")
        return wrap(np.zeros((*array.shape, num_classes), np.int64))
    low, high = bounds(array)
    if low < 0:
        raise ShapeError(f"one_hot: class values must be non-negative, got {low}")
    if num_classes == -1:
        num_classes = high + 1
    if high >= num_classes:
        raise ShapeError(
            f"one_hot: class values must be smaller than num_classes={num_classes}, "
            f"got {high}"
        )
    classes = np.arange(num_classes)
    return wrap((to_host(array)[..., None] == classes).astype(np.int64)).to(  # type: ignore[attr-defined]
        tensor.device
    )
