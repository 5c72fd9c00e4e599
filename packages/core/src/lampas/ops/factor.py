"""LU decompositions, and solving from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import RECORDS, op
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops._linalg import (
    adjoint,
    batch_matrices,
    check_info,
    leading,
    need_matrices,
    need_square,
)
from lampas.ops._results import printed_as
from lampas.ops._triangular import factor_lu, order_of
from lampas.ops.create import empty, eye
from lampas.ops.mask import tril, triu
from lampas.ops.solve import check_sides, solve_triangular

__all__ = ["lu", "lu_factor", "lu_factor_ex", "lu_solve", "lu_unpack"]


@printed_as("linalg_lu_factor")
class LuFactorResult(NamedTuple):
    """Both triangles in one matrix, and the rows that were swapped, from 1."""

    LU: Tensor
    pivots: Tensor


@printed_as("linalg_lu_factor_ex")
class LuFactorExResult(NamedTuple):
    """As LuFactorResult, and 0 or the number of the first column without a pivot."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


@printed_as("linalg_lu")
class LuResult(NamedTuple):
    """A permutation, a unit lower and an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


@printed_as("lu_unpack")
class LuUnpackResult(NamedTuple):
    """A permutation, a unit lower and an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


# ---- records


def _factor_specs(specs: Any, *, pivot: bool) -> list[Spec]:
    *batch, m, n = specs[0].shape
    integer = np.dtype(np.int32)
    return [
        specs[0],
        Spec((*batch, min(m, n)), integer),
        Spec(tuple(batch), integer),
        Spec((*batch, m), np.dtype(np.int64)),
    ]


_factor = op(
    "lu_factor",
    kind="opaque",
    outputs=4,
    saves="y0 y3",
    infer=_factor_specs,
    autocast="float",
)
"""LU, pivots, info, and the order of rows that the pivots stand for."""


@_factor.forward
def lu_factor_forward(xp: Any, x: Any, *, pivot: bool) -> Any:
    lu, pivots, info = factor_lu(xp, x, pivot=pivot)
    return lu, pivots, info, order_of(xp, pivots, x.shape[-2])


@_factor.vjp
def lu_factor_vjp(
    F: Any, g: Any, LU: Any, order: Any, *, need: Any, pivot: bool
) -> Any:
    m, n = LU.shape[-2], LU.shape[-1]
    k, first = min(m, n), LU.ndim - 2
    core, g0 = leading(F, LU, k, k), leading(F, g[0], k, k)
    gL, gU = F.tril(g0, diagonal=-1), F.triu(g0, diagonal=0)
    below = right = None
    if m > k:
        # The lower rows of L are those of the input times U^-1.
        index = (..., slice(k, None), slice(None))
        below = _over_adjoint(F, F.slice(g[0], index=index), core)
        gU = gU - F.matmul(adjoint(F, F.slice(LU, index=index)), below)
    if n > k:
        # The right columns of U are L^-1 times those of the input.
        index = (..., slice(None), slice(k, None))
        right = F.solve_triangular(
            adjoint(F, core), F.slice(g[0], index=index), upper=True, unit=True
        )
        gL = gL - F.matmul(right, adjoint(F, F.slice(LU, index=index)))
    L, U = F.tril(core, diagonal=-1), F.triu(core, diagonal=0)
    inner = F.tril(gL + F.matmul(adjoint(F, L), gL), diagonal=-1)
    inner = inner + F.triu(F.matmul(gU, adjoint(F, U)), diagonal=0)
    whole = F.solve_triangular(adjoint(F, core), inner, upper=True, unit=True)
    whole = _over_adjoint(F, whole, core)
    if below is not None:
        whole = F.cat(whole, below, dim=first)
    if right is not None:
        whole = F.cat(whole, right, dim=first + 1)
    order = F.expand(F.reshape(order, shape=(*order.shape, 1)), shape=LU.shape)
    return (F.unsort(whole, order, shape=LU.shape, dim=first),)


