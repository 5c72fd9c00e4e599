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
# Up to this size steps by rows cost less than a call of LAPACK.
_SMALL = 4


def _common_batch(a: Any, b: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])


def substitute(xp: Any, a: Any, b: Any, *, upper: bool, unit: bool) -> Any:
    """Solve ``a @ x = b`` for triangular ``a``; the other triangle is not looked at.

    Args:
        a: (..., n, n). b: (..., n, k); leading dimensions broadcast.
        upper: which triangle of ``a`` counts.
        unit: take ones for the diagonal of ``a``.
    """
    if not upper:
        a, b = a[..., ::-1, ::-1], b[..., ::-1, :]
    n = a.shape[-1]
    x = xp.array(xp.broadcast_to(b, (*_common_batch(a, b), *b.shape[-2:])))
    for stop in range(n, 0, -_BLOCK):
        start = max(stop - _BLOCK, 0)
        rows = x[..., start:stop, :]
        if stop < n:
            rows -= a[..., start:stop, stop:] @ x[..., stop:, :]
        rows[...] = _solve_block(xp, a[..., start:stop, start:stop], rows, unit)
    return x if upper else x[..., ::-1, :]


def _solve_block(xp: Any, a: Any, b: Any, unit: bool) -> Any:
    """Solve for an upper triangle, if it is large by LAPACK, which swaps no rows."""
    n = a.shape[-1]
    if n <= _SMALL:
        return _by_rows(xp, a, b, unit)
    whole = xp.triu(a, int(unit))
    if unit:
        whole += xp.eye(n, dtype=a.dtype)
    try:
        return xp.linalg.solve(whole, b)
    except np.linalg.LinAlgError:
        return _by_rows(xp, a, b, unit)


def _by_rows(xp: Any, a: Any, b: Any, unit: bool) -> Any:
    """Solve for an upper triangle that may have zeros on its diagonal."""
    x, n = xp.array(b), a.shape[-1]
    for i in range(n - 1, -1, -1):
        row = x[..., i : i + 1, :]
        if i + 1 < n:
            row -= a[..., i : i + 1, i + 1 :] @ x[..., i + 1 :, :]
        if not unit:
            row /= a[..., i : i + 1, i, None]
    return x


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
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        for j in range(start, stop):
            pivots[:, j] = _bring_pivot(xp, lu, j) if pivot else j + 1
            _eliminate(xp, lu, j, stop)
        if stop < n:
            rows, block = lu[:, start:stop, stop:], lu[:, start:stop, start:stop]
            rows[...] = substitute(xp, block, rows, upper=False, unit=True)
            lu[:, stop:, stop:] -= lu[:, stop:, start:stop] @ rows
    shape, info = tuple(batch), _first_zero(xp, lu, count)
    return lu.reshape(a.shape), pivots.reshape(*shape, count), info.reshape(shape)


def _first_zero(xp: Any, lu: Any, count: int) -> Any:
    """The first column, from 1, whose pivot is zero; 0 if there is none."""
    missing = xp.zeros((len(lu), count + 1), bool)
    missing[:, 1:] = lu.diagonal(0, -2, -1) == 0
    return xp.argmax(missing, axis=1).astype(np.int32)


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


def _eliminate(xp: Any, lu: Any, j: int, stop: int) -> None:
    """Subtract row ``j`` from those below, within the block's columns."""
    pivot = lu[:, j, j]
    lu[:, j + 1 :, j] /= xp.where(pivot == 0, 1, pivot)[:, None]
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
