"""Sparse tensors in coordinate form: made, read, resized, and made dense."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import get_default_dtype, int64
from lampas.engine.compressed import CompressedTensor
from lampas.engine.record import RECORDS
from lampas.engine.rows import flat_places
from lampas.engine.sparse import LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import Tracer
from lampas.errors import (
    BoundsError,
    DeviceError,
    DTypeError,
    ShapeError,
)
from lampas.ops import sparse_arithmetic, sparse_product, sparse_reduce
from lampas.ops._places import coalesced, coordinates, listed, values_at
from lampas.ops.create import as_tensor

__all__ = ["sparse_coo_tensor", "spdiags"]

# Their rules are what sparse tensors can do.
_ = sparse_arithmetic, sparse_product, sparse_reduce
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


def _in_order(places: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether each place is listed once, in order."""
    flat = flat_places(places, shape)
    return bool((flat[1:] > flat[:-1]).all())


def _empty(size: tuple[int, ...], dtype: Any, device: Any) -> tuple[Any, Tensor]:
    """No places in a shape, and no values."""
    values = as_tensor(np.zeros(0), dtype=dtype or get_default_dtype(), device=device)
    return np.zeros((len(size), 0), np.int64), values


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A tensor with the given values at listed places and zeros elsewhere.

    Values of one place that is listed twice add up. Gradients go to ``values``, or to
    the tensor itself, at the same places. Of a size alone, ``indices`` may be it: a
    tensor without values.

    Args:
        indices: (sparse dimensions, nnz), integers.
        values: (nnz, ...); further dimensions are dense ones of the result.
        size: the shape; by default just large enough.
        dtype, device: of the values.
        requires_grad: whether the result is a leaf that gathers a gradient.
        check_invariants: accepted; places are always checked.
        is_coalesced: whether each place is listed once, in order; True is checked.

    Raises:
        RuntimeError: shapes that do not fit, an index outside of ``size``, or places
            that are not in order though ``is_coalesced``.

    >>> x = lampas.sparse_coo_tensor([[0, 1], [1, 0]], [3.0, 4.0], (2, 2))
    >>> x.to_dense()
    tensor([[0., 3.],
            [4., 0.]])
    """
    if values is None and (indices is None) != (size is None):
        size = tuple(int(n) for n in (indices if size is None else size))
        places, stored = _empty(size, dtype, device)
    else:
        places = _places_of(indices)
        stored = as_tensor(values, dtype=dtype, device=device)
    if stored.device.type != "cpu":
        raise DeviceError(f"sparse_coo_tensor: lives on the CPU, got {stored.device}")
    shape = _inferred(places, stored) if size is None else tuple(int(n) for n in size)
    _check(places, stored, shape)
    if is_coalesced and not _in_order(places, shape):
        raise ShapeError(
            "sparse_coo_tensor: is_coalesced=True needs each place once and in order; "
            "leave it out and call coalesce()"
        )
    if requires_grad:
        stored = stored.detach().requires_grad_()
    elif not stored.requires_grad and not isinstance(stored, Tracer):
        # A history of its own, should requires_grad_() be called.
        stored = stored.detach()
    return sparse_of(places, stored, shape, bool(is_coalesced))


def _coordinates(name: str, x: Tensor) -> SparseTensor:
    """A sparse tensor whose places are coordinates.

    Raises:
        RuntimeError: it is dense or compressed.
    """
    if isinstance(x, CompressedTensor):
        raise LayoutError(
            f"{name}: input must be a sparse tensor in coordinate form, got {x.layout};"
            " call to_sparse() first"
        )
    return listed(name, x)


def _read(name: str, x: Tensor) -> SparseTensor:
    x = listed(name, x)
    if not x.is_distinct:
        raise ShapeError(f"{name}: the tensor is not coalesced; call coalesce() first")
    return x


@method("indices")
def indices(self: Tensor) -> Tensor:
    """The places of a coalesced sparse tensor, (sparse dimensions, nnz)."""
    return wrap(_read("indices", _coordinates("indices", self))._places.copy())


@method("values")
def values(self: Tensor) -> Tensor:
    """The values of a coalesced sparse tensor, (nnz, ...)."""
    return _read("values", self)._stored


@method("_indices")
def _indices(self: Tensor) -> Tensor:
    """The places of a sparse tensor as they are listed."""
    return wrap(listed("_indices", self)._places.copy())


@method("_values")
def _values(self: Tensor) -> Tensor:
    """The values of a sparse tensor as they are listed."""
    return listed("_values", self)._stored


@method("_nnz")
def _nnz(self: Tensor) -> int:
    """How many places a sparse tensor lists."""
    return int(listed("_nnz", self)._places.shape[1])


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
    return listed("is_coalesced", self)._is_coalesced


@method("coalesce")
def coalesce(self: Tensor) -> Tensor:
    """The sparse tensor with each place listed once, in order, and its values added."""
    return coalesced(_coordinates("coalesce", self))


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

    Raises:
        RuntimeError: there are not as many, or a sparse tensor has others.

    >>> lampas.tensor([0.0, 5.0]).to_sparse().indices()
    tensor([[1]])
    """
    if isinstance(self, CompressedTensor):
        self = coordinates(self)
    if isinstance(self, SparseTensor):
        if sparse_dim not in (None, len(self._places)):
            raise LayoutError(
                f"to_sparse: the tensor has {len(self._places)} sparse dimensions, not "
                f"{sparse_dim}; call to_dense() first"
            )
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


