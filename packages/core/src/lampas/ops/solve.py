"""Linear systems: inverse matrices, solutions, triangular systems."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops._linalg import (
    adjoint,
    batch_matrices,
    batch_pairs,
    check_info,
    need_floats,
    need_matrices,
    need_square,
)
from lampas.ops._results import printed_as
from lampas.ops._triangular import factor_lu, solve_factored, substitute

__all__ = [
    "inv",
    "inv_ex",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]

_SINGULAR = "the matrix is singular: the pivot of column {}, counted from 1, is zero"


@printed_as("linalg_inv_ex")
class InvExResult(NamedTuple):
    """Inverse matrices, and 0 or the number of the first column without a pivot."""

    inverse: Tensor
    info: Tensor


@printed_as("linalg_solve_ex")
class SolveExResult(NamedTuple):
    """Solutions, and 0 or the number of the first column without a pivot."""

    result: Tensor
    info: Tensor


# ---- inverse


def _inv_specs(specs: Any) -> list[Spec]:
    info = Spec(specs[0].shape[:-2], np.dtype(np.int32))
    return [specs[0], info]


_inv = op(
    "inv", kind="opaque", outputs=2, saves="y0", infer=_inv_specs, autocast="float"
)
"""Inverse and info; a singular matrix has infinities or NaN instead."""


@_inv.forward
def inv_forward(xp: Any, x: Any) -> Any:
    try:
        return xp.linalg.inv(x), xp.zeros(x.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        lu, pivots, info = factor_lu(xp, x, pivot=True)
        unit = xp.eye(x.shape[-1], dtype=x.dtype)
        return solve_factored(xp, lu, pivots, unit), info


@_inv.vjp
def inv_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    h = adjoint(F, y)
    return (-F.matmul(F.matmul(h, g[0]), h),)


@computes_in("float")
def inv_ex(A: Tensor, *, check_errors: bool = False) -> InvExResult:
    """Inverse matrices, with numbers that say where there is none.

    Args:
        A: (..., n, n).
        check_errors: raise if a matrix is singular.

    Returns:
        ``inverse`` (..., n, n), and ``info`` (...) of int32: 0, or the number of the
        first column without a pivot.

    Raises:
        RuntimeError: not square; or singular, with ``check_errors``.

    >>> lampas.linalg.inv_ex(lampas.tensor([[2.0]])).info
    tensor(0, dtype=lampas.int32)
    """
    need_square("linalg.inv_ex", A=A)
    result = InvExResult(*_inv.call(A))
    if check_errors:
        check_info("linalg.inv_ex", result.info, _SINGULAR)
    return result


@computes_in("float")
def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices: ``A @ inv(A)`` is the identity.

    Args:
        A: (..., n, n).

    Raises:
        RuntimeError: not square; or a matrix is singular.

    >>> lampas.linalg.inv(lampas.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    need_square("linalg.inv", A=A)
    inverse, info = _inv.call(A)
    check_info("linalg.inv", info, _SINGULAR)
    return inverse


# ---- solve


def _solve_specs(specs: Any) -> list[Spec]:
    (a, dtype), (b, _) = specs
    shape = (*broadcast_shapes(a[:-2], b[:-2]), *b[-2:])
    return [Spec(shape, dtype), Spec(a[:-2], np.dtype(np.int32))]


_solve = op(
    "solve",
    kind="opaque",
    outputs=2,
    saves="x y0 x.shape other.shape",
    infer=_solve_specs,
    autocast="float",
)
"""Solution of ``x @ y = other`` and info; leading dimensions broadcast."""


@_solve.forward
def solve_forward(xp: Any, x: Any, other: Any) -> Any:
    try:
        return xp.linalg.solve(x, other), xp.zeros(x.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        lu, pivots, info = factor_lu(xp, x, pivot=True)
        return solve_factored(xp, lu, pivots, other), info


@_solve.vjp
def solve_vjp(
    F: Any, g: Any, x: Any, y: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    slope, _ = F.solve(adjoint(F, x), g[0])
    return (
        F.sum_to(-F.matmul(slope, adjoint(F, y)), shape=shape) if need[0] else None,
        F.sum_to(slope, shape=other_shape) if need[1] else None,
    )


def _is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether B holds one right-hand side for each matrix, as PyTorch decides it."""
    a, b = A._data.shape, B._data.shape
    return len(b) == 1 or (len(a) - 1 == len(b) and a[:-1] == b)


