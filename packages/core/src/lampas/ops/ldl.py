"""LDL decompositions of symmetric and Hermitian matrices, by Bunch and Kaufman."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops._linalg import (
    batch_matrices,
    check_info,
    need_matrices,
    need_square,
)
from lampas.ops._results import printed_as
from lampas.ops.solve import check_sides

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]


@printed_as("linalg_ldl_factor")
class LdlFactorResult(NamedTuple):
    """L and D in one matrix, and the rows and blocks of the decomposition."""

    LD: Tensor
    pivots: Tensor


@printed_as("linalg_ldl_factor_ex")
class LdlFactorExResult(NamedTuple):
    """As LdlFactorResult, and 0 or the number of the first block that is zero."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


# ---- one matrix, as LAPACK's sytf2, hetf2 and sytrs do it

# Bounds the growth of entries for pivots of one and of two columns alike.
_ALPHA = (1 + 17**0.5) / 8


def _size(x: Any) -> Any:
    """What LAPACK compares entries by."""
    return abs(x.real) + abs(x.imag)


def _choose(a: Any, k: int) -> tuple[int, int]:
    """The pivot for column ``k``: its row, and how many columns it spans."""
    n, own = len(a), float(_size(a[k, k]))
    if k == n - 1:
        return k, 1
    row = k + 1 + int(np.argmax(_size(a[k + 1 :, k])))
    largest = float(_size(a[row, k]))
    if not max(own, largest) > 0 or own >= _ALPHA * largest:
        return k, 1
    others = float(_size(a[row, k:row]).max())
    if row + 1 < n:
        others = max(others, float(_size(a[row + 1 :, row]).max()))
    if own >= _ALPHA * largest * (largest / others):
        return k, 1
    if float(_size(a[row, row])) >= _ALPHA * others:
        return row, 1
    return row, 2


def _swap(a: Any, j: int, p: int, k: int, turned: Callable[[Any], Any]) -> None:
    """Swap rows and columns ``j`` and ``p`` of the lower triangle from ``k`` on."""
    a[[j, p], k:j] = a[[p, j], k:j]
    below = a[p + 1 :, j].copy()
    a[p + 1 :, j], a[p + 1 :, p] = a[p + 1 :, p], below
    between = a[j + 1 : p, j].copy()
    a[j + 1 : p, j] = turned(a[p, j + 1 : p])
    a[p, j + 1 : p] = turned(between)
    a[p, j] = turned(a[p, j])
    a[j, j], a[p, p] = a[p, p], a[j, j]


def _turning(hermitian: bool) -> Callable[[Any], Any]:
    return np.conj if hermitian else np.asarray


def _factor_one(a: Any, pivots: Any, hermitian: bool) -> int:
    """Decompose the lower triangle in place; the first zero pivot, from 1, or 0."""
    turned, n, info, k = _turning(hermitian), len(a), 0, 0
    while k < n:
        if hermitian:
            np.fill_diagonal(a, a.diagonal().real)
        row, width = _choose(a, k)
        last = k + width - 1
        if row != last:
            _swap(a, last, row, k, turned)
        pivots[k : last + 1] = (row + 1) if width == 1 else -(row + 1)
        rest = slice(last + 1, n)
        block = _block(a, k, width, turned)
        if width == 1 and block[0, 0] == 0:
            info = info or k + 1
        elif last + 1 < n:
            columns = a[rest, k : last + 1].copy()
            factors = np.linalg.solve(block.T, columns.T).T
            a[rest, rest] -= np.tril(factors @ turned(columns.T))
            a[rest, k : last + 1] = factors
        k += width
    return info


def _block(a: Any, k: int, width: int, turned: Callable[[Any], Any]) -> Any:
    """The pivot at ``k``, as a whole matrix of one or two columns."""
    block = a[k : k + width, k : k + width].copy()
    if width == 2:
        block[0, 1] = turned(block[1, 0])
    return block


def _solve_one(ld: Any, pivots: Any, x: Any, hermitian: bool) -> None:
    """Solve in place in ``x`` from a decomposition."""
    turned, n, k = _turning(hermitian), len(ld), 0
    starts = []
    while k < n:
        width = 1 if pivots[k] > 0 else 2
        starts.append((k, width))
        last, row = k + width - 1, abs(int(pivots[k])) - 1
        x[[last, row]] = x[[row, last]]
        x[last + 1 :] -= ld[last + 1 :, k : last + 1] @ x[k : last + 1]
        with np.errstate(all="ignore"):
            block = _block(ld, k, width, turned)
            x[k : last + 1] = _over(block, x[k : last + 1])
        k += width
    for k, width in reversed(starts):
        last, row = k + width - 1, abs(int(pivots[k])) - 1
        x[k : last + 1] -= turned(ld[last + 1 :, k : last + 1].T) @ x[last + 1 :]
        x[[last, row]] = x[[row, last]]


def _over(block: Any, x: Any) -> Any:
    return x / block[0, 0] if len(block) == 1 else np.linalg.solve(block, x)


# ---- records; both work on the host, one matrix after the other


def _factor_specs(specs: Any, *, hermitian: bool) -> list[Spec]:
    shape, integer = specs[0].shape, np.dtype(np.int32)
    return [specs[0], Spec(shape[:-1], integer), Spec(shape[:-2], integer)]


