"""Determinants, and their logarithms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.infer import Spec, like_input
from lampas.engine.record import op
from lampas.engine.tensor import Tensor
from lampas.ops._linalg import adjoint, batch_matrices, need_square, real_dtype
from lampas.ops._results import printed_as
from lampas.ops.choose import where

__all__ = ["det", "logdet", "slogdet"]


@printed_as("linalg_slogdet")
class SlogdetResult(NamedTuple):
    """Signs, or phases, of determinants, and the logarithms of their sizes."""

    sign: Tensor
    logabsdet: Tensor


def _det_spec(specs: Any) -> Spec:
    return Spec(specs[0].shape[:-2], specs[0].dtype)


_det = op("det", kind="opaque", saves="x", infer=_det_spec, autocast="float")


@_det.forward
def det_forward(xp: Any, x: Any) -> Any:
    return xp.linalg.det(x)


@_det.vjp
def det_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.reshape(g, shape=(*g.shape, 1, 1)) * F.conj(F.cofactor(x)),)


_cofactor = op("cofactor", kind="opaque", saves="x y", infer=like_input)
"""The derivative of the determinant by each entry, of singular matrices too."""


@_cofactor.forward
def cofactor_forward(xp: Any, x: Any) -> Any:
    try:
        inverse = xp.linalg.inv(x)
    except np.linalg.LinAlgError:
        return _of_any_rank(xp, x)
    result = xp.linalg.det(x)[..., None, None] * inverse.swapaxes(-1, -2)
    # Where one of the two overflows or vanishes, their product may still exist.
    usable = xp.isfinite(result).all() and (result != 0).any()
    return result if usable else _of_any_rank(xp, x)


def _of_any_rank(xp: Any, x: Any) -> Any:
    """Cofactors from products of all singular values but one."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    phase = xp.linalg.det(u) * xp.linalg.det(vh)
    ones = xp.ones_like(s[..., :1])
    ahead = xp.cumprod(xp.concatenate([ones, s[..., :-1]], -1), -1)
    behind = xp.concatenate([ones, s[..., :0:-1]], -1)
    others = ahead * xp.cumprod(behind, -1)[..., ::-1]
    scale = (phase[..., None] * others)[..., None, :]
    return (xp.conj(u) * scale) @ xp.conj(vh)


@_cofactor.vjp
def cofactor_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    # From cofactor(x) = det(x) x^-T, so for regular matrices only.
    inverse, _ = F.inv(x)
    bar, last = adjoint(F, inverse), x.ndim - 1
    along = F.sum(g * F.conj(y), dim=(last - 1, last), keepdim=True)
    turned = F.matmul(F.conj(y), F.matrix_transpose(g))
    return (bar * along - F.matmul(turned, bar),)


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices.

    Args:
        A: (..., n, n).

    Returns:
        (...). The gradient exists for singular matrices too.

    Raises:
        RuntimeError: not square.

    >>> lampas.linalg.det(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    need_square("linalg.det", A=A)
    return _det.call(A)


def _slogdet_specs(specs: Any) -> list[Spec]:
    shape, dtype = specs[0].shape[:-2], specs[0].dtype
    return [Spec(shape, dtype), Spec(shape, real_dtype(dtype))]


_slogdet = op(
    "slogdet",
    kind="opaque",
    outputs=2,
    saves="x y0 y1.dtype",
    infer=_slogdet_specs,
    autocast="float",
)


@_slogdet.forward
def slogdet_forward(xp: Any, x: Any) -> Any:
    return tuple(xp.linalg.slogdet(x))


@_slogdet.vjp
def slogdet_vjp(F: Any, g: Any, x: Any, sign: Any, real: Any, *, need: Any) -> Any:
    slope = g[1]
    if g[0] is not None:
        # A phase moves by the imaginary part of the trace of x^-1 dx; a sign never.
        turn = g[0] * F.conj(sign)
        turn = turn - F.cast(turn, dtype=real)
        slope = turn if slope is None else slope + turn
    inverse, _ = F.inv(adjoint(F, x))
    return (F.reshape(slope, shape=(*slope.shape, 1, 1)) * inverse,)


batch_matrices(_det, _cofactor, _slogdet)


def slogdet(A: Tensor) -> SlogdetResult:
    """Signs of determinants, and logarithms of their absolute values.

    Args:
        A: (..., n, n).

    Returns:
        ``sign`` (...): -1, 0 or 1, or a complex number of absolute value 0 or 1;
        ``logabsdet`` (...), real: -infinity for a singular matrix.

    Raises:
        RuntimeError: not square.

    >>> lampas.linalg.slogdet(lampas.tensor([[1.0, 0.0], [0.0, -1.0]])).sign
    tensor(-1.)
    """
    need_square("linalg.slogdet", A=A)
    return SlogdetResult(*_slogdet.call(A))


def logdet(input: Tensor) -> Tensor:
    """The logarithms of determinants.

    Args:
        input: (..., n, n).

    Returns:
        (...): -infinity where the determinant is zero, NaN where it is negative.

    Raises:
        RuntimeError: not square.

    >>> lampas.logdet(lampas.eye(2))
    tensor(0.)
    """
    need_square("logdet", input=input)
    sign, size = _slogdet.call(input)
    if sign.is_complex():
        return sign.log() + size
    return where(sign < 0, np.nan, size)