def _over_adjoint(F: Any, x: Any, upper: Any) -> Any:
    """``x @ upper^-H``, as the adjoint of ``upper^-1 @ x^H``."""
    solved = F.solve_triangular(upper, adjoint(F, x), upper=True, unit=False)
    return adjoint(F, solved)


def _order_spec(specs: Any, *, rows: int) -> Spec:
    return Spec((*specs[0].shape[:-1], rows), np.dtype(np.int64))


_order = op("lu_order", kind="opaque", widen=False, infer=_order_spec)
"""The order into which the swaps of pivots bring rows."""


@_order.forward
def lu_order_forward(xp: Any, x: Any, *, rows: int) -> Any:
    return order_of(xp, x, rows)


batch_matrices(_factor)
moved(_order, least=1)

# ---- functions

_NO_PIVOT = (
    "the pivot of column {}, counted from 1, is zero, so that the decomposition "
    "solves no system; linalg.lu_factor_ex and linalg.lu give it all the same"
)


@computes_in("float")
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False
) -> LuFactorExResult:
    """:func:`lu_factor`, with numbers that say where a pivot is zero.

    Args:
        A: (..., m, n).
        pivot: swap rows, so that pivots are large.
        check_errors: raise if a pivot is zero.

    Returns:
        ``LU`` (..., m, n), ``pivots`` (..., min(m, n)) of int32, and ``info`` (...) of
        int32: 0, or the number of the first column without a pivot.

    Raises:
        RuntimeError: no matrices; or a pivot is zero, with ``check_errors``.

    >>> lampas.linalg.lu_factor_ex(lampas.tensor([[0.0]])).info
    tensor(1, dtype=lampas.int32)
    """
    need_matrices("linalg.lu_factor_ex", A=A)
    LU, pivots, info, _ = _factor.call(A, pivot=pivot)
    if check_errors:
        check_info("linalg.lu_factor_ex", info, _NO_PIVOT)
    return LuFactorExResult(LU, pivots, info)


@computes_in("float")
def lu_factor(A: Tensor, *, pivot: bool = True) -> LuFactorResult:
    """The LU decomposition as LAPACK keeps it, for :func:`lu_solve`.

    Args:
        A: (..., m, n).
        pivot: swap rows, so that pivots are large.

    Returns:
        ``LU`` (..., m, n): the unit lower triangle L without its diagonal, and the
        upper triangle U. ``pivots`` (..., min(m, n)) of int32: the row, from 1, that
        was swapped with each.

    Raises:
        RuntimeError: no matrices; or a pivot is zero.

    >>> LU, pivots = lampas.linalg.lu_factor(lampas.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> LU
    tensor([[4.0000, 4.0000],
            [0.2500, 1.0000]])
    >>> pivots
    tensor([2, 2], dtype=lampas.int32)
    """
    need_matrices("linalg.lu_factor", A=A)
    LU, pivots, info, _ = _factor.call(A, pivot=pivot)
    check_info("linalg.lu_factor", info, _NO_PIVOT)
    return LuFactorResult(LU, pivots)


def lu(A: Tensor, *, pivot: bool = True) -> LuResult:
    """A permutation times a unit lower times an upper triangle: ``A = P @ L @ U``.

    Args:
        A: (..., m, n); k is the smaller of m and n.
        pivot: swap rows, so that pivots are large; otherwise P is empty.

    Returns:
        ``P`` (..., m, m), ``L`` (..., m, k) and ``U`` (..., k, n).

    Raises:
        RuntimeError: no matrices.

    >>> P, L, U = lampas.linalg.lu(lampas.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> U
    tensor([[4., 4.],
            [0., 1.]])
    """
    need_matrices("linalg.lu", A=A)
    LU, pivots, _, _ = _factor.call(A, pivot=pivot)
    return LuResult(*lu_unpack(LU, pivots, unpack_pivots=pivot))


def _need_pivots(name: str, LU: Tensor, pivots: Tensor) -> None:
    if str(pivots.dtype) != "lampas.int32":
        raise DTypeError(f"{name}: pivots must be int32, got {pivots.dtype}")
    require_same_device(name, LU=LU, pivots=pivots)
    *batch, m, n = LU._data.shape
    if pivots._data.shape != (*batch, min(m, n)):
        raise ShapeError(
            f"{name}: pivots for LU of shape {LU._data.shape} must have shape "
            f"{(*batch, min(m, n))}, got {pivots._data.shape}"
        )