def check_sides(name: str, A: Tensor, B: Tensor, left: bool) -> None:
    """Refuse a right-hand side whose shape does not fit.

    Raises:
        RuntimeError: sizes differ, or leading dimensions can't be broadcast.
    """
    a, b = A._data.shape, B._data.shape
    size = b[-2] if left else b[-1]
    if size != a[-1]:
        side = "A @ X = B" if left else "X @ A = B"
        raise ShapeError(
            f"{name}: A of shape {a} and B of shape {b} don't fit in {side}: "
            f"{a[-1]} != {size}"
        )
    broadcast_shapes(a[:-2], b[:-2])


def _solved(name: str, A: Tensor, B: Tensor, left: bool) -> tuple[Tensor, Tensor]:
    need_square(name, A=A)
    need_floats(name, A=A, B=B)
    if B._data.ndim == 0:
        raise ShapeError(f"{name}: B needs at least one dimension")
    if _is_vector(A, B):
        if not left:
            raise ShapeError(f"{name}: left=False takes matrices, got a vector B")
        matrix = B.unsqueeze(-1)
        check_sides(name, A, matrix, left)
        result, info = _solve.call(A, matrix)
        return result.squeeze(-1), info
    check_sides(name, A, B, left)
    if left:
        return _solve.call(A, B)
    result, info = _solve.call(A.mT, B.mT)
    return result.mT, info


@computes_in("float")
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False
) -> SolveExResult:
    """:func:`solve`, with numbers that say where there is no solution.

    Args:
        A: (..., n, n). B: (..., n, k) or (..., n).
        left: solve ``A @ X = B``; otherwise ``X @ A = B``.
        check_errors: raise if a matrix is singular.

    Returns:
        ``result``, and ``info`` (...) of int32: 0, or the number of the first column
        without a pivot.

    Raises:
        RuntimeError: shapes do not fit; or singular, with ``check_errors``.

    >>> x = lampas.tensor([[2.0]])
    >>> lampas.linalg.solve_ex(x, lampas.tensor([6.0])).result
    tensor([3.])
    """
    result = SolveExResult(*_solved("linalg.solve_ex", A, B, left))
    if check_errors:
        check_info("linalg.solve_ex", result.info, _SINGULAR)
    return result


