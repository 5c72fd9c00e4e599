"""Copies of a tensor in another arrangement: reversed, shifted, repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.dtypes import int64
from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DimensionError, ShapeError
from lampas.ops._arguments import normalize_dim, sizes_of
from lampas.ops.create import tensor
from lampas.ops.shape import reshape, transpose

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
]

_flip = op("flip", kind=SHAPE, infer=like_input)


@_flip.forward
def flip_forward(xp: Any, x: Any, *, dims: tuple[int, ...]) -> Any:
    index = tuple(
        slice(None, None, -1) if d in dims else slice(None) for d in range(x.ndim)
    )
    return x[(*index, ...)].copy()


@_flip.vjp
def flip_vjp(F: Any, g: Any, *, need: Any, dims: tuple[int, ...]) -> Any:
    return (F.flip(g, dims=dims),)


moved(_flip, dims=shifted)


@method()
def flip(input: Tensor, *axes: Any, dims: Any = ()) -> Tensor:
    """A copy with the order along dimensions reversed.

    Args:
        axes, dims: the dimensions, one by one or as a tuple; or by keyword.

    Raises:
        RuntimeError: a dimension is named twice.

    >>> lampas.flip(lampas.arange(3), (0,))
    tensor([2, 1, 0])
    """
    given = [normalize_dim(d, input._data.ndim) for d in sizes_of(axes or dims)]
    if len(set(given)) != len(given):
        raise ShapeError(f"flip: dims {tuple(given)} names a dimension twice")
    return _flip.call(input, dims=tuple(given))


@method()
def fliplr(input: Tensor) -> Tensor:
    """Reverse the second dimension.

    >>> lampas.fliplr(lampas.tensor([[1, 2]]))
    tensor([[2, 1]])
    """
    if input._data.ndim < 2:
        raise ShapeError("fliplr: input must have two dimensions or more")
    return flip(input, 1)


@method()
def flipud(input: Tensor) -> Tensor:
    """Reverse the first dimension.

    >>> lampas.flipud(lampas.tensor([1, 2]))
    tensor([2, 1])
    """
    if input._data.ndim < 1:
        raise ShapeError("flipud: input must have a dimension")
    return flip(input, 0)


_roll = op("roll", kind=SHAPE, infer=like_input)


@_roll.forward
def roll_forward(xp: Any, x: Any, *, shifts: Any, dims: Any) -> Any:
    return xp.roll(x, shifts, dims)


@_roll.vjp
def roll_vjp(F: Any, g: Any, *, need: Any, shifts: Any, dims: Any) -> Any:
    return (F.roll(g, shifts=tuple(-s for s in shifts), dims=dims),)


moved(_roll, dims=shifted)


@method()
def roll(
    input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Tensor:
    """Shift entries along dimensions; what falls off comes in again at the start.

    Args:
        shifts: by how much, for each dimension.
        dims: the dimensions; None rolls the flattened tensor.

    Raises:
        RuntimeError: different numbers of shifts and dims.
        IndexError: a dimension is out of range.

    >>> lampas.roll(lampas.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    moves = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        if len(moves) != 1:
            raise ShapeError("roll: dims must be given for more than one shift")
        flat = _roll.call(reshape(input, -1), shifts=moves, dims=(0,))
        return reshape(flat, *input.shape)
    named = dims if isinstance(dims, (tuple, list)) else (dims,)
    if len(named) != len(moves):
        raise ShapeError(f"roll: got {len(moves)} shifts and {len(named)} dims")
    if input._data.ndim == 0:
        raise DimensionError(f"roll: a 0-d tensor has no dimension {named[0]}")
    where = tuple(normalize_dim(d, input._data.ndim) for d in named)
    return _roll.call(input, shifts=moves, dims=where)


@method()
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A copy turned ``k`` times by 90 degrees, from the first dimension to the second.

    Args:
        k: how often; negative turns the other way.
        dims: the two dimensions of the plane.

    Raises:
        RuntimeError: not two different dimensions.

    >>> lampas.rot90(lampas.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim = input._data.ndim
    if len(dims) != 2 or ndim < 2:
        raise ShapeError(
            f"rot90: dims must name two of the input's dimensions ({ndim}), got {dims}"
        )
    first, second = (normalize_dim(d, ndim) for d in dims)
    if first == second:
        raise ShapeError(f"rot90: dims must differ, got {dims}")
    turns = k % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return flip(input, first, second)
    if turns == 1:
        return transpose(flip(input, second), first, second)
    return flip(transpose(input, first, second), second)


def _repeated(specs: Any, *, times: tuple[int, ...]) -> Spec:
    shape, dtype = specs[0]
    padded = (1,) * (len(times) - len(shape)) + tuple(shape)
    return Spec(tuple(n * s for n, s in zip(times, padded, strict=True)), dtype)


_repeat = op("repeat", kind=SHAPE, saves="x.shape", infer=_repeated)


@_repeat.forward
def repeat_forward(xp: Any, x: Any, *, times: tuple[int, ...]) -> Any:
    return xp.tile(x, times)


@_repeat.vjp
def repeat_vjp(F: Any, g: Any, shape: Any, *, need: Any, times: Any) -> Any:
    padded = (1,) * (len(times) - len(shape)) + shape
    apart = tuple(n for pair in zip(times, padded, strict=True) for n in pair)
    dims = tuple(2 * d for d, n in enumerate(times) if n != 1)
    if dims:
        g = F.sum(F.reshape(g, shape=apart), dim=dims, keepdim=False)
    return (F.reshape(g, shape=shape),)


@_repeat.batch
def repeat_batch(F: Any, size: int, batched: Any, x: Any, *, times: Any) -> Any:
    ones = (1,) * (len(times) + 1 - x.ndim)
    x = F.reshape(x, shape=(size, *ones, *x.shape[1:])) if ones else x
    return F.repeat(x, times=(1, *times))


@method()
def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """A copy in which the tensor is laid side by side ``sizes`` times.

    Args:
        sizes, repeats: how often in each dimension, one by one, as a tuple, or by
            keyword.

    Raises:
        RuntimeError: fewer sizes than dimensions, or a negative one.

    >>> lampas.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = sizes_of(sizes, repeats)
    shape = input._data.shape
    if len(times) < len(shape) or any(n < 0 for n in times):
        raise ShapeError(
            f"repeat: sizes must be non-negative and at least {len(shape)} many, "
            f"got {times}"
        )
    return _repeat.call(input, times=tuple(times))


@method()
def tile(input: Tensor, *times: Any, dims: Any = None) -> Tensor:
    """Like :meth:`Tensor.repeat`, with missing counts in front taken as 1.

    >>> lampas.tile(lampas.tensor([1, 2]), (2,))
    tensor([1, 2, 1, 2])
    """
    counts = sizes_of(times, dims)
    missing = max(input._data.ndim - len(counts), 0)
    return repeat(input, *(1,) * missing, *counts)


def _interleaved(specs: Any, *, times: int, dim: int) -> Spec:
    shape, dtype = specs[0]
    return Spec((*shape[:dim], shape[dim] * times, *shape[dim + 1 :]), dtype)


_repeat_interleave = op(
    "repeat_interleave", kind=SHAPE, saves="x.shape", infer=_interleaved
)


@_repeat_interleave.forward
def repeat_interleave_forward(xp: Any, x: Any, *, times: int, dim: int) -> Any:
    return xp.repeat(x, times, axis=dim)


@_repeat_interleave.vjp
def repeat_interleave_vjp(
    F: Any, g: Any, shape: Any, *, need: Any, times: int, dim: int
) -> Any:
    apart = (*shape[: dim + 1], times, *shape[dim + 1 :])
    return (F.sum(F.reshape(g, shape=apart), dim=(dim + 1,), keepdim=False),)


moved(_repeat_interleave, dim=shifted)


@method()
def repeat_interleave(
    input: Tensor,
    repeats: int | Tensor,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Repeat each entry of a dimension, in place of itself.

    Args:
        repeats: how often; one number, or one for each entry.
        dim: the dimension; None flattens first.
        output_size: accepted; the size is computed.

    Raises:
        RuntimeError: a count is negative or their number does not fit.

    >>> lampas.repeat_interleave(lampas.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    if dim is None:
        input, dim = reshape(input, -1), 0
    dim = normalize_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    if type(repeats) is int and repeats >= 0:
        return _repeat_interleave.call(input, times=repeats, dim=dim)
    counts = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    counts = counts if isinstance(counts, list) else [counts]
    if len(counts) == 1:
        counts *= size
    if len(counts) != size or any(c < 0 for c in counts):
        raise ShapeError(
            f"repeat_interleave: repeats must be {size} non-negative counts, "
            f"got {counts[:8]}"
        )
    rows = [i for i, count in enumerate(counts) for _ in range(count)]
    return input.index_select(dim, tensor(rows, dtype=int64))
