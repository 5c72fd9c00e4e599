"""Pseudo-inverses, ranks and least squares."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.dtypes import int64
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec
from lampas.engine.modes import no_grad
from lampas.engine.record import DECLINE, op
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops._linalg import (
    adjoint,
    batch_spec,
    need_floats,
    need_matrices,
    need_square,
    values_of,
)
from lampas.ops._results import printed_as
from lampas.ops.choose import where
from lampas.ops.create import empty, tensor
from lampas.ops.spectral import eigvalsh, svdvals

__all__ = ["lstsq", "matrix_rank", "pinv", "pinverse"]


@printed_as("linalg_lstsq")
class LstsqResult(NamedTuple):
    """Solutions, sums of squares of what remains, ranks, singular values."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


# ---- which singular values count as zero


def _tolerance(name: str, argument: str, value: Any, A: Tensor) -> Tensor:
    """A tolerance that is a number or a tensor, as a tensor."""
    if isinstance(value, Tensor):
        if value.is_complex():
            raise DTypeError(f"{name}: {argument} must be real, got {value.dtype}")
        return value.detach().to(A.dtype.to_real())
    return tensor(float(value), dtype=A.dtype.to_real(), device=A.device)


def _tolerances(name: str, A: Tensor, atol: Any, rtol: Any) -> tuple[Tensor, Tensor]:
    """Both tolerances; ``rtol`` is that of PyTorch unless one is given."""
    absolute = _tolerance(name, "atol", 0.0 if atol is None else atol, A)
    usual = max(A._data.shape[-2:]) * float(np.finfo(A._data.dtype).eps)
    if rtol is not None:
        return absolute, _tolerance(name, "rtol", rtol, A)
    if not isinstance(atol, Tensor):
        return absolute, _tolerance(name, "rtol", usual if not atol else 0.0, A)
    return absolute, where(absolute > 0, 0.0, usual).to(absolute.dtype)


def _cut(atol: Tensor, rtol: Tensor, values: Tensor) -> Tensor:
    """The values above which singular values count, with a last dimension of 1."""
    if values._data.shape[-1] == 0:
        return atol.unsqueeze(-1)
    largest = values.amax(-1)
    return atol.maximum(rtol * largest).unsqueeze(-1)


# ---- pseudo-inverse


def _pinv_spec(specs: Any, *, hermitian: bool) -> Spec:
    m, n = specs[0].shape[-2:]
    return batch_spec(specs[0], n, m)


_pinv = op("pinv", kind="opaque", saves="x y", infer=_pinv_spec, autocast="float")
"""Moore and Penrose's inverse; singular values up to a limit count as zero."""


@_pinv.forward
def pinv_forward(xp: Any, x: Any, atol: Any, rtol: Any, *, hermitian: bool) -> Any:
    if x.size == 0:
        return xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    if hermitian:
        values, left = xp.linalg.eigh(x)
        right = left
    else:
        left, values, vh = xp.linalg.svd(x, full_matrices=False)
        right = xp.conj(vh.swapaxes(-1, -2))
    sizes = abs(values)
    limit = xp.maximum(atol, rtol * sizes.max(axis=-1))[..., None]
    counts = sizes > limit
    scale = xp.where(counts, 1 / xp.where(counts, values, 1), 0).astype(values.dtype)
    return (right * scale[..., None, :]) @ xp.conj(left.swapaxes(-1, -2))


@_pinv.vjp
def pinv_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, hermitian: bool) -> Any:
    gh, yh = adjoint(F, g), adjoint(F, y)
    whole = -F.matmul(F.matmul(yh, g), yh)
    # Both other terms vanish on the range and the kernel of a regular x.
    squared = F.matmul(y, yh)
    side = F.matmul(gh, squared)
    whole = whole + side - F.matmul(F.matmul(x, y), side)
    squared = F.matmul(yh, y)
    side = F.matmul(squared, gh)
    whole = whole + side - F.matmul(side, F.matmul(y, x))
    return whole, None, None


@_pinv.batch
def pinv_batch(F: Any, size: int, batched: Any, /, *values: Any, **params: Any) -> Any:
    return DECLINE if any(batched[1:]) else _pinv.call(*values, **params)


@computes_in("half")
def _as_product(inverse: Tensor) -> Tensor:
    """In the type of matrix products: a product is the last that PyTorch does."""
    return inverse


