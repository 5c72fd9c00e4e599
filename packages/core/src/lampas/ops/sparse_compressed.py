"""Compressed sparse matrices, CSR and CSC: made, read, and turned into one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import int32, int64
from lampas.engine.compressed import CompressedTensor, compressed_of, starts_of
from lampas.engine.sparse import LayoutError, SparseTensor
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import Tracer
from lampas.errors import BoundsError, DeviceError, DTypeError, ShapeError
from lampas.ops._places import compressed
from lampas.ops.create import as_tensor
from lampas.ops.sparse import to_sparse

__all__ = ["sparse_compressed_tensor", "sparse_csc_tensor", "sparse_csr_tensor"]

_LAYOUTS = {"lampas.sparse_csr": 0, "lampas.sparse_csc": 1}
_ROWS = ("crow_indices", "col_indices"), ("ccol_indices", "row_indices")


class PlaceError(BoundsError, RuntimeError):
    """An index of a compressed matrix is outside of its shape."""


def _integers(name: str, argument: str, given: Any) -> np.ndarray:
    given = given if isinstance(given, Tensor) else as_tensor(given)
    if given.dtype not in (int64, int32) and given.numel():
        raise DTypeError(
            f"{name}: {argument} must hold int64 or int32, got {given.dtype}"
        )
    if given.ndim != 1:
        raise ShapeError(
            f"{name}: {argument} must have one dimension, got {tuple(given.shape)}; "
            "batches of matrices are not taken"
        )
    # A copy: the checks hold only for what nobody else can change.
    return to_host(given._data).astype(np.int64)


def _check(
    name: str, starts: np.ndarray, others: np.ndarray, shape: Any, along: int
) -> None:
    of_starts, of_others = _ROWS[along]
    count, size = len(others), shape[1 - along]
    if len(starts) != shape[along] + 1:
        raise ShapeError(
            f"{name}: {of_starts} must have {shape[along] + 1} entries for the size "
            f"{shape}, got {len(starts)}"
        )
    if starts[0] != 0 or starts[-1] != count:
        raise ShapeError(
            f"{name}: {of_starts} must begin with 0 and end with {count}, the number "
            f"of values; got {starts[0]} and {starts[-1]}"
        )
    if (np.diff(starts) < 0).any():
        raise ShapeError(f"{name}: {of_starts} must not decrease")
    if count and not (0 <= others.min() and others.max() < size):
        bad = others.min() if others.min() < 0 else others.max()
        raise PlaceError(
            f"{name}: {of_others} must be in [0, {size - 1}], got {int(bad)}"
        )
    rises = np.diff(others) > 0
    borders = starts[1:-1]
    rises[borders[(borders > 0) & (borders < count)] - 1] = True
    if not rises.all():
        raise ShapeError(
            f"{name}: {of_others} must be sorted and distinct within each "
            f"{'row' if along == 0 else 'column'}"
        )


def _made(
    name: str,
    along: int,
    starts: Any,
    others: Any,
    values: Any,
    size: Any,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    of_starts, of_others = _ROWS[along]
    starts = _integers(name, of_starts, starts)
    others = _integers(name, of_others, others)
    stored = as_tensor(values, dtype=dtype, device=device)
    if stored.device.type != "cpu":
        raise DeviceError(f"{name}: lives on the CPU, got {stored.device}")
    if tuple(stored.shape) != (len(others),) or not len(starts):
        raise ShapeError(
            f"{name}: values must be one for each of the {len(others)} {of_others}, "
            f"and {of_starts} not empty; got values of shape {tuple(stored.shape)}"
        )
    if size is None:
        sizes = [len(starts) - 1, int(others.max(initial=-1)) + 1]
        shape = tuple(sizes if along == 0 else sizes[::-1])
    else:
        shape = tuple(int(n) for n in size)
    if len(shape) != 2 or min(shape) < 0:
        raise ShapeError(f"{name}: size must be of a matrix, got {shape}")
    _check(name, starts, others, shape, along)
    if requires_grad:
        stored = stored.detach().requires_grad_()
    elif not stored.requires_grad and not isinstance(stored, Tracer):
        stored = stored.detach()
    lines = np.repeat(np.arange(shape[along]), np.diff(starts))
    places = np.stack([lines, others] if along == 0 else [others, lines])
    return compressed_of(places, stored, shape, along)


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A sparse matrix by rows: row ``i`` has ``values[crow[i]:crow[i + 1]]``.

    Args:
        crow_indices: (rows + 1,), int64 or int32: where each row begins, and the end.
        col_indices: (nnz,): the column of each value, rising within a row.
        values: (nnz,).
        size: (rows, columns); by default just large enough.
        dtype, device: of the values.
        requires_grad: whether the result is a leaf that gathers a gradient.
        check_invariants: accepted; indices are always checked.

    Raises:
        RuntimeError: shapes that do not fit, or indices that are out of range, out of
            order or repeated.

    >>> x = lampas.sparse_csr_tensor([0, 1, 2], [1, 0], [3.0, 4.0])
    >>> x.to_dense()
    tensor([[0., 3.],
            [4., 0.]])
    """
    given = crow_indices, col_indices, values, size, dtype, device, requires_grad
    return _made("sparse_csr_tensor", 0, *given)


