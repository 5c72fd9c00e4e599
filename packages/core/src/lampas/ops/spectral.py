"""Eigenvalues, singular values, and their vectors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, DeviceError, LinAlgError, ShapeError
from lampas.ops._linalg import (
    adjoint,
    batch_matrices,
    batch_spec,
    leading,
    need_matrices,
    need_square,
    on_diagonal,
    real_dtype,
    values_of,
)
from lampas.ops._results import printed_as

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]


@printed_as("linalg_eig")
class EigResult(NamedTuple):
    """Eigenvalues, and the eigenvectors in the columns of matrices."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@printed_as("linalg_eigh")
class EighResult(NamedTuple):
    """Eigenvalues in order, and orthonormal eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@printed_as("linalg_svd")
class SvdResult(NamedTuple):
    """Left vectors in columns, singular values, right vectors in conjugate rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _vectors_spec(specs: Any, dtype: Any) -> list[Spec]:
    shape = specs[0].shape
    return [Spec(shape[:-1], dtype), specs[0]]


# ---- division by differences

_gaps = op(
    "over_gaps", kind="opaque", saves="y s s.dtype", fresh=True, infer=like_input
)
"""``x[..., i, j] / (s[..., j] - s[..., i])``, and zero on the diagonal."""


@_gaps.forward
def over_gaps_forward(xp: Any, x: Any, s: Any) -> Any:
    unit = xp.eye(s.shape[-1], dtype=bool)
    gaps = xp.where(unit, 1, s[..., None, :] - s[..., :, None])
    return xp.where(unit, 0, x / gaps).astype(x.dtype)


@_gaps.vjp
def over_gaps_vjp(F: Any, g: Any, y: Any, s: Any, s_dtype: Any, *, need: Any) -> Any:
    dx = F.over_gaps(g, F.conj(s))
    if not need[1]:
        return dx, None
    slope = F.conj(y) * dx
    last = slope.ndim - 1
    ds = F.sum(slope, dim=(last,), keepdim=False)
    ds = ds - F.sum(slope, dim=(last - 1,), keepdim=False)
    return dx, F.cast(ds, dtype=s_dtype)


# ---- Hermitian matrices


def _eigh_specs(specs: Any, *, upper: bool) -> list[Spec]:
    return _vectors_spec(specs, real_dtype(specs[0].dtype))


_eigh = op(
    "eigh", kind="opaque", outputs=2, saves="y0 y1", infer=_eigh_specs, autocast="float"
)


@_eigh.forward
def eigh_forward(xp: Any, x: Any, *, upper: bool) -> Any:
    return tuple(xp.linalg.eigh(x, UPLO="U" if upper else "L"))


@_eigh.vjp
def eigh_vjp(F: Any, g: Any, L: Any, V: Any, *, need: Any, upper: bool) -> Any:
    inner = None if g[0] is None else on_diagonal(F, g[0])
    if g[1] is not None:
        turned = F.over_gaps(F.matmul(adjoint(F, V), g[1]), L)
        inner = turned if inner is None else inner + turned
    return (F.matmul(F.matmul(V, inner), adjoint(F, V)),)


def _eigvalsh_spec(specs: Any, *, upper: bool) -> Spec:
    return Spec(specs[0].shape[:-1], real_dtype(specs[0].dtype))


_eigvalsh = op(
    "eigvalsh", kind="opaque", saves="x", infer=_eigvalsh_spec, autocast="float"
)


@_eigvalsh.forward
def eigvalsh_forward(xp: Any, x: Any, *, upper: bool) -> Any:
    return xp.linalg.eigvalsh(x, UPLO="U" if upper else "L")


@_eigvalsh.vjp
def eigvalsh_vjp(F: Any, g: Any, x: Any, *, need: Any, upper: bool) -> Any:
    _, V = F.eigh(x, upper=upper)
    return (F.matmul(F.matmul(V, on_diagonal(F, g)), adjoint(F, V)),)


def _is_upper(name: str, UPLO: str) -> bool:
    if not isinstance(UPLO, str):
        raise ArgumentTypeError(
            f"{name}: UPLO must be a str, got {type(UPLO).__name__}"
        )
    if UPLO.upper() not in ("L", "U"):
        raise ShapeError(f"{name}: UPLO must be 'L' or 'U', got {UPLO!r}")
    return UPLO.upper() == "U"


