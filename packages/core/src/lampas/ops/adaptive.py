"""Pooling to a given output size, and linear maps along a dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import by_example
from lampas.errors import ShapeError
from lampas.ops import pool
from lampas.ops._spatial import spatial
from lampas.ops.flat import gather_flat

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "resample",
]

OutSize = int | None | Sequence[int | None]


def _resampled(specs: Any, *, dim: int, matrix: np.ndarray) -> Spec:
    shape, dtype = specs[0]
    return Spec((*shape[:dim], matrix.shape[0], *shape[dim + 1 :]), dtype)


_resample = op("resample", kind=LINEAR, fresh=True, infer=_resampled)


@_resample.forward
def resample_forward(xp: Any, x: Any, *, dim: int, matrix: np.ndarray) -> Any:
    matrix = xp.asarray(matrix, x.dtype)
    if dim == x.ndim - 1:
        return xp.matmul(x, matrix.T)
    if dim == x.ndim - 2:
        return xp.matmul(matrix, x)
    rows = x.reshape(*x.shape[: dim + 1], math.prod(x.shape[dim + 1 :]))
    return xp.matmul(matrix, rows).reshape(
        *x.shape[:dim], matrix.shape[0], *x.shape[dim + 1 :]
    )


@_resample.vjp
def resample_vjp(F: Any, g: Any, *, need: Any, dim: int, matrix: Any) -> Any:
    return (F.resample(g, dim=dim, matrix=matrix.T),)


moved(_resample, least=1, dim=shifted)


def resample(input: Tensor, dim: int, matrix: np.ndarray) -> Tensor:
    """Multiply every line along ``dim`` by a constant matrix (new size, old size)."""
    return _resample.call(input, dim=dim, matrix=matrix)


def _bounds(size: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each output's share of the input."""
    at = np.arange(out)
    return at * size // out, -((at + 1) * size // -out)


def averages(size: int, out: int) -> np.ndarray:
    """The matrix that takes the mean of each output's share."""
    start, end = _bounds(size, out)
    places = np.arange(size)
    inside = (places >= start[:, None]) & (places < end[:, None])
    return inside / (end - start)[:, None]


def _out_sizes(name: str, n: int, input: Tensor, output_size: Any) -> tuple[int, ...]:
    shape = input._data.shape
    if len(shape) not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: expected {n + 1}D or {n + 2}D input, got shape {tuple(shape)}"
        )
    if any(s == 0 for s in shape[-n:]):
        raise ShapeError(f"{name}: input has an empty dimension, shape {tuple(shape)}")
    wanted = output_size
    if isinstance(wanted, (tuple, list)):
        if len(wanted) != n:
            raise ShapeError(f"{name}: output_size must have {n} sizes, got {wanted}")
        pairs = zip(wanted, shape[-n:], strict=True)
        wanted = [size if w is None else w for w, size in pairs]
    elif wanted is None:
        wanted = shape[-n:]
    sizes = spatial(list(wanted) if not isinstance(wanted, int) else wanted, n, "size")
    if any(s < 0 for s in sizes):
        raise ShapeError(f"{name}: output_size must not be negative, got {sizes}")
    return sizes


def _divides(input: Tensor, sizes: tuple[int, ...]) -> bool:
    shape = input._data.shape[-len(sizes) :]
    return all(o and s % o == 0 for s, o in zip(shape, sizes, strict=True))


