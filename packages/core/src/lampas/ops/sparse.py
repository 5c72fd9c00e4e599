"""Sparse tensors in coordinate form: made, read, made dense, and multiplied."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.record import RECORDS
from lampas.engine.rows import flat_places
from lampas.engine.sparse import RULES, LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import Tracer
from lampas.errors import (
    ArgumentTypeError,
    BoundsError,
    DeviceError,
    DTypeError,
    ShapeError,
)
from lampas.ops import matmul, sparse_arithmetic
from lampas.ops.create import as_tensor
from lampas.ops.sparse_product import matrix_product

__all__ = ["sparse_coo_tensor", "spmm"]

_take, _take_add = RECORDS["take"], RECORDS["take_add"]


def _places_of(indices: Any) -> np.ndarray:
    if not isinstance(indices, Tensor):
        indices = as_tensor(indices)
    array = to_host(indices._data)
    if array.size and array.dtype.kind not in "iu":
        raise DTypeError(
            f"sparse_coo_tensor: indices must hold integers, got {indices.dtype}"
        )
    if array.ndim != 2:
        raise ShapeError(
            "sparse_coo_tensor: indices must be (sparse dimensions, nnz), got shape "
            f"{array.shape}"
        )
    # A copy: the checks below hold only for places that nobody else can change.
    return array.astype(np.int64)


def _inferred(places: np.ndarray, values: Tensor) -> tuple[int, ...]:
    if not places.shape[1] and len(places):
        raise ShapeError("sparse_coo_tensor: give size, as there are no indices")
    return (*(int(n) + 1 for n in places.max(axis=1)), *values.shape[1:])


def _check(places: np.ndarray, values: Tensor, shape: tuple[int, ...]) -> None:
    name, (depth, nnz) = "sparse_coo_tensor", places.shape
    if values.ndim == 0 or values.shape[0] != nnz:
        raise ShapeError(
            f"{name}: values must have one entry for each of the {nnz} indices, got "
            f"shape {tuple(values.shape)}"
        )
    if len(shape) < depth or shape[depth:] != tuple(values.shape[1:]):
        raise ShapeError(
            f"{name}: size must have {depth} sparse dimensions and then "
            f"{tuple(values.shape[1:])}, the sizes of values; got {shape}"
        )
    for d in range(depth if nnz else 0):
        low, high = int(places[d].min()), int(places[d].max())
        if low < 0 or high >= shape[d]:
            raise BoundsOfPlace(
                f"{name}: index {low if low < 0 else high} along dimension {d} must "
                f"be in [0, {shape[d] - 1}]"
            )


class BoundsOfPlace(BoundsError, RuntimeError):
    """A place of a sparse tensor is outside of its shape."""


def sparse_coo_tensor(
    indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor with the given values at listed places and zeros elsewhere.

    Values of one place that is listed twice add up. Gradients go to ``values``, or to
    the tensor itself, at the same places.

    Args:
        indices: (sparse dimensions, nnz), integers.
        values: (nnz, ...); further dimensions are dense ones of the result.
        size: the shape; by default just large enough.
        dtype, device: of the values.
        requires_grad: whether the result is a leaf that gathers a gradient.

    Raises:
        RuntimeError: shapes that do not fit, or an index outside of ``size``.

    >>> x = lampas.sparse_coo_tensor([[0, 1], [1, 0]], [3.0, 4.0], (2, 2))
    >>> x.to_dense()
    tensor([[0., 3.],
            [4., 0.]])
    """
    places = _places_of(indices)
    stored = as_tensor(values, dtype=dtype, device=device)
    if stored.device.type != "cpu":
        raise DeviceError(f"sparse_coo_tensor: lives on the CPU, got {stored.device}")
    shape = _inferred(places, stored) if size is None else tuple(int(n) for n in size)
    _check(places, stored, shape)
    if requires_grad:
        stored = stored.detach().requires_grad_()
    elif not stored.requires_grad and not isinstance(stored, Tracer):
        # A history of its own, should requires_grad_() be called.
        stored = stored.detach()
    return sparse_of(places, stored, shape)


def _sparse(name: str, x: Tensor) -> SparseTensor:
    if not isinstance(x, SparseTensor):
        raise LayoutError(f"{name}: expected a sparse tensor, got a dense one")
    return x


def _read(name: str, x: Tensor) -> SparseTensor:
    x = _sparse(name, x)
    if not x._is_coalesced:
        raise ShapeError(f"{name}: the tensor is not coalesced; call coalesce() first")
    return x


