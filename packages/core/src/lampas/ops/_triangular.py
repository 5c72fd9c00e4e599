"""Substitution and LU decomposition on arrays, for batches of matrices.

NumPy gives neither. The loops run over the rows or columns of blocks, each step on the
whole batch at once; what lies between blocks is left to matrix products.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["factor_lu", "order_of", "solve_factored", "substitute"]

# Rows or columns of a block: a step costs some microseconds whatever its size.
_BLOCK = 32


def _common_batch(a: Any, b: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])


def substitute(xp: Any, a: Any, b: Any, *, upper: bool, unit: bool) -> Any:
    """Solve ``a @ x = b`` for triangular ``a``; the other triangle is not looked at.

    Args:
        a: (..., n, n). b: (..., n, k); leading dimensions broadcast.
        upper: which triangle of ``a`` counts.
        unit: take ones for the diagonal of ``a``.
    """
    if upper:
        a, b = a[..., ::-1, ::-1], b[..., ::-1, :]
    n = a.shape[-1]
    x = xp.array(xp.broadcast_to(b, (*_common_batch(a, b), *b.shape[-2:])))
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        if start:
            x[..., start:stop, :] -= a[..., start:stop, :start] @ x[..., :start, :]
        for i in range(start, stop):
            if i > start:
                x[..., i : i + 1, :] -= a[..., i : i + 1, start:i] @ x[..., start:i, :]
            if not unit:
                x[..., i, :] /= a[..., i, i, None]
    return x[..., ::-1, :] if upper else x


def factor_lu(xp: Any, a: Any, *, pivot: bool) -> tuple[Any, Any, Any]:
    """Gaussian elimination: unit lower ``L`` and upper ``U`` in one matrix.

    Args:
        a: (..., m, n).
        pivot: bring the largest entry of a column to the diagonal.

    Returns:
        ``L`` below and ``U`` on and above the diagonal; for each column the row, from
        1, that was swapped with it; and the first column, from 1, without a pivot, or
        0 if there is none.
    """
    *batch, m, n = a.shape
    lu = xp.array(a).reshape(math.prod(batch), m, n)
    count = min(m, n)
    pivots = xp.empty((len(lu), count), np.int32)
    info = xp.zeros(len(lu), np.int32)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        for j in range(start, stop):
            pivots[:, j] = _bring_pivot(xp, lu, j) if pivot else j + 1
            _eliminate(xp, lu, j, stop, info)
        if stop < n:
            rows, block = lu[:, start:stop, stop:], lu[:, start:stop, start:stop]
            rows[...] = substitute(xp, block, rows, upper=False, unit=True)
            lu[:, stop:, stop:] -= lu[:, stop:, start:stop] @ rows
    shape = tuple(batch)
    return lu.reshape(a.shape), pivots.reshape(*shape, count), info.reshape(shape)


def _magnitude(xp: Any, x: Any) -> Any:
    """What LAPACK compares pivots by."""
    return abs(x.real) + abs(x.imag) if x.dtype.kind == "c" else abs(x)


def _bring_pivot(xp: Any, lu: Any, j: int) -> Any:
    """Swap each matrix's row ``j`` with its pivot's; the pivots' rows, from 1."""
    every = xp.arange(len(lu))
    found = xp.argmax(_magnitude(xp, lu[:, j:, j]), axis=1) + j
    row = lu[every, found]
    lu[every, found] = lu[:, j]
    lu[:, j] = row
    return found + 1


def _eliminate(xp: Any, lu: Any, j: int, stop: int, info: Any) -> None:
    """Subtract row ``j`` from those below, within the block's columns."""
    pivot = lu[:, j, j]
    missing = pivot == 0
    info[...] = xp.where(missing & (info == 0), j + 1, info)
    lu[:, j + 1 :, j] /= xp.where(missing, 1, pivot)[:, None]
    factors, row = lu[:, j + 1 :, j, None], lu[:, j, None, j + 1 : stop]
    lu[:, j + 1 :, j + 1 : stop] -= factors * row


def order_of(xp: Any, pivots: Any, rows: int) -> Any:
    """The order into which swaps bring rows: row ``i`` of the result was ``order[i]``.

    Args:
        pivots: (..., k), from 1.
        rows: how many rows there are.
    """
    *batch, count = pivots.shape
    swaps = pivots.reshape(math.prod(batch), count).astype(np.int64) - 1
    every = xp.arange(len(swaps))
    order = xp.array(xp.broadcast_to(xp.arange(rows), (len(swaps), rows)))
    for j in range(count):
        other = swaps[:, j]
        value = order[every, other]
        order[every, other] = order[:, j]
        order[:, j] = value
    return order.reshape(*batch, rows)


def solve_factored(xp: Any, lu: Any, pivots: Any, b: Any) -> Any:
    """Solve ``a @ x = b`` from the LU decomposition of ``a``."""
    order = order_of(xp, pivots, lu.shape[-1])
    b = xp.broadcast_to(b, (*_common_batch(lu, b), *b.shape[-2:]))
    order = xp.broadcast_to(order[..., None], b.shape)
    y = xp.take_along_axis(b, order, -2)
    y = substitute(xp, lu, y, upper=False, unit=True)
    return substitute(xp, lu, y, upper=True, unit=False)
