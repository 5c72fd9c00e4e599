"""Cholesky and QR decompositions, and products of Householder's reflections."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import GradientError, ShapeError
from lampas.ops._linalg import (
    adjoint,
    batch_matrices,
    batch_pairs,
    batch_spec,
    check_info,
    leading,
    need_floats,
    need_matrices,
    need_square,
    zeros_if_none,
)
from lampas.ops._results import printed_as
from lampas.ops._triangular import substitute
from lampas.ops.create import empty, eye
from lampas.ops.diagonal import diag_embed
from lampas.ops.mask import tril, triu
from lampas.ops.solve import check_sides, solve_triangular

__all__ = [
    "cholesky",
    "cholesky_ex",
    "geqrf",
    "householder_product",
    "qr",
]


@printed_as("linalg_cholesky_ex")
class CholeskyExResult(NamedTuple):
    """Lower or upper factors, and 0 or the order of the first bad leading minor."""

    L: Tensor
    info: Tensor


@printed_as("linalg_qr")
class QrResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Tensor
    R: Tensor


@printed_as("geqrf")
class GeqrfResult(NamedTuple):
    """R above the reflections that give Q, and the factors of these."""

    a: Tensor
    tau: Tensor


# ---- Cholesky

_NOT_POSITIVE = (
    "the matrix is not positive-definite: its leading minor of order {} is not positive"
)


def _cholesky_specs(specs: Any) -> list[Spec]:
    return [specs[0], Spec(specs[0].shape[:-2], np.dtype(np.int32))]


_cholesky = op(
    "cholesky",
    kind="opaque",
    outputs=2,
    saves="y0",
    infer=_cholesky_specs,
    autocast="float",
)
"""Lower factor and info; only the lower triangle of the input is looked at."""


@_cholesky.forward
def cholesky_forward(xp: Any, x: Any) -> Any:
    try:
        low = xp.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return _by_columns(xp, x)
    pivots = low.diagonal(0, -2, -1).real
    # LAPACK may pass over NaN and infinity, after which nothing is positive.
    if not ((pivots > 0) & (pivots < np.inf)).all():
        return _by_columns(xp, x)
    return low, xp.zeros(x.shape[:-2], np.int32)


def _by_columns(xp: Any, x: Any) -> tuple[Any, Any]:
    """The factor column by column, as far as it exists, and info."""
    low = xp.tril(x)
    info = xp.zeros(x.shape[:-2], np.int32)
    for j in range(x.shape[-1]):
        row = low[..., j, None, :j]
        low[..., j:, j] -= (low[..., j:, :j] @ xp.conj(row.swapaxes(-1, -2)))[..., 0]
        pivot = low[..., j, j].real
        good = (pivot > 0) & (info == 0)
        info = xp.where(good | (info != 0), info, j + 1).astype(np.int32)
        root = xp.where(good, xp.sqrt(xp.where(good, pivot, 1)), 1)
        low[..., j, j] = xp.where(good, root, pivot)
        low[..., j + 1 :, j] /= root[..., None]
    return low, info


@_cholesky.vjp
def cholesky_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    inner = F.tril(F.matmul(adjoint(F, y), g[0]), diagonal=0)
    inner = inner - F.tril(F.triu(inner, diagonal=0), diagonal=0) * 0.5
    half = F.solve_triangular(adjoint(F, y), inner, upper=True, unit=False)
    # half @ y^-1, as the adjoint of y^-H @ half^H.
    whole = F.solve_triangular(adjoint(F, y), adjoint(F, half), upper=True, unit=False)
    return ((whole + adjoint(F, whole)) * 0.5,)


def _factored(A: Tensor, upper: bool) -> CholeskyExResult:
    if not upper:
        return CholeskyExResult(*_cholesky.call(A))
    low, info = _cholesky.call(A.mH)
    return CholeskyExResult(low.mH, info)


@computes_in("float")
def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False
) -> CholeskyExResult:
    """:func:`cholesky`, with numbers that say where there is no factor.

    Args:
        A: (..., n, n), Hermitian.
        upper: give the upper factor, from the upper triangle.
        check_errors: raise if a matrix is not positive-definite.

    Returns:
        ``L``, and ``info`` (...) of int32: 0, or the order of the first leading minor
        that is not positive.

    Raises:
        RuntimeError: not square; or no factor, with ``check_errors``.

    >>> lampas.linalg.cholesky_ex(lampas.tensor([[-1.0]])).info
    tensor(1, dtype=lampas.int32)
    """
    need_square("linalg.cholesky_ex", A=A)
    result = _factored(A, upper)
    if check_errors:
        check_info("linalg.cholesky_ex", result.info, _NOT_POSITIVE)
    return result


@computes_in("float")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular ``L`` with ``A = L @ L^H``.

    Args:
        A: (..., n, n), Hermitian and positive-definite; only the lower triangle is
            looked at, or only the upper one.
        upper: give the upper triangular ``U`` with ``A = U^H @ U`` instead.

    Raises:
        RuntimeError: not square; or a matrix is not positive-definite.

    >>> lampas.linalg.cholesky(lampas.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    need_square("linalg.cholesky", A=A)
    factor, info = _factored(A, upper)
    check_info("linalg.cholesky", info, _NOT_POSITIVE)
    return factor


def _solved_spec(specs: Any) -> Spec:
    (a, dtype), (b, _) = specs
    return Spec((*broadcast_shapes(a[:-2], b[:-2]), *b[-2:]), dtype)


_cholesky_solve = op(
    "cholesky_solve",
    kind="opaque",
    saves="x y x.shape other.shape",
    infer=_solved_spec,
    autocast="float",
)
"""Solution of ``x @ x^H @ y = other``, from the lower factor ``x``."""


@_cholesky_solve.forward
def cholesky_solve_forward(xp: Any, x: Any, other: Any) -> Any:
    half = substitute(xp, x, other, upper=False, unit=False)
    above = xp.conj(x.swapaxes(-1, -2))
    return substitute(xp, above, half, upper=True, unit=False)


@_cholesky_solve.vjp
def cholesky_solve_vjp(
    F: Any, g: Any, x: Any, y: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    slope = F.cholesky_solve(x, g)
    dother = F.sum_to(slope, shape=other_shape) if need[1] else None
    if not need[0]:
        return None, dother
    # As PyTorch does, the gradient is of x @ x^H for a full matrix x.
    both = F.matmul(slope, adjoint(F, y))
    whole = -F.matmul(both + adjoint(F, both), x)
    return F.sum_to(whole, shape=shape), dother


def cholesky_solved(name: str, B: Tensor, L: Tensor, upper: bool) -> Tensor:
    """Solve from a factor; the shapes must fit."""
    check_sides(name, L, B, True)
    return _cholesky_solve.call(L.mH if upper else L, B)


# ---- QR


def _qr_specs(specs: Any, *, complete: bool) -> list[Spec]:
    m, n = specs[0].shape[-2:]
    k = m if complete else min(m, n)
    return [batch_spec(specs[0], m, k), batch_spec(specs[0], k, n)]


_qr = op(
    "qr", kind="opaque", outputs=2, saves="y0 y1", infer=_qr_specs, autocast="float"
)


@_qr.forward
def qr_forward(xp: Any, x: Any, *, complete: bool) -> Any:
    if x.size == 0:
        m, n = x.shape[-2:]
        k = m if complete else min(m, n)
        unit = xp.broadcast_to(xp.eye(m, k, dtype=x.dtype), (*x.shape[:-2], m, k))
        return xp.array(unit), xp.zeros((*x.shape[:-2], k, n), x.dtype)
    return tuple(xp.linalg.qr(x, mode="complete" if complete else "reduced"))


@_qr.vjp
def qr_vjp(F: Any, g: Any, Q: Any, R: Any, *, need: Any, complete: bool) -> Any:
    m, n = Q.shape[-2], R.shape[-1]
    if complete and m > n:
        raise GradientError(
            "linalg.qr: there is no gradient with mode='complete' for more rows than "
            f"columns ({m} > {n}); use mode='reduced'"
        )
    gQ, gR = zeros_if_none(F, g[0], Q), zeros_if_none(F, g[1], R)
    if m >= n:
        return (_qr_slope(F, gQ, gR, Q, R),)
    # The columns behind the square part are Q @ R there, for the Q of that part.
    rest = (..., slice(m, None))
    gR2 = F.slice(gR, index=rest)
    other = F.matmul(Q, F.slice(R, index=rest))
    gQ = gQ + F.matmul(other, adjoint(F, gR2))
    first = _qr_slope(F, gQ, leading(F, gR, None, m), Q, leading(F, R, None, m))
    return (F.cat(first, F.matmul(Q, gR2), dim=Q.ndim - 1),)


def _qr_slope(F: Any, gQ: Any, gR: Any, Q: Any, R: Any) -> Any:
    """The gradient for at least as many rows as columns."""
    inner = F.matmul(gR, adjoint(F, R)) - F.matmul(adjoint(F, Q), gQ)
    inner = F.triu(inner, diagonal=0)
    diagonal = F.tril(inner, diagonal=0)
    both = inner + adjoint(F, inner) - (diagonal + adjoint(F, diagonal)) * 0.5
    whole = gQ + F.matmul(Q, both)
    # whole @ R^-H, as the adjoint of R^-1 @ whole^H.
    solved = F.solve_triangular(R, adjoint(F, whole), upper=True, unit=False)
    return adjoint(F, solved)


@computes_in("float")
def qr(A: Tensor, mode: str = "reduced") -> QrResult:
    """Orthonormal columns times an upper triangle: ``A = Q @ R``.

    Args:
        A: (..., m, n); k is the smaller of m and n.
        mode: ``"reduced"`` gives Q (..., m, k) and R (..., k, n), ``"complete"`` gives
            (..., m, m) and (..., m, n), ``"r"`` gives R alone, and an empty Q.

    Raises:
        RuntimeError: no matrices, or an unknown mode.

    >>> lampas.linalg.qr(lampas.tensor([[0.0, 2.0], [3.0, 0.0]])).R.abs()
    tensor([[3., 0.],
            [0., 2.]])
    """
    need_matrices("linalg.qr", A=A)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError(
            f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}"
        )
    Q, R = _qr.call(A, complete=mode == "complete")
    if mode == "r":
        return QrResult(empty(0, dtype=A.dtype, device=A.device), R)
    return QrResult(Q, R)


# ---- reflections


def _geqrf_specs(specs: Any) -> list[Spec]:
    *batch, m, n = specs[0].shape
    return [specs[0], Spec((*batch, min(m, n)), specs[0].dtype)]


_geqrf = op("geqrf", kind="opaque", outputs=2, infer=_geqrf_specs, autocast="float")


@_geqrf.forward
def geqrf_forward(xp: Any, x: Any) -> Any:
    if x.size == 0:
        count = min(x.shape[-2:])
        return xp.array(x), xp.zeros((*x.shape[:-2], count), x.dtype)
    h, tau = xp.linalg.qr(x, mode="raw")
    return h.swapaxes(-1, -2).astype(x.dtype), tau.astype(x.dtype)


batch_matrices(_cholesky, _qr, _geqrf)
batch_pairs(_cholesky_solve)


@computes_in("float")
def geqrf(input: Tensor) -> GeqrfResult:
    """The QR decomposition as LAPACK keeps it; without a gradient.

    Args:
        input: (..., m, n).

    Returns:
        ``a`` (..., m, n): R on and above the diagonal, and below it the vectors of the
        reflections whose product is Q; ``tau`` (..., min(m, n)), their factors. See
        :func:`householder_product`.

    Raises:
        RuntimeError: no matrices.

    >>> lampas.geqrf(lampas.tensor([[3.0], [4.0]])).a[0].abs()
    tensor([5.])
    """
    need_matrices("geqrf", input=input)
    return GeqrfResult(*_geqrf.call(input))


def _check_reflections(name: str, A: Tensor, tau: Tensor) -> None:
    need_matrices(name, A=A)
    need_floats(name, A=A, tau=tau)
    *batch, m, n = A._data.shape
    shape, most = tau._data.shape, min(m, n)
    if list(shape[:-1]) != batch or not shape or shape[-1] > most:
        raise ShapeError(
            f"{name}: tau must have the leading dimensions of A and at most {most} "
            f"factors, got shape {shape} for A of shape {A._data.shape}"
        )


def _reflections(A: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """V and T with ``H_1 ... H_k = I - V @ T @ V^H``.

    The product of ``H_i = I - tau_i v_i v_i^H`` has ``T^-1 = diag(1 / tau) + S``, the
    strict upper triangle S of V^H V; written so that a factor may be zero.
    """
    m, k = A._data.shape[-2], tau._data.shape[-1]
    unit = eye(m, k, dtype=A.dtype, device=A.device)
    V = tril(A[..., :k], -1) + unit
    S = triu(V.mH @ V, 1)
    D = diag_embed(tau)
    T = solve_triangular(D @ S, D, upper=True, unitriangular=True)
    return V, T


@computes_in("float")
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first columns of a product of Householder's reflections.

    ``H_1 H_2 ... H_k`` with ``H_i = I - tau[i] * v v^H``, where ``v`` is 0 above the
    diagonal of column i of ``A``, 1 on it and the column below it.

    Args:
        A: (..., m, n), m >= n. tau: (..., k), k <= n.

    Returns:
        The first n columns (..., m, n).

    Raises:
        RuntimeError: sizes do not fit.

    >>> a, tau = lampas.geqrf(lampas.tensor([[3.0], [4.0]]))
    >>> lampas.linalg.householder_product(a, tau).abs()
    tensor([[0.6000],
            [0.8000]])
    """
    _check_reflections("linalg.householder_product", A, tau)
    m, n = A._data.shape[-2:]
    if m < n:
        raise ShapeError(
            "linalg.householder_product: A must have at least as many rows as "
            f"columns, got {m} and {n}"
        )
    V, T = _reflections(A, tau)
    return eye(m, n, dtype=A.dtype, device=A.device) - V @ (T @ V[..., :n, :].mH)


def reflected(
    name: str, input: Tensor, tau: Tensor, other: Tensor, left: bool, transpose: bool
) -> Tensor:
    """``Q @ other`` or ``other @ Q`` for the Q of reflections; or with its adjoint."""
    _check_reflections(name, input, tau)
    need_matrices(name, input=input, other=other)
    m, shape = input._data.shape[-2], other._data.shape
    if shape[:-2] != input._data.shape[:-2] or (shape[-2] if left else shape[-1]) != m:
        raise ShapeError(
            f"{name}: other of shape {shape} does not fit reflections of size {m} in "
            f"input of shape {input._data.shape}"
        )
    V, T = _reflections(input, tau)
    T = T.mH if transpose else T
    if left:
        return other - V @ (T @ (V.mH @ other))
    return other - ((other @ V) @ T) @ V.mH
