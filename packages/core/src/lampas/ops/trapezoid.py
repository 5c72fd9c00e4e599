"""Integrals of samples by the trapezoidal rule."""

from __future__ import annotations

from lampas.dtypes import bool_
from lampas.engine.tensor import Tensor
from lampas.errors import DimensionError, DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.scan import cumsum, diff

__all__ = ["cumulative_trapezoid", "trapezoid", "trapz"]


def _widths(name: str, y: Tensor, x: Tensor, dim: int) -> Tensor:
    """The distances of sample points, in a shape that broadcasts against y's steps."""
    size, points = y._data.shape[dim], x._data.shape
    if x._data.ndim == 0:
        raise ShapeError(f"{name}: x must have a dimension, got a 0-d tensor")
    if x._data.ndim == 1:
        if points[0] != size:
            raise ShapeError(
                f"{name}: x has {points[0]} points, y has {size} samples along {dim}"
            )
        return diff(x).reshape(-1, *(1,) * (y._data.ndim - dim - 1))
    if x._data.ndim < y._data.ndim:
        x = x.reshape((1,) * (y._data.ndim - x._data.ndim) + points)
    return diff(x, dim=dim)


def _steps(
    name: str, y: Tensor, x: Tensor | None, dx: float | None, dim: int
) -> tuple[Tensor, float]:
    """The areas between neighbouring samples, to be scaled by the second."""
    if y.dtype == bool_ or (x is not None and x.dtype == bool_):
        raise DTypeError(f"{name} is not implemented for bool tensors")
    if x is not None and dx is not None:
        raise ShapeError(f"{name}: give x or dx, not both")
    size = y._data.shape[dim]
    pairs = y.narrow(dim, 0, max(size - 1, 0)) + y.narrow(dim, min(1, size), size - 1)
    if x is not None:
        return pairs * _widths(name, y, x, dim), 0.5
    return pairs, 0.5 * (1 if dx is None else dx)


def _need_dim(name: str, y: Tensor, dim: int) -> int:
    if y._data.ndim == 0:
        raise DimensionError(f"{name}: y must have a dimension, got a 0-d tensor")
    return normalize_dim(dim, y._data.ndim)


def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral by the trapezoidal rule: ``sum_i (x[i+1]-x[i]) (y[i]+y[i+1]) / 2``.

    Args:
        y: samples, any shape.
        x: where they were taken: a vector, or a shape that broadcasts against y's.
        dx: their distance, instead of ``x``; 1 by default.
        dim: the dimension along which to integrate.

    Raises:
        RuntimeError: x does not fit y.
        IndexError: ``dim`` is out of range.

    >>> lampas.trapezoid(lampas.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    dim = _need_dim("trapezoid", y, dim)
    if y._data.shape[dim] == 0:
        shape = y._data.shape[:dim] + y._data.shape[dim + 1 :]
        return y.new_zeros(shape)
    areas, scale = _steps("trapezoid", y, x, dx, dim)
    return areas.sum(dim) * scale


trapz = trapezoid


def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """Running integrals by the trapezoidal rule; arguments as for :func:`trapezoid`.

    >>> lampas.cumulative_trapezoid(lampas.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    dim = _need_dim("cumulative_trapezoid", y, dim)
    if y._data.shape[dim] == 0:
        return y.new_zeros(y._data.shape)
    areas, scale = _steps("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, dim) * scale
