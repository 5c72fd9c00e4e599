"""Linear algebra under the names that PyTorch has outside of ``torch.linalg``."""

from __future__ import annotations

from typing import NamedTuple

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, method
from lampas.ops import decompose, determinant, factor, spectral
from lampas.ops._linalg import need_matrices, need_square
from lampas.ops._results import printed_as
from lampas.ops.create import eye, zeros
from lampas.ops.decompose import (
    cholesky_solved,
    geqrf,
    householder_product,
    reflected,
)
from lampas.ops.determinant import logdet
from lampas.ops.factor import LuFactorExResult, LuFactorResult, lu_unpack
from lampas.ops.least_squares import pinverse
from lampas.ops.solve import inv, solve_triangular

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "orgqr",
    "ormqr",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "triangular_solve",
]


@printed_as("qr")
class QrResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Tensor
    R: Tensor


@printed_as("slogdet")
class SlogdetResult(NamedTuple):
    """Signs of determinants, and logarithms of their absolute values."""

    sign: Tensor
    logabsdet: Tensor


@printed_as("triangular_solve")
class TriangularSolveResult(NamedTuple):
    """Solutions, and the matrices as they were given."""

    solution: Tensor
    cloned_coefficient: Tensor


for _function in (geqrf, logdet, pinverse):
    method()(_function)