@computes_in("float")
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Solve square systems of linear equations, ``A @ X = B``.

    Args:
        A: (..., n, n).
        B: (..., n, k); or (..., n) or (n,), one right-hand side for each matrix.
        left: solve ``A @ X = B``; otherwise ``X @ A = B``.

    Raises:
        RuntimeError: shapes do not fit; or a matrix is singular.

    >>> A = lampas.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> lampas.linalg.solve(A, lampas.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    result, info = _solved("linalg.solve", A, B, left)
    check_info("linalg.solve", info, _SINGULAR)
    return result


# ---- triangular systems


def _triangular_spec(specs: Any, **params: Any) -> Spec:
    return _solve_specs(specs)[0]


_triangular = op(
    "solve_triangular",
    kind="opaque",
    saves="x y x.shape other.shape",
    infer=_triangular_spec,
    autocast="float",
)


@_triangular.forward
def solve_triangular_forward(
    xp: Any, x: Any, other: Any, *, upper: bool, unit: bool
) -> Any:
    return substitute(xp, x, other, upper=upper, unit=unit)


@_triangular.vjp
def solve_triangular_vjp(
    F: Any,
    g: Any,
    x: Any,
    y: Any,
    shape: Any,
    other_shape: Any,
    *,
    need: Any,
    upper: bool,
    unit: bool,
) -> Any:
    slope = F.solve_triangular(adjoint(F, x), g, upper=not upper, unit=unit)
    dother = F.sum_to(slope, shape=other_shape) if need[1] else None
    if not need[0]:
        return None, dother
    whole = F.sum_to(-F.matmul(slope, adjoint(F, y)), shape=shape)
    if upper:
        return F.triu(whole, diagonal=int(unit)), dother
    return F.tril(whole, diagonal=-int(unit)), dother


def solve_triangular(
    A: Tensor,
    B: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Tensor:
    """Solve triangular systems, ``A @ X = B``; the other triangle is not looked at.

    Args:
        A: (..., n, n). B: (..., n, k); leading dimensions broadcast.
        upper: whether ``A`` is upper triangular.
        left: solve ``A @ X = B``; otherwise ``X @ A = B``.
        unitriangular: take ones for the diagonal of ``A``.

    Returns:
        X. A zero on the diagonal gives infinities or NaN.

    Raises:
        RuntimeError: shapes do not fit.

    >>> A = lampas.tensor([[2.0, 0.0], [2.0, 1.0]])
    >>> lampas.linalg.solve_triangular(A, lampas.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [1.]])
    """
    name = "linalg.solve_triangular"
    need_square(name, A=A)
    need_matrices(name, A=A, B=B)
    check_sides(name, A, B, left)
    if left:
        return _triangular.call(A, B, upper=upper, unit=unitriangular)
    return _triangular.call(A.mT, B.mT, upper=not upper, unit=unitriangular).mT


batch_matrices(_inv)
batch_pairs(_solve, _triangular)


# ---- tensors as matrices


@computes_in("float")
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse for ``tensordot``: ``tensordot(tensorinv(A, ind), A, ind)`` is 1.

    Args:
        A: the product of its first ``ind`` sizes equals that of the others.
        ind: how many dimensions stand for the rows.

    Raises:
        RuntimeError: the products differ, ``ind`` is not positive, or there is no
            inverse.

    >>> lampas.linalg.tensorinv(lampas.eye(6).reshape(2, 3, 6), ind=2).shape
    lampas.Size([6, 2, 3])
    """
    if ind <= 0:
        raise ShapeError(f"linalg.tensorinv: ind must be positive, got {ind}")
    shape = A._data.shape
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise ShapeError(
            f"linalg.tensorinv: the sizes {shape[:ind]} and {shape[ind:]} must have "
            f"equal products ({rows} != {columns})"
        )
    return inv(A.reshape(rows, columns)).reshape(*shape[ind:], *shape[:ind])


@computes_in("float")
def tensorsolve(A: Tensor, B: Tensor, dims: tuple[int, ...] | None = None) -> Tensor:
    """Solve ``tensordot(A, X, X.ndim) = B``.

    Args:
        A: shape of B followed by that of X.
        B: the right-hand side.
        dims: dimensions of ``A`` to bring to its end first.

    Raises:
        RuntimeError: sizes do not fit, or ``A`` is singular.

    >>> A = lampas.eye(6).reshape(2, 3, 6)
    >>> lampas.linalg.tensorsolve(A, lampas.ones(2, 3)).shape
    lampas.Size([6])
    """
    if dims is not None:
        moved = [normalize_dim(d, A._data.ndim) for d in dims]
        A = A.permute(*(d for d in range(A._data.ndim) if d not in moved), *moved)
    ndim = B._data.ndim
    shape = A._data.shape[ndim:]
    size = math.prod(shape)
    rows = math.prod(A._data.shape[:ndim])
    if rows != size or size != math.prod(B._data.shape):
        raise ShapeError(
            f"linalg.tensorsolve: A of shape {A._data.shape} must have as many rows, "
            f"in its first {ndim} dimensions, as columns, in the others, and B, of "
            f"shape {B._data.shape}, as many elements"
        )
    return solve(A.reshape(size, size), B.reshape(size)).reshape(*shape)
