"""Sums of sparse tensors, and softmax over the values that they list."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.dtypes import DType
from lampas.engine.record import RECORDS
from lampas.engine.rows import flat_places, runs
from lampas.engine.sparse import RULES, SparseTensor
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import DTypeError
from lampas.ops import neural, reduce
from lampas.ops._arguments import normalize_dim
from lampas.ops._places import coalesced, listed, merged, picked, summed_up
from lampas.ops.convert import cast, widened

__all__ = ["log_softmax", "softmax", "sum"]

_sum = RECORDS["sum"]


class IntegerError(DTypeError, NotImplementedError):
    """A function of floating numbers got integers."""


def _summed(x: SparseTensor, *, dim: Any, keepdim: bool) -> Tensor:
    """The sum along dimensions; sparse as long as a sparse dimension is left."""
    depth = len(x._places)
    dims = tuple(range(x.ndim)) if dim is None else dim
    inner = tuple(d - depth + 1 for d in dims if d >= depth)
    stored = x._stored
    if inner:
        stored = _sum.call(stored, dim=inner, keepdim=keepdim)
    gone = [d for d in dims if d < depth]
    left = [d for d in range(depth) if d not in gone]
    sizes = x.shape[:depth]
    if not left:
        total = _sum.call(stored, dim=(0,), keepdim=False)
        return total.reshape((1,) * depth + tuple(total.shape)) if keepdim else total  # type: ignore[attr-defined]
    if keepdim:
        places = x._places.copy()
        places[gone] = 0
        sizes = [1 if d in gone else n for d, n in enumerate(sizes)]
    else:
        places, sizes = x._places[left], [sizes[d] for d in left]
    return merged(places, stored, (*sizes, *stored.shape[1:]))


def _tallied(x: SparseTensor, *, dim: Any, keepdim: bool) -> Tensor:
    wide = x.with_values(widened(x._stored, None))
    return _summed(wide, dim=dim, keepdim=keepdim)


RULES["sum"] = _summed
RULES["tally"] = _tallied


def sum(
    input: Tensor,
    dim: int | tuple[int, ...] | list[int] | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Add up elements of a sparse tensor.

    Args:
        input: a sparse tensor.
        dim: the dimensions to sum over; all of them by default.
        dtype: cast the input to this first.

    Returns:
        A sparse tensor, coalesced; a dense one if no sparse dimension is left.
        Gradients go to the listed values.

    Raises:
        RuntimeError: ``input`` is dense, or a dimension is named twice.
        IndexError: ``dim`` is out of range.

    >>> x = lampas.sparse_coo_tensor([[0, 1], [1, 1]], [3.0, 4.0], (2, 2))
    >>> lampas.sparse.sum(x)
    tensor(7.)
    >>> lampas.sparse.sum(x, 0).to_dense()
    tensor([0., 7.])
    """
    x = listed("sum", input)
    if dim is None:
        return reduce.sum(x._stored, dtype=dtype)
    if dtype is not None:
        x = x.with_values(cast(x._stored, dtype))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    return _summed(
        x, dim=reduce.dims_of(tuple(dims), x.ndim) if dims else (), keepdim=False
    )


def _lines(x: SparseTensor, dim: int) -> tuple[Tensor, np.ndarray, int]:
    """The lines along ``dim`` that have values.

    Returns:
        The values less the largest of their line; for each the number of its line; and
        how many there are.
    """
    others = [d for d in range(len(x._places)) if d != dim]
    flat = np.zeros(x._places.shape[1], np.int64)
    if others:
        flat = flat_places(x._places[others], [x.shape[d] for d in others])
    order, starts = runs(flat)
    group = np.empty_like(order)
    sizes = np.diff(starts, append=len(order))
    group[order] = np.repeat(np.arange(len(starts)), sizes)
    values = x._stored.detach()._data
    peaks = np.maximum.reduceat(values[order], starts, axis=0)
    less: Any = x._stored - wrap(peaks[group])  # type: ignore[operator]
    return less, group, len(starts)


def _along(name: str, input: Tensor, dim: int, dtype: Any) -> tuple[Any, int]:
    """The coalesced input, floating, and the dimension counted from the front."""
    x = listed(name, input)
    dim = normalize_dim(dim, x.ndim)
    if dtype is not None:
        x = x.with_values(cast(x._stored, dtype))
    if x.dtype.category < 2:
        raise IntegerError(f"{name}: input must be floating, got {x.dtype}")
    return coalesced(x), dim


def softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Turn the listed values along ``dim`` into probabilities; others stay zero.

    ``y[i] = exp(x[i]) / sum_j exp(x[j])`` over the places ``j`` that are listed.

    Args:
        input: a sparse tensor of scores.
        dim: the dimension whose listed entries will sum to one.
        dtype: cast the input to this first.

    Returns:
        A sparse tensor with the places of ``input``, coalesced.

    Raises:
        RuntimeError: ``input`` is dense or holds integers.
        IndexError: ``dim`` is out of range.

    >>> x = lampas.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3))
    >>> lampas.sparse.softmax(x, 1).to_dense()
    tensor([[0.5000, 0.0000, 0.5000]])
    """
    x, dim = _along("softmax", input, dim, dtype)
    if dim >= len(x._places):
        return x.with_values(neural.softmax(x._stored, dim - len(x._places) + 1))
    if not x._places.shape[1]:
        return x
    less, group, lines = _lines(x, dim)
    weights = less.exp()  # type: ignore[attr-defined]
    return x.with_values(weights / picked(summed_up(weights, group, lines), group))


def log_softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The logarithm of :func:`softmax` at the listed places.

    Args:
        input: a sparse tensor of scores.
        dim: the dimension along which to normalise.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: ``input`` is dense or holds integers.
        IndexError: ``dim`` is out of range.

    >>> x = lampas.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3))
    >>> lampas.sparse.log_softmax(x, 1).values()
    tensor([-0.6931, -0.6931])
    """
    x, dim = _along("log_softmax", input, dim, dtype)
    if dim >= len(x._places):
        return x.with_values(neural.log_softmax(x._stored, dim - len(x._places) + 1))
    if not x._places.shape[1]:
        return x
    less, group, lines = _lines(x, dim)
    totals = summed_up(less.exp(), group, lines).log()  # type: ignore[attr-defined]
    return x.with_values(less - picked(totals, group))  # type: ignore[operator]
