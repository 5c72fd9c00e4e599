"""Products of a sparse and a dense matrix, and the transpose of that by the values."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.infer import Spec
from lampas.engine.pattern import Pattern
from lampas.engine.record import BILINEAR, DECLINE, op
from lampas.engine.tensor import Tensor

__all__ = ["matrix_product", "row_products"]

_BYTES = 1 << 20
"""Of gathered rows at a time: as many as stay in a core's cache."""

_spmm = op(
    "spmm",
    kind=BILINEAR,
    saves="values?1 dense?0",
    fresh=True,
    infer=lambda specs, places: Spec(
        (places.shape[0], specs[1].shape[1]), specs[1].dtype
    ),
)
"""``y[i] = sum of values[p] * dense[columns[p]] over the places p of row i``."""

_spdot = op(
    "spdot",
    kind=BILINEAR,
    saves="left?1 right?0",
    fresh=True,
    infer=lambda specs, places: Spec((len(places.rows),), specs[0].dtype),
)
"""``y[p] = left[rows[p]] . right[columns[p]]``: some elements of a product."""


def _gathered(xp: Any, table: Any, index: Any, space: Any) -> Any:
    """Rows of a table, in ``space`` if it is large enough."""
    if xp is not np:
        return xp.take(table, index, axis=0)
    # Every index is known to be within: clipping only spares NumPy its own buffer.
    return np.take(table, index, axis=0, out=space[: len(index)], mode="clip")


def _space(xp: Any, places: Pattern, table: Any) -> tuple[Any, int, Any]:
    """The table to gather from, how many rows at a time, and memory for as many."""
    width, dtype = table.shape[1], table.dtype
    limit = max(1, _BYTES // max(1, width * dtype.itemsize))
    space = xp.empty((min(limit, len(places.rows)), width), dtype)
    # take() would copy any other table at each call.
    return xp.ascontiguousarray(table), limit, space


@_spmm.forward
def spmm_forward(xp: Any, values: Any, dense: Any, *, places: Pattern) -> Any:
    listed, columns, _, place = (xp.asarray(a) for a in places.order())
    values, width = values[listed], dense.shape[1]
    sums = xp.zeros((places.shape[0], width), dense.dtype)
    dense, limit, space = _space(xp, places, dense)
    for batch in places.batches(limit):
        base = batch[0].start
        rows = _gathered(xp, dense, columns[base : batch[-1].stop], space)
        for part in batch:
            count = part.last - part.first
            size = (part.stop - part.start) // count
            some = rows[part.start - base : part.stop - base]
            some = some.reshape(count, size, width)
            factors = values[part.start : part.stop].reshape(count, 1, size)
            target = sums[part.first : part.last].reshape(count, 1, width)
            if part.begins:
                xp.matmul(factors, some, out=target)
            else:
                target += xp.matmul(factors, some)
    return sums[place]


@_spmm.vjp
def spmm_vjp(
    F: Any, g: Any, values: Any, dense: Any, *, need: Any, places: Pattern
) -> Any:
    return (
        F.spdot(g, F.conj(dense), places=places) if need[0] else None,
        F.spmm(F.conj(values), g, places=places.turned) if need[1] else None,
    )


@_spmm.batch
def spmm_batch(
    F: Any, size: int, batched: Any, /, values: Any, dense: Any, *, places: Pattern
) -> Any:
    if batched[0]:
        return DECLINE
    count, width = dense.shape[1:]
    wide = F.reshape(F.permute(dense, dims=(1, 0, 2)), shape=(count, size * width))
    sums = F.spmm(values, wide, places=places)
    sums = F.reshape(sums, shape=(places.shape[0], size, width))
    return F.permute(sums, dims=(1, 0, 2))


@_spdot.forward
def spdot_forward(xp: Any, left: Any, right: Any, *, places: Pattern) -> Any:
    listed, columns, by_count, _ = (xp.asarray(a) for a in places.order())
    width = right.shape[1]
    ordered = xp.empty(len(listed), right.dtype)
    right, limit, space = _space(xp, places, right)
    for batch in places.batches(limit):
        base = batch[0].start
        rows = _gathered(xp, right, columns[base : batch[-1].stop], space)
        for part in batch:
            count = part.last - part.first
            size = (part.stop - part.start) // count
            some = rows[part.start - base : part.stop - base]
            some = some.reshape(count, size, width)
            factors = left[by_count[part.first : part.last], :, None]
            target = ordered[part.start : part.stop].reshape(count, size, 1)
            xp.matmul(some, factors, out=target)
    result = xp.empty_like(ordered)
    result[listed] = ordered
    return result


@_spdot.vjp
def spdot_vjp(
    F: Any, g: Any, left: Any, right: Any, *, need: Any, places: Pattern
) -> Any:
    return (
        F.spmm(g, F.conj(right), places=places) if need[0] else None,
        F.spmm(g, F.conj(left), places=places.turned) if need[1] else None,
    )


def matrix_product(values: Tensor, dense: Tensor, places: Pattern) -> Tensor:
    """The product of the matrix of ``values`` at ``places`` and a dense one, (n, m)."""
    return _spmm.call(values, dense, places=places)


def row_products(left: Tensor, right: Tensor, places: Pattern) -> Tensor:
    """``left @ right.T`` at the places, (nnz,)."""
    return _spdot.call(left, right, places=places)
