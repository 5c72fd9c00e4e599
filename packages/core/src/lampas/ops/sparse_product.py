"""Products of sparse matrices with dense and with sparse ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.infer import Spec
from lampas.engine.pattern import Pattern
from lampas.engine.record import BILINEAR, DECLINE, op
from lampas.engine.sparse import RULES, LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, DTypeError, ShapeError
from lampas.ops import matmul
from lampas.ops._places import coalesced, listed, merged, picked

__all__ = ["addmm", "hspmm", "mm", "smm", "spmm", "sspaddmm"]

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


# ---- functions


def _check(name: str, x: SparseTensor, other: Tensor) -> None:
    if len(x._places) != 2 or x.ndim != 2 or other.ndim != 2:
        raise LayoutError(
            f"{name}: both must be matrices, the sparse one without dense dimensions; "
            f"got {tuple(x.shape)} and {tuple(other.shape)}"
        )
    if x.shape[1] != other.shape[0]:
        raise ShapeError(
            f"{name}: inner sizes must be equal, got {tuple(x.shape)} and "
            f"{tuple(other.shape)}"
        )
    if x.dtype is not other.dtype:
        raise DTypeError(
            f"{name}: both must have one dtype, got {x.dtype} and {other.dtype}"
        )


def _times(x: Tensor, other: Tensor) -> Tensor:
    """``x @ other`` where at least one of the two matrices is sparse."""
    if not isinstance(x, SparseTensor):
        return _times(other.t(), x.t()).t()  # type: ignore[attr-defined]
    _check("matmul", x, other)
    if isinstance(other, SparseTensor):
        return _times_sparse(x, other)
    return _spmm.call(x._stored, other, places=x.pattern())


def _times_sparse(x: SparseTensor, other: SparseTensor) -> SparseTensor:
    """Each value meets those of the row of ``other`` that its column names."""
    if len(other._places) != 2:
        raise LayoutError("matmul: a sparse operand must have no dense dimensions")
    other = coalesced(other)
    (rows, columns), (their_rows, their_columns) = x._places, other._places
    borders = np.searchsorted(their_rows, np.arange(other.shape[0] + 1))
    counts = np.diff(borders)[columns]
    ours = np.repeat(np.arange(len(rows)), counts)
    # Where the first of them stands, and how many have been met since.
    theirs = np.repeat(borders[columns] - np.cumsum(counts) + counts, counts)
    theirs += np.arange(len(ours))
    parts = picked(x._stored, ours) * picked(other._stored, theirs)  # type: ignore[operator]
    places = np.stack([rows[ours], their_columns[theirs]])
    return merged(places, parts, (x.shape[0], other.shape[1]))


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x @ weight.T + bias``: a layer's input, or its weight, may be sparse."""
    product = _times(x, weight.t())  # type: ignore[attr-defined]
    return product if bias is None else product + bias  # type: ignore[operator]


RULES.update(matmul=_times, linear=_affine, linear_bias=_affine)


def mm(sparse: Tensor, dense: Tensor) -> Tensor:
    """Product of two matrices of which at least one is sparse.

    Args:
        sparse: (n, k); it may also be the dense one.
        dense: (k, m), of the same dtype; it may be sparse too.

    Returns:
        The product, (n, m): sparse if both are, else dense. The gradient of a sparse
        matrix has its places.

    Raises:
        RuntimeError: not matrices, or sizes or dtypes differ.

    >>> x = lampas.sparse_coo_tensor([[0], [1]], [2.0], (2, 2))
    >>> lampas.sparse.mm(x, lampas.ones(2, 1))
    tensor([[2.],
            [0.]])
    """
    for name, value in (("sparse", sparse), ("dense", dense)):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"mm: {name} must be a Tensor, got {type(value).__name__}"
            )
    return matmul.mm(sparse, dense)