@method()
def det(input: Tensor) -> Tensor:
    """The determinants of square matrices; see ``linalg.det``.

    Args:
        input: (..., n, n).

    Raises:
        RuntimeError: not square.

    >>> lampas.det(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return determinant.det(input)


@method()
def slogdet(input: Tensor) -> SlogdetResult:
    """Signs and logarithms of determinants; see ``linalg.slogdet``.

    Args:
        input: (..., n, n).

    Raises:
        RuntimeError: not square.

    >>> lampas.slogdet(lampas.eye(2)).logabsdet
    tensor(0.)
    """
    return SlogdetResult(*determinant.slogdet(input))


@method()
@computes_in("float")
def inverse(input: Tensor) -> Tensor:
    """The inverse of square matrices; see ``linalg.inv``.

    Args:
        input: (..., n, n).

    Raises:
        RuntimeError: not square; or a matrix is singular.

    >>> lampas.inverse(lampas.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return inv(input)


# ---- Cholesky


@method()
@computes_in("float")
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular ``L`` with ``input = L @ L^H``; see ``linalg.cholesky``.

    Args:
        input: (..., n, n), Hermitian and positive-definite.
        upper: give ``L^H`` instead.

    Raises:
        RuntimeError: not square; or a matrix is not positive-definite.

    >>> lampas.cholesky(lampas.tensor([[4.0]]))
    tensor([[2.]])
    """
    return decompose.cholesky(input, upper=upper)


@method()
@computes_in("float")
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of a matrix from its Cholesky factor.

    Args:
        L: (..., n, n), the factor.
        upper: whether it is the upper one.

    Raises:
        RuntimeError: not square.

    >>> lampas.cholesky_inverse(lampas.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    need_square("cholesky_inverse", L=L)
    unit = eye(L._data.shape[-1], dtype=L.dtype, device=L.device)
    return cholesky_solved("cholesky_inverse", unit, L, upper)


@method()
@computes_in("float")
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Solve ``A @ X = B`` from the Cholesky factor of ``A``.

    Args:
        B: (..., n, k). L: (..., n, n), the factor; leading dimensions broadcast.
        upper: whether it is the upper one.

    Raises:
        RuntimeError: shapes do not fit.

    >>> lampas.cholesky_solve(lampas.tensor([[8.0]]), lampas.tensor([[2.0]]))
    tensor([[2.]])
    """
    need_square("cholesky_solve", L=L)
    need_matrices("cholesky_solve", B=B, L=L)
    return cholesky_solved("cholesky_solve", B, L, upper)


# ---- QR


@method()
@computes_in("float")
def qr(input: Tensor, some: bool = True) -> QrResult:
    """Orthonormal columns times an upper triangle; see ``linalg.qr``.

    Args:
        input: (..., m, n).
        some: leave out the columns of Q that meet only zeros.

    Raises:
        RuntimeError: no matrices.

    >>> lampas.qr(lampas.tensor([[3.0], [4.0]])).R.abs()
    tensor([[5.]])
    """
    return QrResult(*decompose.qr(input, "reduced" if some else "complete"))


@method()
@computes_in("float")
def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of Q from :func:`geqrf`; see ``linalg.householder_product``.

    Args:
        input: (..., m, n), m >= n. tau: (..., k), k <= n.

    Raises:
        RuntimeError: sizes do not fit.

    >>> lampas.orgqr(*lampas.geqrf(lampas.tensor([[3.0], [4.0]]))).abs()
    tensor([[0.6000],
            [0.8000]])
    """
    return householder_product(input, tau)


@method()
@computes_in("float")
def ormqr(
    input: Tensor,
    tau: Tensor,
    other: Tensor,
    left: bool = True,
    transpose: bool = False,
) -> Tensor:
    """Multiply by the orthogonal matrix of :func:`geqrf`, without forming it.

    Args:
        input: (..., m, n), the reflections. tau: (..., k), their factors.
        other: (..., m, p); with ``left=False`` (..., p, m).
        left: give ``Q @ other``; otherwise ``other @ Q``.
        transpose: with the conjugate transpose of Q.

    Raises:
        RuntimeError: sizes do not fit.

    >>> a, tau = lampas.geqrf(lampas.tensor([[3.0], [4.0]]))
    >>> x = lampas.tensor([[3.0], [4.0]])
    >>> lampas.ormqr(a, tau, x, transpose=True)[0].abs()
    tensor([5.])
    """
    return reflected("ormqr", input, tau, other, left, transpose)


# ---- LU


@method()
def lu(
    input: Tensor, pivot: bool = True, get_infos: bool = False
) -> LuFactorResult | LuFactorExResult:
    """The LU decomposition as LAPACK keeps it; see ``linalg.lu_factor``.

    Args:
        input: (..., m, n).
        pivot: swap rows, so that pivots are large.
        get_infos: also give where a pivot is zero, instead of raising.

    Raises:
        RuntimeError: no matrices; or a pivot is zero, without ``get_infos``.

    >>> lampas.lu(lampas.tensor([[2.0]]))[0]
    tensor([[2.]])
    """
    if get_infos:
        return factor.lu_factor_ex(input, pivot=pivot)
    return factor.lu_factor(input, pivot=pivot)


@method()
@computes_in("float")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Solve ``A @ X = b`` from the LU decomposition of ``A``; see ``linalg.lu_solve``.

    Args:
        b: (..., n, k). LU_data: (..., n, n). LU_pivots: (..., n), int32.

    Raises:
        RuntimeError: shapes do not fit, or the pivots are not int32.

    >>> factors = lampas.lu(lampas.tensor([[2.0]]))
    >>> lampas.lu_solve(lampas.ones(1, 1), *factors)
    tensor([[0.5000]])
    """
    return factor.lu_solve(LU_data, LU_pivots, b)


# ---- singular values


@printed_as("svd")
class SvdResult(NamedTuple):
    """Left vectors, singular values, right vectors; vectors stand in columns."""

    U: Tensor
    S: Tensor
    V: Tensor


@method()
@computes_in("float")
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> SvdResult:
    """Singular values and vectors: ``input = U @ diag(S) @ V^H``; see ``linalg.svd``.

    Args:
        input: (..., m, n).
        some: leave out vectors that belong to no singular value.
        compute_uv: compute U and V; otherwise they are zeros.

    Raises:
        RuntimeError: no matrices, or no convergence.

    >>> lampas.svd(lampas.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    if compute_uv:
        U, S, Vh = spectral.svd(input, full_matrices=not some)
        return SvdResult(U, S, Vh.mH)
    S = spectral.svdvals(input)
    *batch, m, n = input._data.shape
    U, V = (zeros(*batch, k, k, dtype=input.dtype, device=input.device) for k in (m, n))
    return SvdResult(U, S, V)


# ---- triangular systems


@method()
@computes_in("float")
def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> TriangularSolveResult:
    """Solve ``A @ X = b`` for triangular ``A``; see ``linalg.solve_triangular``.

    Args:
        b: (..., n, k). A: (..., n, n).
        upper: whether ``A`` is upper triangular.
        transpose: solve ``A^T @ X = b``.
        unitriangular: take ones for the diagonal of ``A``.

    Raises:
        RuntimeError: shapes do not fit.

    >>> lampas.triangular_solve(lampas.ones(1, 1), lampas.eye(1)).solution
    tensor([[1.]])
    """
    matrix = A.mT if transpose else A
    solution = solve_triangular(
        matrix, b, upper=upper != transpose, unitriangular=unitriangular
    )
    batch = solution._data.shape[:-2]
    whole = A.expand(*batch, *A._data.shape[-2:])
    return TriangularSolveResult(solution, whole.clone())
