"""Rows of a table looked up by index and reduced bag by bag."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lampas.backend.device import from_host, to_host
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError, DTypeError
from lampas.ops._arguments import require_same_device
from lampas.ops.embed import embedding, sum_rows

__all__ = ["embedding_bag"]


def _bags(
    input: Tensor, offsets: Tensor | None, include_last: bool
) -> tuple[np.ndarray, int]:
    """For each entry of the flat index, the number of its bag; and how many bags."""
    name, shape = "embedding_bag", input._data.shape
    if len(shape) == 2:
        if offsets is not None:
            raise ArgumentError(
                f"{name}: offsets must be None if input is 2-D, as its rows are the "
                f"bags; got offsets of shape {tuple(offsets.shape)}"
            )
        return np.repeat(np.arange(shape[0]), shape[1]), shape[0]
    if len(shape) != 1:
        raise ArgumentError(f"{name}: input must be 1-D or 2-D, got {len(shape)}-D")
    starts = _starts(offsets, shape[0], include_last)
    count = starts.size - include_last
    bags = np.searchsorted(starts, np.arange(shape[0]), side="right") - 1
    return np.minimum(bags, count - 1), count


def _starts(offsets: Any, size: int, include_last: bool) -> np.ndarray:
    name = "embedding_bag"
    if not isinstance(offsets, Tensor):
        raise ArgumentError(
            f"{name}: offsets must be a tensor if input is 1-D, got "
            f"{type(offsets).__name__}"
        )
    starts = to_host(offsets._data)
    if starts.ndim != 1:
        raise ArgumentError(f"{name}: offsets must be 1-D, got {starts.ndim}-D")
    if starts.dtype.kind not in "iu":
        raise DTypeError(f"{name}: offsets must hold integers, got {offsets.dtype}")
    if include_last and not starts.size:
        raise ArgumentError(
            f"{name}: include_last_offset needs at least one offset, got none"
        )
    if starts.size and starts[0] != 0:
        raise ArgumentError(f"{name}: offsets[0] must be 0, got {starts[0]}")
    if starts.size and starts[-1] > size:
        raise ArgumentError(
            f"{name}: offsets must not be beyond input's length {size}, "
            f"got {starts[-1]}"
        )
    return starts


def _check_factors(factors: Tensor, input: Tensor, weight: Tensor, mode: str) -> None:
    name = "embedding_bag"
    if mode != "sum":
        raise NotImplementedOfMode(
            f"{name}: per_sample_weights need mode='sum', got {mode!r}"
        )
    if factors._data.shape != input._data.shape:
        raise ArgumentError(
            f"{name}: per_sample_weights must have the shape of input "
            f"{tuple(input.shape)}, got {tuple(factors.shape)}"
        )
    if factors.dtype is not weight.dtype:
        raise DTypeError(
            f"{name}: per_sample_weights must have weight's dtype {weight.dtype}, "
            f"got {factors.dtype}"
        )


class NotImplementedOfMode(ArgumentError, NotImplementedError):
    """A mode of reduction does not go with another argument."""


def _in_order(input: Any, weight: Any) -> tuple[Tensor, Tensor]:
    """Index and table, also from callers who give the table first."""
    for argument, value in (("input", input), ("weight", weight)):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"embedding_bag: {argument} must be a Tensor, got "
                f"{type(value).__name__}"
            )
    if input.is_floating_point() and weight._data.dtype.kind == "i":
        warnings.warn(
            "embedding_bag takes the index first and the table second, as embedding "
            "does; call embedding_bag(index, table)",
            stacklevel=3,
        )
        return weight, input
    return input, weight


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Look up rows and reduce those of each bag.

    Args:
        input: (bags, size) row numbers, or all bags joined in one dimension.
        weight: the table, (rows, width).
        offsets: where each bag starts in a one-dimensional input.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :func:`embedding`.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        per_sample_weights: factors of the rows, for ``"sum"``; of input's shape and
            weight's dtype.
        include_last_offset: the last offset is the end of the last bag.
        padding_idx: a row that is left out.

    Returns:
        (bags, width); zeros for an empty bag.

    Raises:
        ValueError: arguments that do not go together.
        IndexError: a row number is out of range.

    >>> table = lampas.tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> lampas.nn.functional.embedding_bag(lampas.tensor([[0, 1]]), table)
    tensor([[1., 2.]])
    """
    input, weight = _in_order(input, weight)
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(
            f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}"
        )
    if mode == "max" and scale_grad_by_freq:
        raise ArgumentError("embedding_bag: scale_grad_by_freq excludes mode='max'")
    if mode == "max" and sparse:
        raise ArgumentError("embedding_bag: sparse gradients exclude mode='max'")
    if per_sample_weights is not None:
        _check_factors(per_sample_weights, input, weight, mode)
    require_same_device("embedding_bag", input=input, weight=weight)
    bags, count = _bags(input, offsets, include_last_offset)
    flat = input.reshape(-1)  # type: ignore[attr-defined]
    how = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    rows = embedding(flat, weight, *how)
    used = np.ones(bags.size, bool)
    if padding_idx is not None:
        used = to_host(flat._data) != padding_idx % weight._data.shape[0]
    if mode == "max":
        return _largest(rows, bags[used], np.flatnonzero(used), count)
    share = used.astype(np.float64)
    if mode == "mean":
        sizes = np.bincount(bags, weights=share, minlength=count)
        share = share / np.maximum(sizes, 1)[bags]
    if not share.all() or mode == "mean":
        rows = rows * _beside(share[:, None], rows)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)  # type: ignore[attr-defined]
    return sum_rows(rows, from_host(bags, weight.device), count)


def _beside(array: np.ndarray, rows: Tensor) -> Tensor:
    """A host array as a tensor of the dtype and on the device of ``rows``."""
    return wrap(from_host(array.astype(rows._data.dtype), rows.device))


def _largest(rows: Tensor, bags: np.ndarray, entries: np.ndarray, count: int) -> Tensor:
    """The largest element of each column of each bag; bags in order, some empty."""
    width = rows._data.shape[1]
    best = np.zeros((count, width), np.int64)
    filled = np.zeros((count, 1))
    if bags.size and width:
        starts = np.flatnonzero(np.r_[True, bags[1:] != bags[:-1]])
        data = to_host(rows.detach()._data)[entries].astype(np.float64)
        top = np.maximum.reduceat(data, starts, axis=0)
        run = np.cumsum(np.r_[0, bags[1:] != bags[:-1]])
        # The first of equal ones; a nan is larger than all.
        hit = (data == top[run]) | np.isnan(data)
        first = np.where(hit, entries[:, None], rows._data.shape[0])
        best[bags[starts]] = np.minimum.reduceat(first, starts, axis=0)
        filled[bags[starts]] = 1
    if not rows._data.shape[0]:
        return rows.new_zeros((count, width))  # type: ignore[attr-defined]
    picked = rows.gather(0, wrap(from_host(best, rows.device)))  # type: ignore[attr-defined]
    return picked * _beside(filled, rows)