def sparse_csc_tensor(
    ccol_indices: Any,
    row_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A sparse matrix by columns: see :func:`sparse_csr_tensor`.

    Args:
        ccol_indices: (columns + 1,): where each column begins, and the end.
        row_indices: (nnz,): the row of each value, rising within a column.
        values: (nnz,).
        size: (rows, columns); by default just large enough.
        dtype, device: of the values.
        requires_grad: whether the result is a leaf that gathers a gradient.
        check_invariants: accepted; indices are always checked.

    Raises:
        RuntimeError: shapes that do not fit, or indices that are out of range, out of
            order or repeated.

    >>> lampas.sparse_csc_tensor([0, 1, 2], [1, 0], [3.0, 4.0]).to_dense()
    tensor([[0., 4.],
            [3., 0.]])
    """
    given = ccol_indices, row_indices, values, size, dtype, device, requires_grad
    return _made("sparse_csc_tensor", 1, *given)


def sparse_compressed_tensor(
    compressed_indices: Any,
    plain_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A matrix of one of the compressed layouts; see :func:`sparse_csr_tensor`.

    Args:
        compressed_indices: where each row (or column) begins, and the end.
        plain_indices: the column (or row) of each value.
        values: (nnz,).
        size: (rows, columns); by default just large enough.
        layout: ``lampas.sparse_csr`` or ``lampas.sparse_csc``.
        dtype, device: of the values.
        requires_grad: whether the result is a leaf that gathers a gradient.
        check_invariants: accepted; indices are always checked.

    Raises:
        RuntimeError: as for ``sparse_csr_tensor``; or another layout.

    >>> lampas.sparse_compressed_tensor(
    ...     [0, 1], [0], [2.0], layout=lampas.sparse_csr
    ... ).to_dense()
    tensor([[2.]])
    """
    name = "sparse_compressed_tensor"
    if layout not in _LAYOUTS:
        raise LayoutError(
            f"{name}: layout must be lampas.sparse_csr or lampas.sparse_csc, got "
            f"{layout}"
        )
    given = compressed_indices, plain_indices, values, size
    return _made(name, _LAYOUTS[layout], *given, dtype, device, requires_grad)


def _converted(name: str, x: Tensor, along: int) -> Tensor:
    if isinstance(x, CompressedTensor) and x._along == along:
        return x
    if x.ndim != 2:
        raise ShapeError(f"{name}: the tensor must be a matrix, got {tuple(x.shape)}")
    listed: Any = x if isinstance(x, SparseTensor) else to_sparse(x)
    if len(listed._places) != 2:
        raise LayoutError(f"{name}: both dimensions must be sparse")
    return compressed(listed, along)


@method("to_sparse_csr")
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The matrix with its rows compressed; itself if it is so.

    Args:
        dense_dim: accepted if None or 0.

    Raises:
        RuntimeError: it is no matrix, or has dense dimensions.

    >>> lampas.eye(2).to_sparse_csr().crow_indices()
    tensor([0, 1, 2])
    """
    _refuse_dense("to_sparse_csr", dense_dim)
    return _converted("to_sparse_csr", self, 0)


@method("to_sparse_csc")
def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The matrix with its columns compressed; itself if it is so.

    Args:
        dense_dim: accepted if None or 0.

    Raises:
        RuntimeError: it is no matrix, or has dense dimensions.

    >>> lampas.eye(2).to_sparse_csc().ccol_indices()
    tensor([0, 1, 2])
    """
    _refuse_dense("to_sparse_csc", dense_dim)
    return _converted("to_sparse_csc", self, 1)


def _refuse_dense(name: str, dense_dim: int | None) -> None:
    if dense_dim not in (None, 0):
        raise LayoutError(f"{name}: dense_dim must be None or 0, got {dense_dim}")


@method("to_sparse_coo")
def to_sparse_coo(self: Tensor) -> Tensor:
    """The tensor in coordinate form, coalesced if it was dense or compressed."""
    return to_sparse(self)


def _compressed(name: str, x: Tensor, along: int) -> CompressedTensor:
    if not isinstance(x, CompressedTensor) or x._along != along:
        layout = list(_LAYOUTS)[along]
        raise LayoutError(f"{name}: input must be of layout {layout}, got {x.layout}")
    return x


@method("crow_indices")
def crow_indices(self: Tensor) -> Tensor:
    """Where each row of a CSR matrix begins, and the end: (rows + 1,), int64."""
    return wrap(starts_of(_compressed("crow_indices", self, 0)))


@method("col_indices")
def col_indices(self: Tensor) -> Tensor:
    """The column of each value of a CSR matrix, (nnz,), int64."""
    return wrap(_compressed("col_indices", self, 0)._places[1].copy())


@method("ccol_indices")
def ccol_indices(self: Tensor) -> Tensor:
    """Where each column of a CSC matrix begins, and the end: (columns + 1,), int64."""
    return wrap(starts_of(_compressed("ccol_indices", self, 1)))


@method("row_indices")
def row_indices(self: Tensor) -> Tensor:
    """The row of each value of a CSC matrix, (nnz,), int64."""
    return wrap(_compressed("row_indices", self, 1)._places[0].copy())