def spmm(mat: Tensor, mat2: Tensor) -> Tensor:
    """``lampas.sparse.mm`` under its older name.

    >>> lampas.spmm(lampas.eye(2).to_sparse(), lampas.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    return mm(mat, mat2)


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1.0, alpha: float = 1.0
) -> Tensor:
    """A product added to a dense matrix: ``y = beta * input + alpha * mat1 @ mat2``.

    Args:
        input: dense, broadcasts to (n, m).
        mat1: (n, k), sparse or dense.
        mat2: (k, m), dense.
        beta, alpha: factors; with ``beta=0``, ``input`` is not looked at.

    Raises:
        RuntimeError: ``input`` or ``mat2`` is sparse, or sizes do not fit.

    >>> x = lampas.sparse_coo_tensor([[0], [1]], [2.0], (2, 2))
    >>> lampas.sparse.addmm(lampas.ones(2, 1), x, lampas.ones(2, 1))
    tensor([[3.],
            [1.]])
    """
    for name, value in (("input", input), ("mat2", mat2)):
        if isinstance(value, SparseTensor):
            raise LayoutError(f"addmm: {name} must be dense, got {value.layout}")
    return matmul.addmm(input, mat1, mat2, beta=beta, alpha=alpha)


def _filled_rows(name: str, x: Tensor, dense: Tensor) -> tuple[Any, Tensor]:
    """The rows of a product in which there is a value, and these rows of it."""
    x = listed(name, x, "mat1")
    _check(name, x, dense)
    if isinstance(dense, SparseTensor):
        raise LayoutError(f"{name}: mat2 must be dense, got {dense.layout}")
    rows, place = np.unique(x._places[0], return_inverse=True)
    pattern = Pattern(place, x._places[1], (len(rows), x.shape[1]))
    return rows, _spmm.call(x._stored, dense, places=pattern)


def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """A product that lists only the rows in which there is a value.

    Args:
        mat1: (n, k), sparse.
        mat2: (k, m), dense.

    Returns:
        (n, m), with one sparse and one dense dimension.

    Raises:
        RuntimeError: other layouts, or sizes or dtypes differ.

    >>> x = lampas.sparse_coo_tensor([[1], [0]], [2.0], (3, 2))
    >>> lampas.hspmm(x, lampas.ones(2, 2)).indices()
    tensor([[1]])
    """
    rows, product = _filled_rows("hspmm", mat1, mat2)
    return sparse_of(rows[None], product, (mat1.shape[0], mat2.shape[1]), True)


@method()
def smm(input: Tensor, mat2: Tensor) -> Tensor:
    """A product that lists each element of the rows in which there is a value.

    Args:
        input: (n, k), sparse.
        mat2: (k, m), dense.

    Raises:
        RuntimeError: other layouts, or sizes or dtypes differ.

    >>> x = lampas.sparse_coo_tensor([[1], [0]], [2.0], (3, 2))
    >>> lampas.smm(x, lampas.ones(2, 2)).values()
    tensor([2., 2.])
    """
    rows, product = _filled_rows("smm", input, mat2)
    width = mat2.shape[1]
    places = np.stack([np.repeat(rows, width), np.tile(np.arange(width), len(rows))])
    return sparse_of(places, product.reshape(-1), (input.shape[0], width), True)  # type: ignore[attr-defined]


@method()
def sspaddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """``y = beta * input + alpha * smm(mat1, mat2)``, all of ``input`` sparse.

    Args:
        input: (n, m), sparse.
        mat1: (n, k), sparse.
        mat2: (k, m), dense.
        beta, alpha: factors.

    Raises:
        RuntimeError: other layouts, or sizes or dtypes differ.

    >>> x = lampas.eye(2).to_sparse()
    >>> lampas.sspaddmm(x, x, lampas.ones(2, 2), beta=2).to_dense()
    tensor([[3., 1.],
            [1., 3.]])
    """
    product = smm(mat1, mat2) * alpha  # type: ignore[operator]
    return listed("sspaddmm", input) * beta + product  # type: ignore[operator]
