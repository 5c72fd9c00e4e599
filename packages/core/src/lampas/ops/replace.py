"""Copies in which a part is replaced by another tensor; sliding windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, given_shape
from lampas.engine.record import LINEAR, SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, BoundsError, DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.diagonal import diagonal
from lampas.ops.index import index_put
from lampas.ops.shape import reshape
from lampas.ops.views import basic_index, select

__all__ = ["diagonal_scatter", "put", "select_scatter", "slice_scatter"]


def _with_part(name: str, result: Tensor, part: Tensor, src: Tensor) -> Tensor:
    if part._data.shape != src._data.shape:
        raise ShapeError(
            f"{name}: src must have the shape of the part it replaces, "
            f"{tuple(part.shape)}, got {tuple(src.shape)}"
        )
    part.copy_(src)  # type: ignore[attr-defined]
    return result


@method()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy with ``src`` in place of ``select(input, dim, index)``.

    Raises:
        IndexError: ``dim`` or ``index`` is out of range.
        RuntimeError: ``src`` has another shape.

    >>> x = lampas.zeros(2, 2)
    >>> lampas.select_scatter(x, lampas.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    result = input.clone()  # type: ignore[attr-defined]
    part = select(result, dim, index)
    return _with_part("select_scatter", result, part, src)


@method()
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy with ``src`` in place of ``input[start:end:step]`` along ``dim``.

    Raises:
        RuntimeError: ``src`` has another shape, or the step is not positive.

    >>> lampas.slice_scatter(lampas.zeros(3), lampas.ones(2), start=1)
    tensor([0., 1., 1.])
    """
    if step <= 0:
        raise ShapeError(f"slice_scatter: step must be positive, got {step}")
    result = input.clone()  # type: ignore[attr-defined]
    dim = normalize_dim(dim, input._data.ndim)
    index = (*(slice(None),) * dim, slice(start, end, step))
    return _with_part("slice_scatter", result, basic_index(result, index), src)


@method()
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy with ``src`` in place of ``diagonal(input, offset, dim1, dim2)``.

    Raises:
        RuntimeError: ``src`` has another shape.

    >>> lampas.diagonal_scatter(lampas.zeros(2, 2), lampas.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    result = input.clone()  # type: ignore[attr-defined]
    part = diagonal(result, offset, dim1, dim2)
    return _with_part("diagonal_scatter", result, part, src)


@method(inplace=True)
def put(
    input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False
) -> Tensor:
    """A copy with ``source`` at positions of the flattened tensor.

    Args:
        index: integers, counted over all elements; may be negative.
        source: as many elements as ``index``.
        accumulate: add to what is there.

    Raises:
        IndexError: an index is out of bounds.
        RuntimeError: dtypes or numbers of elements differ.

    >>> lampas.put(lampas.zeros(2, 2), lampas.tensor([1]), lampas.ones(1))
    tensor([[0., 1.],
            [0., 0.]])
    """
    if not isinstance(index, Tensor) or index._data.dtype != np.int64:
        raise DTypeError("put: index must be a tensor of int64")
    if source._data.dtype != input._data.dtype:
        raise DTypeError(f"put: source must have {input.dtype}, got {source.dtype}")
    if index._data.size != source._data.size:
        raise ShapeError(
            f"put: index has {index._data.size} elements, source "
            f"{source._data.size}; they must be equally many"
        )
    if index._data.size and not input._data.size:
        raise BoundsError("put: an empty tensor has no elements to replace")
    flat = index_put(
        reshape(input, -1), (reshape(index, -1),), reshape(source, -1), accumulate
    )
    return reshape(flat, *input.shape)


# ---- windows


def _windows_spec(specs: Any, *, dim: int, size: int, step: int) -> Spec:
    shape = list(specs[0].shape)
    shape[dim] = (shape[dim] - size) // step + 1
    return Spec((*shape, size), specs[0].dtype)


_windows = op("windows", kind=SHAPE, saves="x.shape", view=True, infer=_windows_spec)
_fold_windows = op("fold_windows", kind=LINEAR, fresh=True, infer=given_shape)
"""Add windows into zeros where they came from: the transpose of ``windows``."""


@_windows.forward
def windows_forward(xp: Any, x: Any, *, dim: int, size: int, step: int) -> Any:
    count = (x.shape[dim] - size) // step + 1
    strides = list(x.strides)
    strides[dim] *= step
    shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
    view = xp.lib.stride_tricks.as_strided(x, shape, (*strides, x.strides[dim]))
    if isinstance(view, np.ndarray) and step < size and count > 1:
        # Windows that overlap can't be written.
        view.flags.writeable = False
    return view


@_windows.vjp
def windows_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, **params: Any) -> Any:
    return (F.fold_windows(g, shape=x_shape, **params),)


moved(_windows, least=1, dim=shifted)


@_fold_windows.forward
def fold_windows_forward(
    xp: Any, x: Any, *, shape: Any, dim: int, size: int, step: int
) -> Any:
    windows = xp.moveaxis(x, dim, -2)
    count, parts = windows.shape[-2], -(-size // step)
    # In blocks of `step` elements, window t lies in blocks t to t + parts - 1.
    blocks = xp.zeros((*windows.shape[:-2], count + parts - 1, step), x.dtype)
    for i in range(parts):
        part = windows[..., i * step : (i + 1) * step]
        blocks[..., i : i + count, : part.shape[-1]] += part
    flat = blocks.reshape(*windows.shape[:-2], -1)
    covered = min(flat.shape[-1], shape[dim])
    result = xp.zeros(shape, x.dtype)
    xp.moveaxis(result, dim, -1)[..., :covered] = flat[..., :covered]
    return result


@_fold_windows.vjp
def fold_windows_vjp(
    F: Any, g: Any, *, need: Any, shape: Any, dim: int, size: int, step: int
) -> Any:
    return (F.windows(g, dim=dim, size=size, step=step),)


moved(_fold_windows, shape=prefixed, dim=shifted)


@method()
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of a dimension: each ``size`` long, ``step`` after the one before.

    Args:
        dimension: the dimension; it then counts the windows.
        size: the length of a window, which becomes the last dimension.
        step: the distance between windows, > 0.

    Returns:
        The windows, a view; where they overlap it can't be written.

    Raises:
        RuntimeError: ``size`` is more than the dimension has, or ``step`` <= 0.

    >>> lampas.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    for name, value in (("size", size), ("step", step)):
        if not isinstance(value, int):
            raise ArgumentTypeError(f"unfold: {name} must be an int, got {value!r}")
    ndim = self._data.ndim
    dim = normalize_dim(dimension, ndim)
    limit = self._data.shape[dim] if ndim else 1
    if not 0 <= size <= limit:
        raise ShapeError(f"unfold: size must be in [0, {limit}], got {size}")
    if step <= 0:
        raise ShapeError(f"unfold: step must be positive, got {step}")
    if ndim == 0:
        return reshape(self, 1)[:size]
    return _windows.call(self, dim=dim, size=size, step=step)
