"""What the families of special functions share: series, and domains in parts.

Values are computed in double precision and rounded once. The Chebyshev series of these
families were computed from the functions' definitions in 60-digit arithmetic, at the
Chebyshev points, up to the first coefficient that a double no longer notices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, GradientError

__all__ = [
    "by_parts",
    "chebyshev",
    "doubles",
    "no_derivative",
    "over",
    "polynomial",
    "require_real",
]

Part = tuple[Any, Callable[..., Any] | float]


def polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """``sum c[k] x ** k`` by Horner's rule."""
    result = x * 0 + coefficients[-1]
    for c in coefficients[-2::-1]:
        result *= x
        result += c
    return result


def over(F: Any, y: Any, x: Any) -> Any:
    """``y / x`` in a gradient rule, where it goes to 1/2 at 0.

    The divisor keeps the gradients of this one finite.
    """
    return F.where(x == 0, 0.5, y / (x + (x == 0)))


def chebyshev(x: Any, low: float, high: float, coefficients: Sequence[float]) -> Any:
    """Clenshaw's sum of ``c[k] T_k(u)``, with ``u`` from -1 at low to 1 at high."""
    u = (x * 2 - (low + high)) / (high - low)
    double = u * 2
    before, last = u * 0, u * 0
    for c in coefficients[:0:-1]:
        step = double * last
        step -= before
        step += c
        before, last = last, step
    return u * last - before + coefficients[0]


def doubles(xp: Any, x: Any, other: Any) -> tuple[Any, Any, Any]:
    """Two operands as float64 arrays of one shape, and the dtype of their result.

    One of them may be a Python number.
    """
    dtype = x.dtype if hasattr(x, "dtype") else other.dtype
    if not hasattr(x, "dtype"):
        x = xp.full(other.shape, x)
    if not hasattr(other, "dtype"):
        other = xp.full(x.shape, other)
    a, b = xp.broadcast_arrays(x.astype(np.float64), other.astype(np.float64))
    return a, b, dtype


def by_parts(xp: Any, arrays: Sequence[Any], *parts: Part) -> Any:
    """Evaluate each function only where its condition is the first that holds.

    Args:
        xp: the array module.
        arrays: float64 arrays of one shape, the arguments of the functions.
        parts: pairs of a condition (bool, that shape) and either a function
            ``function(xp, *arrays)`` of 1-d arrays or a number.

    Returns:
        An array of that shape; NaN where no condition holds.
    """
    shape = arrays[0].shape
    flat = [xp.reshape(a, -1) for a in arrays]
    result = xp.full(flat[0].shape, math.nan)
    left = xp.ones(flat[0].shape, bool)
    for condition, function in parts:
        chosen = xp.logical_and(left, xp.reshape(condition, -1))
        if not bool(xp.any(chosen)):
            continue
        left = xp.logical_and(left, xp.logical_not(chosen))
        if callable(function):
            result[chosen] = function(xp, *(a[chosen] for a in flat))
        else:
            result[chosen] = function
    return xp.reshape(result, shape)


def require_real(name: str, *inputs: Any) -> None:
    """Refuse complex tensors and numbers.

    Raises:
        RuntimeError: an input is complex.
    """
    for x in inputs:
        kind = x.dtype if isinstance(x, Tensor) else type(x)
        if isinstance(x, complex) or (isinstance(x, Tensor) and x.is_complex()):
            raise DTypeError(f"{name} is not implemented for {kind}, only for reals")


def no_derivative(name: str, argument: str) -> GradientError:
    """The error of a gradient that is not known."""
    return GradientError(
        f"the derivative of {name} with respect to {argument} is not implemented; "
        "detach that tensor"
    )