_factor = op(
    "ldl_factor", kind="opaque", outputs=3, infer=_factor_specs, autocast="float"
)


@_factor.forward
def ldl_factor_forward(xp: Any, x: Any, *, hermitian: bool) -> Any:
    ld = np.array(to_host(x))
    pivots = np.zeros(x.shape[:-1], np.int32)
    info = np.zeros(x.shape[:-2], np.int32)
    for i in np.ndindex(*x.shape[:-2]):
        ld[i] = np.tril(ld[i])
        info[i] = _factor_one(ld[i], pivots[i], hermitian)
    return xp.asarray(ld), xp.asarray(pivots), xp.asarray(info)


def _solve_spec(specs: Any, *, hermitian: bool) -> Spec:
    (a, dtype), _, (b, _) = specs
    return Spec((*broadcast_shapes(a[:-2], b[:-2]), *b[-2:]), dtype)


_solve = op("ldl_solve", kind="opaque", infer=_solve_spec, autocast="float")


@_solve.forward
def ldl_solve_forward(
    xp: Any, x: Any, pivots: Any, other: Any, *, hermitian: bool
) -> Any:
    ld, rows, b = to_host(x), to_host(pivots), to_host(other)
    batch = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    result = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])))
    ld = np.broadcast_to(ld, (*batch, *ld.shape[-2:]))
    rows = np.broadcast_to(rows, (*batch, rows.shape[-1]))
    for i in np.ndindex(*batch):
        _solve_one(ld[i], rows[i], result[i], hermitian)
    return xp.asarray(result)


batch_matrices(_factor)

# ---- functions

_ZERO = "block {}, counted from 1, of D is zero, so that it solves no system"


def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False
) -> LdlFactorExResult:
    """:func:`ldl_factor`, with numbers that say where D is singular.

    Args:
        A: (..., n, n), symmetric or Hermitian; the lower triangle is looked at.
        hermitian: which of the two complex matrices are.
        check_errors: raise if D is singular.

    Returns:
        ``LD`` (..., n, n), ``pivots`` (..., n) of int32, and ``info`` (...) of int32:
        0, or the number of the first column without a pivot.

    Raises:
        RuntimeError: not square; or D is singular, with ``check_errors``.

    >>> lampas.linalg.ldl_factor_ex(lampas.tensor([[0.0]])).info
    tensor(1, dtype=lampas.int32)
    """
    need_square("linalg.ldl_factor_ex", A=A)
    result = LdlFactorExResult(*_factor.call(A, hermitian=hermitian))
    if check_errors:
        check_info("linalg.ldl_factor_ex", result.info, _ZERO)
    return result


def ldl_factor(A: Tensor, *, hermitian: bool = False) -> LdlFactorResult:
    """Decompose symmetric matrices that need not be positive: ``A = L @ D @ L^T``.

    D has blocks of one or two rows on its diagonal; L is a product of permutations and
    unit lower triangles. There is no gradient.

    Args:
        A: (..., n, n), symmetric or Hermitian; the lower triangle is looked at.
        hermitian: which of the two complex matrices are.

    Returns:
        ``LD`` (..., n, n) and ``pivots`` (..., n) of int32, as LAPACK keeps them.

    Raises:
        RuntimeError: not square; or D is singular.

    >>> lampas.linalg.ldl_factor(lampas.tensor([[2.0, 1.0], [1.0, 1.0]])).LD
    tensor([[2.0000, 0.0000],
            [0.5000, 0.5000]])
    """
    need_square("linalg.ldl_factor", A=A)
    LD, pivots, info = _factor.call(A, hermitian=hermitian)
    check_info("linalg.ldl_factor", info, _ZERO)
    return LdlFactorResult(LD, pivots)


def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False
) -> Tensor:
    """Solve ``A @ X = B`` from the LDL decomposition of ``A``; without a gradient.

    Args:
        LD: (..., n, n). pivots: (..., n), integers; both from :func:`ldl_factor`.
        B: (..., n, k); leading dimensions broadcast.
        hermitian: as it was for :func:`ldl_factor`.

    Raises:
        RuntimeError: shapes do not fit, or the pivots are no integers.

    >>> factors = lampas.linalg.ldl_factor(lampas.tensor([[2.0, 1.0], [1.0, 1.0]]))
    >>> lampas.linalg.ldl_solve(*factors, lampas.tensor([[3.0], [2.0]]))
    tensor([[1.],
            [1.]])
    """
    need_square("linalg.ldl_solve", LD=LD)
    need_matrices("linalg.ldl_solve", LD=LD, B=B)
    check_sides("linalg.ldl_solve", LD, B, True)
    if pivots.dtype.category != 1:
        raise DTypeError(
            f"linalg.ldl_solve: pivots must be integers, got {pivots.dtype}"
        )
    if pivots._data.shape != LD._data.shape[:-1]:
        raise ShapeError(
            f"linalg.ldl_solve: pivots for LD of shape {LD._data.shape} must have "
            f"shape {LD._data.shape[:-1]}, got {pivots._data.shape}"
        )
    return _solve.call(LD, pivots, B, hermitian=hermitian)