def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """The pseudo-inverse of Moore and Penrose.

    Args:
        A: (..., m, n).
        rcond: another name for ``rtol``.
        hermitian: take ``A`` for Hermitian and look at its lower triangle only.
        atol: singular values up to this count as zero, a number or a tensor (...).
        rtol: as do those up to this times the largest; by default ``max(m, n)`` times
            the dtype's eps, or 0 with a positive ``atol``.

    Returns:
        (..., n, m). The gradient takes the rank for constant.

    Raises:
        RuntimeError: no matrices.

    >>> lampas.linalg.pinv(lampas.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    need_matrices("linalg.pinv", A=A)
    limits = _tolerances("linalg.pinv", A, atol, rcond if rtol is None else rtol)
    if hermitian:
        need_square("linalg.pinv", A=A)
    return _as_product(_pinv.call(A, *limits, hermitian=hermitian))


@computes_in("float")
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse; see ``linalg.pinv``.

    Args:
        input: (..., m, n).
        rcond: singular values up to this times the largest count as zero.

    Raises:
        RuntimeError: no matrices.

    >>> lampas.pinverse(lampas.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return pinv(input, rcond)


# ---- rank


@no_grad()
@computes_in("float")
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """How many singular values are not zero.

    Args:
        A: (..., m, n).
        tol: another name for ``atol``, with ``rtol=0``.
        hermitian: take ``A`` for Hermitian and look at its lower triangle only.
        atol: singular values up to this count as zero, a number or a tensor (...).
        rtol: as do those up to this times the largest; by default ``max(m, n)`` times
            the dtype's eps, or 0 with a positive ``atol``.

    Returns:
        (...) of int64.

    Raises:
        RuntimeError: no matrices.

    >>> lampas.linalg.matrix_rank(lampas.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    name = "linalg.matrix_rank"
    need_matrices(name, A=A)
    if tol is not None:
        atol, rtol = tol, 0.0
    limits = _tolerances(name, A, atol, rtol)
    if hermitian:
        need_square(name, A=A)
        values = eigvalsh(A).abs()
    else:
        values = svdvals(A)
    return (values > _cut(*limits, values)).sum(-1)


# ---- least squares

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@computes_in("float")
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> LstsqResult:
    """The X of least norm for which ``||A @ X - B||`` is least.

    Args:
        A: (..., m, n).
        B: (..., m, k); or (..., m), one right-hand side for each matrix.
        rcond: singular values up to this times the largest count as zero; by default
            ``max(m, n)`` times the dtype's eps.
        driver: the LAPACK routine whose results to give; all are computed by singular
            values. ``"gels"`` takes ``A`` to have full rank.

    Returns:
        ``solution`` (..., n, k). ``residuals`` (..., k): the squared norms of what
        remains, if ``m > n`` and each rank is n; empty otherwise, and for ``"gelsy"``,
        the default. ``rank`` (...), empty for ``"gels"``. ``singular_values``
        (..., min(m, n)) for ``"gelsd"`` and ``"gelss"``, else empty.

    Raises:
        RuntimeError: shapes do not fit, or an unknown driver.

    >>> A = lampas.tensor([[2.0], [0.0]])
    >>> lampas.linalg.lstsq(A, lampas.tensor([[4.0], [1.0]])).solution
    tensor([[2.]])
    """
    name = "linalg.lstsq"
    driver = "gelsy" if driver is None else driver
    if driver not in _DRIVERS:
        raise ShapeError(f"{name}: driver must be one of {_DRIVERS}, got {driver!r}")
    need_matrices(name, A=A)
    need_floats(name, A=A, B=B)
    a, b = A._data.shape, B._data.shape
    vector = len(a) - 1 == len(b)
    if (a[:-1] if vector else a[:-2]) != (b if vector else b[:-2]):
        raise ShapeError(f"{name}: A of shape {a} and B of shape {b} don't fit")
    if not vector and (len(b) < 2 or a[-2] != b[-2]):
        raise ShapeError(f"{name}: A of shape {a} and B of shape {b} don't fit")
    columns = B.unsqueeze(-1) if vector else B
    rtol = 0.0 if driver == "gels" else rcond
    if rtol is None or rtol < 0:
        rtol = max(a[-2:]) * float(np.finfo(A._data.dtype).eps)
    solution = pinv(A, rtol=rtol) @ columns
    nothing = empty(0, dtype=A.dtype.to_real(), device=A.device)
    values, ranks, full = nothing, empty(0, dtype=int64), True
    if driver != "gels":
        with no_grad():
            values = svdvals(A)
            limits = _tolerances(name, A, 0.0, rtol)
            ranks = (values > _cut(*limits, values)).sum(-1)
        full = driver != "gelsy" and bool((values_of(ranks) == a[-1]).all())
    if a[-2] > a[-1] and full:
        residuals = (A @ solution - columns).abs().square().sum(-2)
    else:
        # Empty, and with a gradient all the same, as in PyTorch.
        residuals = solution.abs().reshape(-1)[:0]
    return LstsqResult(
        solution.squeeze(-1) if vector else solution,
        residuals,
        ranks,
        values if driver in ("gelsd", "gelss") else nothing,
    )