@method("sparse_mask")
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements at the places that a sparse tensor lists.

    Args:
        mask: sparse, of the same shape; its values do not matter.

    Returns:
        A sparse tensor with the places of ``mask``; zeros where a sparse ``self`` lists
        nothing.

    Raises:
        RuntimeError: ``mask`` is dense, or shapes differ.

    >>> x = lampas.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.sparse_mask(lampas.eye(2).to_sparse()).values()
    tensor([1., 4.])
    """
    mask = listed("sparse_mask", mask, "mask")
    if self.shape != mask.shape:
        raise ShapeError(
            f"sparse_mask: mask must have the shape {tuple(self.shape)}, got "
            f"{tuple(mask.shape)}"
        )
    if not isinstance(self, SparseTensor):
        return mask.with_values(_take.call(self, index=tuple(mask._places)))
    if len(self._places) != len(mask._places):
        raise ShapeError(
            f"sparse_mask: mask must have {len(self._places)} sparse dimensions, got "
            f"{len(mask._places)}"
        )
    return mask.with_values(values_at(self, mask._places))


def _sizes(name: str, size: Any, sparse_dim: int, dense_dim: int) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in size)
    if len(sizes) != sparse_dim + dense_dim or sparse_dim < 1 or dense_dim < 0:
        raise ShapeError(
            f"{name}: size must have sparse_dim + dense_dim = {sparse_dim + dense_dim} "
            f"entries, got {sizes}"
        )
    return sizes


@method("sparse_resize_")
def sparse_resize_(self: Tensor, size: Any, sparse_dim: int, dense_dim: int) -> Tensor:
    """Take another shape, in place; what is listed stays. Returns the tensor.

    Args:
        size: the new shape.
        sparse_dim, dense_dim: how many of its dimensions are sparse and dense.

    Raises:
        RuntimeError: it is dense, or lists values and would shrink or change the number
            of either dimensions.
    """
    x, name = listed("sparse_resize_", self), "sparse_resize_"
    sizes = _sizes(name, size, sparse_dim, dense_dim)
    if not x._places.shape[1]:
        return sparse_resize_and_clear_(x, size, sparse_dim, dense_dim)
    same = (len(x._places), x.ndim) == (sparse_dim, len(sizes))
    if not same or any(n < old for n, old in zip(sizes, x.shape, strict=True)):
        raise ShapeError(
            f"{name}: a tensor with values keeps its {len(x._places)} sparse and "
            f"{x.dense_dim()} dense dimensions and does not shrink from "  # type: ignore[attr-defined]
            f"{tuple(x.shape)}, got {sizes}; sparse_resize_and_clear_ lets go of them"
        )
    values = x._stored._data
    wide = np.zeros((len(values), *sizes[sparse_dim:]), values.dtype)
    wide[tuple(slice(n) for n in values.shape)] = values
    return x.become(x._places, wrap(wide), sizes, x._is_coalesced)


@method("sparse_resize_and_clear_")
def sparse_resize_and_clear_(
    self: Tensor, size: Any, sparse_dim: int, dense_dim: int
) -> Tensor:
    """Take another shape and let go of all values, in place; returns the tensor.

    Args:
        size: the new shape.
        sparse_dim, dense_dim: how many of its dimensions are sparse and dense.

    Raises:
        RuntimeError: it is dense, or ``size`` has another number of dimensions.
    """
    x = listed("sparse_resize_and_clear_", self)
    sizes = _sizes("sparse_resize_and_clear_", size, sparse_dim, dense_dim)
    values = np.zeros((0, *sizes[sparse_dim:]), x._stored._data.dtype)
    places = np.zeros((sparse_dim, 0), np.int64)
    return x.become(places, wrap(values), sizes, True)


def spdiags(
    diagonals: Tensor, offsets: Tensor, shape: tuple[int, int], layout: Any = None
) -> Tensor:
    """A sparse matrix of given diagonals: ``y[j - offsets[i], j] = diagonals[i, j]``.

    Args:
        diagonals: (d, m), or (m,) for one; entries outside of the matrix are left out.
        offsets: (d,), int64, each once: 0 is the main diagonal, 1 the one above.
        shape: of the matrix.
        layout: ``lampas.sparse_coo``, which is the default.

    Raises:
        RuntimeError: shapes that do not fit, an offset twice, offsets that are not
            int64, or another layout.

    >>> d = lampas.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> lampas.sparse.spdiags(d, lampas.tensor([0, 1]), (2, 2)).to_dense()
    tensor([[1., 4.],
            [0., 2.]])
    """
    name = "spdiags"
    if layout not in (None, "lampas.sparse_coo"):
        raise LayoutError(f"{name}: layout must be lampas.sparse_coo, got {layout}")
    if diagonals.ndim == 1:
        diagonals = diagonals.unsqueeze(0)  # type: ignore[attr-defined]
    if offsets.dtype is not int64:
        raise DTypeError(f"{name}: offsets must be int64, got {offsets.dtype}")
    steps = to_host(offsets._data).reshape(-1)
    if len(shape) != 2 or diagonals.ndim != 2 or len(steps) != diagonals.shape[0]:
        raise ShapeError(
            f"{name}: shape must be of a matrix and offsets one for each diagonal, "
            f"got {tuple(shape)}, diagonals of shape {tuple(diagonals.shape)} and "
            f"{len(steps)} offsets"
        )
    if len(np.unique(steps)) != len(steps):
        raise ShapeError(f"{name}: offsets must differ, got {steps.tolist()}")
    n, m = (int(size) for size in shape)
    columns = np.arange(min(m, diagonals.shape[1]))
    rows = columns - steps[:, None]
    at = np.nonzero((rows >= 0) & (rows < n))
    places = np.stack([rows[at], at[1]])
    return sparse_of(places, _take.call(diagonals, index=at), (n, m))
