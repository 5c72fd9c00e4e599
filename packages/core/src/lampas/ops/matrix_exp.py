"""The exponential of matrices, by Pade approximants, scaling and squaring."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import moved
from lampas.engine.infer import like_input
from lampas.engine.record import OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError

__all__ = ["matrix_exp"]

# The largest 1-norm up to which an approximant of each degree is exact to rounding
# (Higham, The scaling and squaring method for the matrix exponential revisited, 2005).
_LIMITS = {
    "d": {3: 1.495585e-2, 5: 2.539398e-1, 7: 9.504179e-1, 9: 2.097848, 13: 5.371920},
    "f": {3: 4.258730e-1, 5: 1.880153, 7: 3.925725},
}

_matrix_exp = op("matrix_exp", kind=OPAQUE, saves="x", infer=like_input)


def _weights(degree: int) -> list[float]:
    """The coefficients of the numerator; the denominator's alternate in sign."""
    return [math.comb(degree, j) / math.perm(2 * degree, j) for j in range(degree + 1)]


def _approximant(xp: Any, x: Any, degree: int) -> Any:
    """``q(-x)^-1 q(x)``, with the even and the odd powers summed apart."""
    weights = _weights(degree)
    power = xp.eye(x.shape[-1], dtype=x.dtype)
    square = xp.matmul(x, x)
    even, odd = weights[0] * power, weights[1] * power
    for j in range(2, degree, 2):
        power = xp.matmul(power, square) if j > 2 else square
        even = even + weights[j] * power
        odd = odd + weights[j + 1] * power
    odd = xp.matmul(x, odd)
    return xp.linalg.solve(even - odd, even + odd)


@_matrix_exp.forward
def matrix_exp_forward(xp: Any, x: Any) -> Any:
    if x.size == 0:
        return x.copy()
    size = xp.absolute(x).sum(axis=-2).max(axis=-1)
    finite = xp.isfinite(size)
    size = xp.where(finite, size, 0)
    limits = _LIMITS["f" if x.dtype.char in "fF" else "d"]
    largest = float(size.max())
    degree = next((d for d, limit in limits.items() if largest <= limit), max(limits))
    # Each matrix is halved as often as it needs, and squared as often afterwards.
    ratio = xp.maximum(size / limits[degree], 1)
    halvings = xp.ceil(xp.log2(ratio)).astype(int)[..., None, None]
    clean = xp.where(finite[..., None, None], x, 0)
    y = _approximant(xp, clean * xp.exp2(-halvings).astype(x.real.dtype), degree)
    for step in range(int(halvings.max())):
        y = xp.where(step < halvings, xp.matmul(y, y), y)
    return xp.where(finite[..., None, None], y, math.nan).astype(x.dtype)


@_matrix_exp.vjp
def matrix_exp_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    # exp([[A, G], [0, A]]) has the slope of exp at A along G as its upper right block.
    a = F.conj(F.matrix_transpose(x))
    n = x.shape[-1]
    upper = F.cat(a, g, dim=x.ndim - 1)
    lower = F.cat(F.zeros_like(a), a, dim=x.ndim - 1)
    both = F.matrix_exp(F.cat(upper, lower, dim=x.ndim - 2))
    return (F.slice(both, index=(..., slice(0, n), slice(n, 2 * n))),)


moved(_matrix_exp, least=2)


@method()
def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of square matrices: ``sum_k A^k / k!``.

    Args:
        input: (..., n, n), floating or complex.

    Raises:
        RuntimeError: not square matrices, or integers.

    >>> lampas.matrix_exp(lampas.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    shape = input._data.shape
    if input._data.dtype.kind in "biu":
        raise DTypeError(
            f"matrix_exp: input must be floating or complex, got {input.dtype}"
        )
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"matrix_exp: input must be (..., n, n), got {tuple(shape)}")
    return _matrix_exp.call(input)
