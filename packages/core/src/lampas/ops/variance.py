"""Variance and standard deviation, alone or together with the mean."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.infer import reduced, reduced_twice
from lampas.engine.record import REDUCTION, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentError
from lampas.ops._arguments import dims_of, numpy_names
from lampas.ops.reduce import (
    count_of,
    floating,
    kept_shape,
    mean,
    mean_forward,
    mean_vjp,
)

__all__ = ["std", "std_mean", "var", "var_mean"]

_var = op("var", kind=REDUCTION, saves="x", infer=reduced)
_std = op("std", kind=REDUCTION, saves="x y", infer=reduced)


def _freedom(shape: tuple[int, ...], dim: Any, correction: float) -> float:
    count = count_of(shape, dim) - correction
    # PyTorch's rule: nothing left to divide by gives inf or NaN.
    return count if count > 0 else 0.0


@_var.forward
def var_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool, correction: float) -> Any:
    center = xp.true_divide(x.sum(axis=dim, keepdims=True), count_of(x.shape, dim))
    away = xp.absolute(x - center)
    total = (away * away).sum(axis=dim, keepdims=keepdim)
    return xp.true_divide(total, _freedom(x.shape, dim, correction), dtype=total.dtype)


@_std.forward
def std_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool, correction: float) -> Any:
    return xp.sqrt(var_forward(xp, x, dim=dim, keepdim=keepdim, correction=correction))


@_var.vjp
def var_vjp(
    F: Any,
    g: Any,
    x: Any,
    *,
    need: Any,
    dim: Any,
    keepdim: bool,
    correction: float,
) -> Any:
    # Not cut off at 0 as in the value: PyTorch's rule.
    freedom = count_of(x.shape, dim) - correction
    g = F.reshape(g, shape=kept_shape(x.shape, dim))
    away = x - F.mean(x, dim=dim, keepdim=True)
    return (g * away * (2 / freedom if freedom else math.inf),)


def _of_square(F: Any, g: Any, root: Any) -> Any:
    """The cotangent of a square from that of its root; none at 0."""
    return F.masked(g / (root * 2), root != 0)


@_std.vjp
def std_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, **how: Any) -> Any:
    return var_vjp(F, _of_square(F, g, y), x, need=need, **how)


_var_mean = op("var_mean", kind=REDUCTION, outputs=2, saves="x", infer=reduced_twice)
_std_mean = op("std_mean", kind=REDUCTION, outputs=2, saves="x y0", infer=reduced_twice)


@_var_mean.forward
def var_mean_forward(
    xp: Any, x: Any, *, dim: Any, keepdim: bool, correction: float
) -> Any:
    spread = var_forward(xp, x, dim=dim, keepdim=keepdim, correction=correction)
    return spread, mean_forward(xp, x, dim=dim, keepdim=keepdim)


@_std_mean.forward
def std_mean_forward(
    xp: Any, x: Any, *, dim: Any, keepdim: bool, correction: float
) -> Any:
    spread = std_forward(xp, x, dim=dim, keepdim=keepdim, correction=correction)
    return spread, mean_forward(xp, x, dim=dim, keepdim=keepdim)


@_var_mean.vjp
def var_mean_vjp(
    F: Any,
    g: Any,
    x: Any,
    *,
    need: Any,
    dim: Any,
    keepdim: bool,
    correction: float,
) -> Any:
    how = {"need": need, "dim": dim, "keepdim": keepdim}
    of_spread, of_mean = g
    if of_spread is None:
        return mean_vjp(F, of_mean, x.shape, **how)
    (slope,) = var_vjp(F, of_spread, x, correction=correction, **how)
    if of_mean is None:
        return (slope,)
    (share,) = mean_vjp(F, of_mean, x.shape, **how)
    return (slope + share,)


@_std_mean.vjp
def std_mean_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, **how: Any) -> Any:
    of_spread, of_mean = g
    if of_spread is not None:
        of_spread = _of_square(F, of_spread, y)
    return var_mean_vjp(F, (of_spread, of_mean), x, need=need, **how)


def _correction(
    name: str, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[Any, float]:
    """``(dim, correction)`` of both of PyTorch's signatures of var and std."""
    if isinstance(dim, bool):
        # The form var(input, unbiased).
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise ArgumentError(f"{name} takes unbiased or correction, not both")
        correction = 1 if unbiased else 0
    return dim, 1 if correction is None else correction


@method()
@numpy_names
def var(
    input: Tensor,
    dim: int | tuple[int, ...] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance: ``y = sum_i (x[i] - mean) ** 2 / (n - correction)``.

    Args:
        input: any shape, floating.
        dim: the dimensions to reduce; all of them by default.
        unbiased: False is ``correction=0``, True is ``correction=1``.
        keepdim: keep reduced dimensions with size 1.
        correction: subtracted from the number of elements; 1 by default.

    Raises:
        RuntimeError: the input is integer or bool.

    >>> lampas.var(lampas.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim, correction = _correction("var", dim, unbiased, correction)
    input = floating("var", input)
    dims = dims_of(dim, input._data.ndim)
    return _var.call(input, dim=dims, keepdim=keepdim, correction=correction)


@method()
@numpy_names
def std(
    input: Tensor,
    dim: int | tuple[int, ...] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation: the root of :func:`var`.

    Args:
        input, dim, unbiased, keepdim, correction: as for :func:`var`.

    >>> lampas.std(lampas.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim, correction = _correction("std", dim, unbiased, correction)
    input = floating("std", input)
    dims = dims_of(dim, input._data.ndim)
    return _std.call(input, dim=dims, keepdim=keepdim, correction=correction)


def var_mean(
    input: Tensor,
    dim: int | tuple[int, ...] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean; arguments as for :func:`var`.

    >>> lampas.var_mean(lampas.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = _correction("var_mean", dim, unbiased, correction)
    if input.is_complex():  # whose variance is real
        spread = var(input, dim, None, keepdim, correction=correction)
        return spread, mean(input, dim, keepdim)
    input = floating("var_mean", input)
    dims = dims_of(dim, input._data.ndim)
    pair = _var_mean.call(input, dim=dims, keepdim=keepdim, correction=correction)
    return pair[0], pair[1]


def std_mean(
    input: Tensor,
    dim: int | tuple[int, ...] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean; arguments as for :func:`var`.

    >>> lampas.std_mean(lampas.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = _correction("std_mean", dim, unbiased, correction)
    if input.is_complex():  # whose variance is real
        spread = std(input, dim, None, keepdim, correction=correction)
        return spread, mean(input, dim, keepdim)
    input = floating("std_mean", input)
    dims = dims_of(dim, input._data.ndim)
    pair = _std_mean.call(input, dim=dims, keepdim=keepdim, correction=correction)
    return pair[0], pair[1]