def _kernel(input: Tensor, sizes: tuple[int, ...]) -> tuple[int, ...]:
    shape = input._data.shape[-len(sizes) :]
    return tuple(s // o for s, o in zip(shape, sizes, strict=True))


def _avg(n: int, input: Tensor, output_size: OutSize) -> Tensor:
    sizes = _out_sizes(f"adaptive_avg_pool{n}d", n, input, output_size)
    if _divides(input, sizes) and input._data.size:
        kernel = _kernel(input, sizes)
        return pool.average(n, input, kernel, None, 0, False, True, None)
    first = input._data.ndim - n
    for i, out in enumerate(sizes):
        matrix = averages(input._data.shape[first + i], out)
        input = resample(input, first + i, matrix)
    return input


def adaptive_avg_pool1d(input: Tensor, output_size: OutSize) -> Tensor:
    """The means of ``output_size`` shares of a line.

    >>> lampas.adaptive_avg_pool1d(lampas.tensor([[1.0, 3.0, 5.0, 7.0]]), 2)
    tensor([[2., 6.]])
    """
    return _avg(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: OutSize) -> Tensor:
    """The means of a grid of shares of a plane.

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: the grid's size; None keeps a dimension.

    >>> lampas.nn.functional.adaptive_avg_pool2d(lampas.ones(1, 4, 6), 1)
    tensor([[[1.]]])
    """
    return _avg(2, input, output_size)


@computes_in("float:cpu")
def adaptive_avg_pool3d(input: Tensor, output_size: OutSize) -> Tensor:
    """The means of a grid of shares of a volume.

    >>> lampas.nn.functional.adaptive_avg_pool3d(lampas.ones(1, 4, 4, 4), 1).item()
    1.0
    """
    return _avg(3, input, output_size)


@by_example
def _max(n: int, input: Tensor, output_size: OutSize, return_indices: bool) -> Any:
    sizes = _out_sizes(f"adaptive_max_pool{n}d", n, input, output_size)
    if _divides(input, sizes) and input._data.size:
        kernel = _kernel(input, sizes)
        return pool.largest(n, input, kernel, None, 0, 1, False, return_indices)
    flat = _largest(input._data, sizes)
    lead = input._data.shape[:-n]
    rows = input.reshape(*lead, -1)  # type: ignore[attr-defined]
    index = wrap(flat.reshape(*lead, -1))
    values = gather_flat(rows, index).reshape(*lead, *sizes)  # type: ignore[attr-defined]
    return (values, wrap(flat)) if return_indices else values


def _largest(x: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Where, in the flattened last dimensions, each share has its largest element."""
    n = len(sizes)
    lead, shape = x.shape[:-n], x.shape[-n:]
    grid = np.zeros((1,) * (2 * n), np.int64)
    step = 1
    for axis in reversed(range(n)):
        start, end = _bounds(shape[axis], sizes[axis])
        widest = int((end - start).max()) if sizes[axis] else 1
        # Shares are not equally wide: a narrow one repeats its last element.
        at = np.minimum(start[:, None] + np.arange(widest), end[:, None] - 1)
        where = [1] * (2 * n)
        where[axis], where[n + axis] = at.shape
        grid = grid + (at * step).reshape(where)
        step *= shape[axis]
    grid = grid.reshape(math.prod(sizes), -1)
    shares = x.reshape(*lead, -1)[..., grid]
    best = shares.argmax(axis=-1)
    flat = np.take_along_axis(np.broadcast_to(grid, shares.shape), best[..., None], -1)
    return flat.reshape(*lead, *sizes)


def adaptive_max_pool1d(
    input: Tensor, output_size: OutSize, return_indices: bool = False
) -> Any:
    """The largest values of ``output_size`` shares of a line.

    >>> x = lampas.tensor([[1.0, 3.0, 5.0, 7.0]])
    >>> lampas.nn.functional.adaptive_max_pool1d(x, 2, return_indices=True)
    (tensor([[3., 7.]]), tensor([[1, 3]]))
    """
    return _max(1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: OutSize, return_indices: bool = False
) -> Any:
    """The largest values of a grid of shares of a plane.

    Args:
        input: (N, C, H, W) or (C, H, W).
        output_size: the grid's size; None keeps a dimension.
        return_indices: also return where, in the flattened plane.

    >>> lampas.nn.functional.adaptive_max_pool2d(lampas.ones(1, 4, 6), 1)
    tensor([[[1.]]])
    """
    return _max(2, input, output_size, return_indices)


@computes_in("float:cpu")
def adaptive_max_pool3d(
    input: Tensor, output_size: OutSize, return_indices: bool = False
) -> Any:
    """The largest values of a grid of shares of a volume.

    >>> lampas.nn.functional.adaptive_max_pool3d(lampas.ones(1, 4, 4, 4), 1).item()
    1.0
    """
    return _max(3, input, output_size, return_indices)