@computes_in("float")
def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Eigenvalues and eigenvectors of Hermitian matrices: ``A = V @ diag(L) @ V^H``.

    Each vector is unique up to its sign, or phase, only: a loss that depends on it has
    no gradient, and neither have the vectors of equal eigenvalues.

    Args:
        A: (..., n, n), Hermitian.
        UPLO: ``"L"`` to look at the lower triangle, ``"U"`` at the upper one.

    Returns:
        ``eigenvalues`` (..., n), real and in ascending order, and ``eigenvectors``
        (..., n, n), in columns.

    Raises:
        RuntimeError: not square, or no convergence.

    >>> lampas.linalg.eigh(lampas.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    need_square("linalg.eigh", A=A)
    return EighResult(*_eigh.call(A, upper=_is_upper("linalg.eigh", UPLO)))


@computes_in("float")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices, in ascending order.

    Args:
        A: (..., n, n), Hermitian.
        UPLO: ``"L"`` to look at the lower triangle, ``"U"`` at the upper one.

    Returns:
        (..., n), real.

    Raises:
        RuntimeError: not square, or no convergence.

    >>> lampas.linalg.eigvalsh(lampas.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    need_square("linalg.eigvalsh", A=A)
    return _eigvalsh.call(A, upper=_is_upper("linalg.eigvalsh", UPLO))


# ---- general matrices


def _complex_of(dtype: Any) -> np.dtype:
    return np.result_type(dtype, np.complex64)


def _eig_specs(specs: Any) -> list[Spec]:
    shape, dtype = specs[0].shape, _complex_of(specs[0].dtype)
    return [Spec(shape[:-1], dtype), Spec(shape, dtype)]


_eig = op(
    "eig",
    kind="opaque",
    outputs=2,
    saves="y0 y1 x.dtype",
    infer=_eig_specs,
    autocast="float",
)


@_eig.forward
def eig_forward(xp: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eig(x)
    dtype = _complex_of(x.dtype)
    return values.astype(dtype), vectors.astype(dtype)


@_eig.vjp
def eig_vjp(F: Any, g: Any, L: Any, V: Any, x_dtype: Any, *, need: Any) -> Any:
    inner = None if g[0] is None else on_diagonal(F, g[0])
    Vh = adjoint(F, V)
    if g[1] is not None:
        # The vectors keep their length: a change along themselves does not count.
        turned = F.matmul(Vh, g[1])
        own = F.diagonal(turned, offset=0, dim1=V.ndim - 2, dim2=V.ndim - 1)
        own = (own + F.conj(own)) * 0.5
        turned = turned - F.matmul(Vh, F.matmul(V, on_diagonal(F, own)))
        turned = F.over_gaps(turned, F.conj(L))
        inner = turned if inner is None else inner + turned
    solved, _ = F.solve(Vh, F.matmul(inner, Vh))
    return (F.cast(solved, dtype=x_dtype),)


def _eigvals_spec(specs: Any) -> Spec:
    return _eig_specs(specs)[0]


_eigvals = op(
    "eigvals", kind="opaque", saves="x x.dtype", infer=_eigvals_spec, autocast="float"
)


@_eigvals.forward
def eigvals_forward(xp: Any, x: Any) -> Any:
    return xp.linalg.eigvals(x).astype(_complex_of(x.dtype))


@_eigvals.vjp
def eigvals_vjp(F: Any, g: Any, x: Any, x_dtype: Any, *, need: Any) -> Any:
    _, V = F.eig(x)
    Vh = adjoint(F, V)
    solved, _ = F.solve(Vh, F.matmul(on_diagonal(F, g), Vh))
    return (F.cast(solved, dtype=x_dtype),)


def _need_finite(name: str, A: Tensor) -> None:
    if not bool(values_of(A).detach().isfinite().all()):
        raise LinAlgError(f"{name}: A must not contain infinities or NaN")


@computes_in("float")
def eig(A: Tensor) -> EigResult:
    """Eigenvalues and eigenvectors: ``A @ V = V @ diag(L)``.

    Vectors have length 1; their phase is not unique, so that a loss that depends on it
    has no gradient, and neither have the vectors of equal eigenvalues.

    Args:
        A: (..., n, n).

    Returns:
        ``eigenvalues`` (..., n), in no order, and ``eigenvectors`` (..., n, n), in
        columns; both complex.

    Raises:
        RuntimeError: not square, not finite, or no convergence.

    >>> lampas.linalg.eig(lampas.tensor([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    need_square("linalg.eig", A=A)
    _need_finite("linalg.eig", A)
    return EigResult(*_eig.call(A))


@computes_in("float")
def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues of square matrices, in no order.

    Args:
        A: (..., n, n).

    Returns:
        (..., n), complex.

    Raises:
        RuntimeError: not square, not finite, or no convergence.

    >>> lampas.linalg.eigvals(lampas.tensor([[2.0]]))
    tensor([2.+0.j])
    """
    need_square("linalg.eigvals", A=A)
    _need_finite("linalg.eigvals", A)
    return _eigvals.call(A)


# ---- singular values


def _svd_specs(specs: Any, *, full_matrices: bool) -> list[Spec]:
    m, n = specs[0].shape[-2:]
    k = min(m, n)
    return [
        batch_spec(specs[0], m, m if full_matrices else k),
        Spec((*specs[0].shape[:-2], k), real_dtype(specs[0].dtype)),
        batch_spec(specs[0], n if full_matrices else k, n),
    ]


_svd = op(
    "svd",
    kind="opaque",
    outputs=3,
    saves="y0 y1 y2 x.dtype",
    infer=_svd_specs,
    autocast="float",
)


@_svd.forward
def svd_forward(xp: Any, x: Any, *, full_matrices: bool) -> Any:
    return tuple(xp.linalg.svd(x, full_matrices=full_matrices))


@_svd.vjp
def svd_vjp(
    F: Any,
    g: Any,
    U: Any,
    S: Any,
    Vh: Any,
    dtype: Any,
    *,
    need: Any,
    full_matrices: bool,
) -> Any:
    k, (gU, gS, gVh) = S.shape[-1], g
    # Vectors behind the k-th belong to no singular value and get no gradient.
    U, Vh = leading(F, U, None, k), leading(F, Vh, k, None)
    Uh, V = adjoint(F, U), adjoint(F, Vh)
    columns = F.reshape(S, shape=(*S.shape[:-1], 1, k))
    rows = F.reshape(S, shape=(*S.shape[:-1], k, 1))
    inner = F.zeros_like(F.matmul(Uh, U)) if gS is None else on_diagonal(F, gS)
    edges = None
    if gU is not None:
        gU = leading(F, gU, None, k)
        turned = F.matmul(Uh, gU)
        skew = turned - adjoint(F, turned)
        inner = inner + F.over_gaps(skew, S * S) * columns
        if dtype.kind == "c":
            phases = F.diagonal(skew, offset=0, dim1=S.ndim - 1, dim2=S.ndim)
            inner = inner + on_diagonal(F, phases / (S * 2))
        if U.shape[-2] > k:
            edges = F.matmul((gU - F.matmul(U, turned)) / columns, Vh)
    if gVh is not None:
        gVh = leading(F, gVh, k, None)
        turned = F.matmul(gVh, V)
        skew = adjoint(F, turned) - turned
        inner = inner + F.over_gaps(skew, S * S) * rows
        if Vh.shape[-1] > k:
            side = F.matmul(U, (gVh - F.matmul(turned, Vh)) / rows)
            edges = side if edges is None else edges + side
    whole = F.matmul(F.matmul(U, inner), Vh)
    return (whole if edges is None else whole + edges,)


def _svdvals_spec(specs: Any) -> Spec:
    return _svd_specs(specs, full_matrices=False)[1]


_svdvals = op(
    "svdvals", kind="opaque", saves="x", infer=_svdvals_spec, autocast="float"
)


@_svdvals.forward
def svdvals_forward(xp: Any, x: Any) -> Any:
    return xp.linalg.svd(x, compute_uv=False)


@_svdvals.vjp
def svdvals_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    U, _, Vh = F.svd(x, full_matrices=False)
    return (F.matmul(F.matmul(U, on_diagonal(F, g)), Vh),)


batch_matrices(_gaps, _eigh, _eigvalsh, _eig, _eigvals, _svd, _svdvals)


def _no_driver(name: str, driver: str | None) -> None:
    if driver is not None:
        raise DeviceError(
            f"{name}: driver chooses among methods of cuSOLVER and must be None, got "
            f"{driver!r}"
        )


@computes_in("float")
def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None
) -> SvdResult:
    """Singular values and vectors: ``A = U @ diag(S) @ Vh``.

    Vectors are unique up to a common sign, or phase, only: a loss that depends on it
    has no gradient, and neither have the vectors of equal or zero singular values.

    Args:
        A: (..., m, n); k is the smaller of m and n.
        full_matrices: give all of the square matrices; otherwise k vectors.
        driver: None.

    Returns:
        ``U`` (..., m, m) or (..., m, k), ``S`` (..., k), real and in descending order,
        and ``Vh`` (..., n, n) or (..., k, n).

    Raises:
        RuntimeError: no matrices, no convergence, or a driver.

    >>> lampas.linalg.svd(lampas.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    need_matrices("linalg.svd", A=A)
    _no_driver("linalg.svd", driver)
    return SvdResult(*_svd.call(A, full_matrices=full_matrices))


@computes_in("float")
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of matrices, in descending order.

    Args:
        A: (..., m, n).
        driver: None.

    Returns:
        (..., min(m, n)), real.

    Raises:
        RuntimeError: no matrices, no convergence, or a driver.

    >>> lampas.linalg.svdvals(lampas.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor([3., 2.])
    """
    need_matrices("linalg.svdvals", A=A)
    _no_driver("linalg.svdvals", driver)
    return _svdvals.call(A)