@method("indices")
def indices(self: Tensor) -> Tensor:
    """The places of a coalesced sparse tensor, (sparse dimensions, nnz)."""
    return wrap(_read("indices", self)._places.copy())


@method("values")
def values(self: Tensor) -> Tensor:
    """The values of a coalesced sparse tensor, (nnz, ...)."""
    return _read("values", self)._stored


@method("_indices")
def _indices(self: Tensor) -> Tensor:
    """The places of a sparse tensor as they are listed."""
    return wrap(_sparse("_indices", self)._places.copy())


@method("_values")
def _values(self: Tensor) -> Tensor:
    """The values of a sparse tensor as they are listed."""
    return _sparse("_values", self)._stored


@method("_nnz")
def _nnz(self: Tensor) -> int:
    """How many places a sparse tensor lists."""
    return int(_sparse("_nnz", self)._places.shape[1])


@method("sparse_dim")
def sparse_dim(self: Tensor) -> int:
    """The number of dimensions that the places index; 0 of a dense tensor."""
    return len(self._places) if isinstance(self, SparseTensor) else 0


@method("dense_dim")
def dense_dim(self: Tensor) -> int:
    """The number of dimensions of each value; all of a dense tensor's."""
    return self.ndim - sparse_dim(self)


@method("is_coalesced")
def is_coalesced(self: Tensor) -> bool:
    """Whether a sparse tensor lists each place once, in order."""
    return _sparse("is_coalesced", self)._is_coalesced


@method("coalesce")
def coalesce(self: Tensor) -> Tensor:
    """The sparse tensor with each place listed once, in order, and its values added."""
    x = _sparse("coalesce", self)
    if x._is_coalesced:
        return x
    flat = flat_places(x._places, x.shape)
    _, first, run = np.unique(flat, return_index=True, return_inverse=True)
    shape = (len(first), *x._stored.shape[1:])
    stored = _take_add.call(x._stored, shape=shape, index=(run,))
    return sparse_of(x._places[:, first], stored, tuple(x.shape), True)


@method("to_dense")
def to_dense(
    self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None
) -> Tensor:
    """The tensor with all its elements; a dense one is returned as it is.

    Args:
        dtype: cast to this.
        masked_grad: accepted; gradients have the places of the sparse tensor.
    """
    result = self
    if isinstance(self, SparseTensor):
        index = tuple(self._places)
        result = _take_add.call(self._stored, shape=tuple(self.shape), index=index)
    return result if dtype is None else result.to(dtype)  # type: ignore[attr-defined]


@method("to_sparse")
def to_sparse(self: Tensor, sparse_dim: int | None = None) -> Tensor:
    """The elements that are not zero, in coordinate form.

    Args:
        sparse_dim: how many leading dimensions the places index; all by default.

    >>> lampas.tensor([0.0, 5.0]).to_sparse().indices()
    tensor([[1]])
    """
    if isinstance(self, SparseTensor):
        return self
    depth = self.ndim if sparse_dim is None else sparse_dim
    if not 0 < depth <= self.ndim:
        raise ShapeError(
            f"to_sparse: sparse_dim must be in [1, {self.ndim}], got {depth}"
        )
    array = to_host(self._data)
    filled = (array != 0).any(axis=tuple(range(depth, array.ndim)))
    places = np.stack(np.nonzero(filled)).astype(np.int64)
    stored = _take.call(self, index=tuple(places))
    return sparse_of(places, stored, tuple(self.shape), True)


# ---- products


def _times(x: Tensor, other: Tensor) -> Tensor:
    """``x @ other`` where at least one of the two matrices is sparse."""
    if not isinstance(x, SparseTensor):
        return _times(other.t(), x.t()).t()  # type: ignore[attr-defined]
    if isinstance(other, SparseTensor) or len(x._places) != 2 or other.ndim != 2:
        raise LayoutError(
            "matmul: a product takes one sparse and one dense matrix; call to_dense() "
            "on the other"
        )
    if x.dtype is not other.dtype:
        raise DTypeError(
            f"matmul: both must have one dtype, got {x.dtype} and {other.dtype}"
        )
    return matrix_product(x._stored, other, x.pattern())


def mm(sparse: Tensor, dense: Tensor) -> Tensor:
    """Product of a sparse matrix and a dense one, or of a dense and a sparse one.

    Args:
        sparse: (n, k).
        dense: (k, m), of the same dtype.

    Returns:
        The dense product, (n, m). The gradient of a sparse matrix has its places.

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


RULES["matmul"] = _times

_ = sparse_arithmetic