def _swapped(x: Tensor, pivots: Tensor, shape: tuple[int, ...], back: bool) -> Tensor:
    """Rows of ``x``, expanded to ``shape``, swapped as pivots say, or swapped back."""
    order = _order.call(pivots, rows=shape[-2]).unsqueeze(-1).expand(*shape)
    dim = len(shape) - 2
    if back:
        return RECORDS["unsort"].call(x.expand(*shape), order, shape=shape, dim=dim)
    return RECORDS["resort"].call(x.expand(*shape), order, dim=dim)


def lu_unpack(
    LU_data: Tensor,
    LU_pivots: Tensor,
    unpack_data: bool = True,
    unpack_pivots: bool = True,
) -> LuUnpackResult:
    """Permutation and triangles from what :func:`lu_factor` gives.

    Args:
        LU_data: (..., m, n). LU_pivots: (..., min(m, n)), int32.
        unpack_data: give L and U; otherwise they are empty.
        unpack_pivots: give P; otherwise it is empty.

    Raises:
        RuntimeError: shapes do not fit, or the pivots are not int32.

    >>> factors = lampas.linalg.lu_factor(lampas.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> lampas.lu_unpack(*factors).P
    tensor([[0., 1.],
            [1., 0.]])
    """
    need_matrices("lu_unpack", LU_data=LU_data)
    P = L = U = empty(0, dtype=LU_data.dtype, device=LU_data.device)
    m, n = LU_data._data.shape[-2:]
    if unpack_pivots:
        _need_pivots("lu_unpack", LU_data, LU_pivots)
        unit = eye(m, dtype=LU_data.dtype, device=LU_data.device)
        P = _swapped(unit, LU_pivots, (*LU_pivots._data.shape[:-1], m, m), back=True)
    if unpack_data:
        k = min(m, n)
        unit = eye(m, k, dtype=LU_data.dtype, device=LU_data.device)
        L = tril(LU_data[..., :k], -1) + unit
        U = triu(LU_data[..., :k, :])
    return LuUnpackResult(P, L, U)


@computes_in("float")
def lu_solve(
    LU: Tensor,
    pivots: Tensor,
    B: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Tensor:
    """Solve ``A @ X = B`` from the LU decomposition of ``A``.

    Args:
        LU: (..., n, n). pivots: (..., n), int32; both from :func:`lu_factor`.
        B: (..., n, k); leading dimensions broadcast.
        left: solve ``A @ X = B``; otherwise ``X @ A = B``.
        adjoint: solve with ``A^H`` in the place of ``A``.

    Raises:
        RuntimeError: shapes do not fit, or the pivots are not int32.

    >>> factors = lampas.linalg.lu_factor(lampas.tensor([[0.0, 2.0], [4.0, 0.0]]))
    >>> lampas.linalg.lu_solve(*factors, lampas.ones(2, 1))
    tensor([[0.2500],
            [0.5000]])
    """
    name = "linalg.lu_solve"
    need_square(name, LU=LU)
    need_matrices(name, LU=LU, B=B)
    _need_pivots(name, LU, pivots)
    check_sides(name, LU, B, left)
    if not left:
        # X @ A = B is A^H @ X^H = B^H.
        return lu_solve(LU, pivots, B.mH, adjoint=not adjoint).mH
    batch = broadcast_shapes(LU._data.shape[:-2], B._data.shape[:-2])
    shape = (*batch, *B._data.shape[-2:])
    if adjoint:
        y = solve_triangular(LU.mH, B, upper=False)
        y = solve_triangular(LU.mH, y, upper=True, unitriangular=True)
        return _swapped(y, pivots, shape, back=True)
    y = _swapped(B, pivots, shape, back=False)
    y = solve_triangular(LU, y, upper=False, unitriangular=True)
    return solve_triangular(LU, y, upper=True)
