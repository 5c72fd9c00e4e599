"""Norms of matrices, and their condition."""

from __future__ import annotations

import math

from lampas.dtypes import DType
from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops._linalg import need_matrices, need_square
from lampas.ops.choose import where
from lampas.ops.extremes import amax, amin
from lampas.ops.norms import as_floats, vector_norm
from lampas.ops.solve import inv_ex
from lampas.ops.spectral import svdvals

__all__ = ["cond", "matrix_norm", "norm"]

_ORDERS = (1, -1, 2, -2, math.inf, -math.inf, "fro", "nuc")


def _plane(A: Tensor, dim: tuple[int, int]) -> tuple[int, int]:
    """The two dimensions of the matrices, counted from the front."""
    if A._data.ndim < 2:
        raise ShapeError(
            f"matrix_norm: A must have at least two dimensions, got {tuple(A.shape)}"
        )
    if isinstance(dim, int) or len(dim) != 2:
        raise ShapeError(f"matrix_norm: dim must be two dimensions, got {dim}")
    rows, columns = (normalize_dim(d, A._data.ndim) for d in dim)
    if rows == columns:
        raise ShapeError(
            f"matrix_norm: dim must be two different dimensions, got {dim}"
        )
    return rows, columns


def _spectral(A: Tensor, ord: float | str, rows: int, columns: int) -> Tensor:
    """A norm made of singular values."""
    values = svdvals(A.movedim((rows, columns), (-2, -1)))
    if ord == "nuc":
        return values.sum(-1, keepdim=True)
    return _extreme(values, -1, ord == 2)


def _extreme(x: Tensor, dim: int, largest: bool) -> Tensor:
    """The largest entry along a dimension, 0 of none; or the smallest one."""
    if not largest:
        return amin(x, dim, keepdim=True)
    if x._data.shape[dim] == 0:
        return x.sum(dim, keepdim=True)
    return amax(x, dim, keepdim=True)


def _order_of(name: str, ord: float | str) -> float | str:
    if ord not in _ORDERS:
        raise ShapeError(
            f"{name}: ord must be one of {', '.join(map(str, _ORDERS))}, got {ord!r}"
        )
    return ord


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """A norm of matrices.

    Args:
        A: (..., m, n), floating or complex.
        ord: ``"fro"`` takes the elements as a vector; ``"nuc"`` adds the singular
            values, 2 and -2 take the largest and smallest; 1 and -1 take the largest
            and smallest sum of a column's sizes, ``inf`` and ``-inf`` of a row's.
        dim: the dimensions of the matrices.
        keepdim: keep them with size 1.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: fewer than two dimensions, an integer input, or an order that
            matrices don't have.

    >>> lampas.linalg.matrix_norm(lampas.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc")
    tensor(7.)
    """
    rows, columns = _plane(A, dim)
    _order_of("matrix_norm", ord)
    A = as_floats("matrix_norm", A, dtype)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        result = _spectral(A, ord, rows, columns)
    else:
        summed, ranked = (rows, columns) if abs(float(ord)) == 1 else (columns, rows)
        sums = vector_norm(A, 1, summed, keepdim=True)
        result = _extreme(sums, ranked, float(ord) > 0)
    kept = enumerate(A._data.shape)
    if keepdim:
        return result.reshape([1 if d in (rows, columns) else s for d, s in kept])
    return result.reshape([s for d, s in kept if d not in (rows, columns)])


def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The norm of vectors or matrices, by the number of dimensions reduced.

    Args:
        A: any shape, floating or complex.
        ord: the order, as for :func:`vector_norm` or :func:`matrix_norm`; None takes
            the elements as one vector and gives its length.
        dim: one dimension for vectors, two for matrices. By default all elements if
            ``ord`` is None, else those of the vector or matrix that ``A`` is.
        keepdim: keep reduced dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: an integer input, an order that there is not, or ``ord`` without
            ``dim`` for more than two dimensions.

    >>> lampas.linalg.norm(lampas.tensor([[3.0, 0.0], [0.0, 4.0]]), 1)
    tensor(4.)
    """
    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2):
        raise ShapeError(f"norm: dim must be one or two dimensions, got {dim}")
    ndim = A._data.ndim
    if dim is None and ord is not None and ndim not in (1, 2):
        raise ShapeError(
            f"norm: give dim, or an A of one or two dimensions, got {tuple(A.shape)}"
        )
    planes = (0, 1) if dim is None and ndim == 2 else dim
    matrices = isinstance(planes, (tuple, list)) and len(planes) == 2
    if isinstance(ord, str) or (ord is not None and matrices):
        plane = planes if isinstance(planes, (tuple, list)) else (0,)
        return matrix_norm(A, ord, tuple(plane), keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@computes_in("float")
def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """How much solving with a matrix may enlarge errors: ``norm(A) norm(A^-1)``.

    Args:
        A: (..., n, n), float32, float64 or complex; for ``p`` None, 2 and -2 any
            matrices.
        p: the order of the norm, as for :func:`matrix_norm`; None is 2, the largest
            singular value over the smallest.

    Returns:
        Real numbers of shape (...); ``inf`` for a singular matrix.

    Raises:
        RuntimeError: not square matrices, or another dtype or order.

    >>> lampas.linalg.cond(lampas.tensor([[1.0, 0.0], [0.0, 4.0]]))
    tensor(4.)
    """
    p = 2 if p is None else _order_of("cond", p)
    if p in (2, -2):
        need_matrices("cond", A=A)
        if A._data.size == 0:
            return _no_matrices(A)
        values = svdvals(A)
        first, last = values.select(-1, 0), values.select(-1, -1)
        return first / last if p == 2 else last / first
    need_square("cond", A=A)
    if A._data.size == 0:
        return _no_matrices(A)
    inverse, info = inv_ex(A)
    singular = info > 0
    # What stands in the place of an inverse has no singular values.
    inverse = where(singular[..., None, None], 0, inverse)
    return where(singular, math.inf, matrix_norm(A, p) * matrix_norm(inverse, p))


def _no_matrices(A: Tensor) -> Tensor:
    """The condition of matrices without elements."""
    return A.new_zeros(A._data.shape[:-2], dtype=A.dtype.to_real())
