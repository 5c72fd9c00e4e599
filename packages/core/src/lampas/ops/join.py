"""Joining tensors, and taking them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.infer import Spec, like_input
from lampas.engine.promotion import result_type_of
from lampas.engine.record import LINEAR, SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    ShapeError,
)
from lampas.ops._arguments import normalize_dim
from lampas.ops.create import cast
from lampas.ops.views import narrow

__all__ = [
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "split",
    "stack",
    "tensor_split",
    "unbind",
    "vstack",
]


def _cat_spec(specs: Any, *, dim: int) -> Spec:
    shape = list(specs[0].shape)
    shape[dim] = sum(s.shape[dim] for s in specs)
    return Spec(tuple(shape), specs[0].dtype)


_cat = op("cat", kind=LINEAR, saves="xs.shape", widen=False, infer=_cat_spec)


@_cat.forward
def cat_forward(xp: Any, *xs: Any, dim: int) -> Any:
    return xp.concatenate(xs, axis=dim)


@_cat.vjp
def cat_vjp(F: Any, g: Any, shapes: Any, *, need: Any, dim: int) -> Any:
    grads, start = [], 0
    for shape, wanted in zip(shapes, need, strict=True):
        stop = start + shape[dim]
        index = (slice(None),) * dim + (slice(start, stop),)
        grads.append(F.slice(g, index=index) if wanted else None)
        start = stop
    return tuple(grads)


def _sequence(name: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise ArgumentTypeError(
            f"{name}: tensors must be a tuple or list of tensors, "
            f"got {type(tensors).__name__}"
        )
    if not tensors:
        raise ShapeError(f"{name}: tensors must hold at least one tensor, got none")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise ArgumentTypeError(
                f"{name}: tensors[{i}] must be a Tensor, got {type(x).__name__}"
            )
    return list(tensors)


def _one_dtype(tensors: list[Tensor]) -> list[Tensor]:
    dtype = tensors[0]._data.dtype
    if all(x._data.dtype == dtype for x in tensors):
        return tensors
    common = result_type_of([x._data for x in tensors])
    return [cast(x, common) for x in tensors]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put tensors one behind another along a dimension that they have.

    Args:
        tensors: of equal shapes but for ``dim``; empty 1-D tensors are left out.
        dim: the dimension.

    Raises:
        RuntimeError: the other sizes differ, or there are no tensors.

    >>> lampas.cat([lampas.tensor([1, 2]), lampas.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _one_dtype(_sequence("cat", tensors))
    full = [x for x in parts if x._data.shape != (0,)] or parts[:1]
    ndim = full[0]._data.ndim
    if ndim == 0:
        raise ShapeError("cat: 0-d tensors can't be joined; use stack")
    dim = normalize_dim(dim, ndim)
    first = full[0]._data.shape
    for i, x in enumerate(full):
        shape = x._data.shape
        fits = len(shape) == ndim and all(
            a == b
            for d, (a, b) in enumerate(zip(first, shape, strict=True))
            if d != dim
        )
        if not fits:
            raise ShapeError(
                f"cat: sizes must match except in dimension {dim}; tensors[0] has "
                f"shape {first}, tensors[{i}] has {shape}"
            )
    return _cat.call(*full, dim=dim)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put tensors of one shape side by side along a new dimension.

    Args:
        tensors: of equal shapes.
        dim: where the new dimension stands.

    Raises:
        RuntimeError: shapes differ, or there are no tensors.

    >>> lampas.stack([lampas.tensor([1, 2]), lampas.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    parts = _sequence("stack", tensors)
    first = parts[0]._data.shape
    for i, x in enumerate(parts):
        if x._data.shape != first:
            raise ShapeError(
                f"stack: all tensors must have one shape; tensors[0] has {first}, "
                f"tensors[{i}] has {x._data.shape}"
            )
    dim = normalize_dim(dim, len(first) + 1)
    return cat([x.unsqueeze(dim) for x in parts], dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join along the second dimension (1-D tensors along the first).

    >>> lampas.hstack([lampas.tensor([1]), lampas.tensor([2])])
    tensor([1, 2])
    """
    parts = [_at_least(x, 1) for x in _sequence("hstack", tensors)]
    return cat(parts, 0 if parts[0]._data.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join along the first dimension; 1-D tensors become rows.

    >>> lampas.vstack([lampas.tensor([1, 2]), lampas.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([_at_least(x, 2) for x in _sequence("vstack", tensors)], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Join along the third dimension.

    >>> lampas.dstack([lampas.tensor([1]), lampas.tensor([2])])
    tensor([[[1, 2]]])
    """
    return cat([_at_least(x, 3) for x in _sequence("dstack", tensors)], 2)


def _at_least(x: Tensor, ndim: int) -> Tensor:
    """The tensor with as many dimensions as NumPy's ``atleast_nd`` gives it."""
    shape = tuple(x._data.shape)
    if len(shape) >= ndim:
        return x
    if not shape:
        return x.reshape((1,) * ndim)
    if ndim == 2:
        return x.reshape(1, *shape)
    return x.reshape((1, *shape, 1) if len(shape) == 1 else (*shape, 1))


# ---- taking apart


def _unbound(specs: Any, *, dim: int) -> list[Spec]:
    shape, dtype = specs[0]
    return [Spec((*shape[:dim], *shape[dim + 1 :]), dtype)] * shape[dim]


_unbind = op(
    "unbind", kind=SHAPE, outputs=None, saves="x.shape", view=True, infer=_unbound
)


@_unbind.forward
def unbind_forward(xp: Any, x: Any, *, dim: int) -> Any:
    before = (slice(None),) * dim
    # The Ellipsis keeps a part without dimensions an array, and a view.
    return tuple(x[(*before, i, ...)] for i in range(x.shape[dim]))


@_unbind.vjp
def unbind_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, dim: int) -> Any:
    kept = (*x_shape[:dim], 1, *x_shape[dim + 1 :])
    present = [d for d in g if d is not None]
    zero = F.zeros_of(*present[:1])
    parts = [F.reshape(zero if d is None else d, shape=kept) for d in g]
    return (F.cat(*parts, dim=dim),)


_zeros_of = op("zeros_of", kind=LINEAR, widen=False, infer=like_input)
"""Zeros like the input."""


@_zeros_of.forward
def zeros_of_forward(xp: Any, x: Any) -> Any:
    return xp.zeros(x.shape, x.dtype)


@_zeros_of.vjp
def zeros_of_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (None,)


@method()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dimension, as views without it.

    Args:
        dim: the dimension.

    Raises:
        IndexError: ``dim`` is out of range, or the input is 0-d.

    >>> lampas.unbind(lampas.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    if input._data.ndim == 0:
        raise DimensionError("unbind: a 0-d tensor has no dimension to take apart")
    dim = normalize_dim(dim, input._data.ndim)
    if input._data.shape[dim] == 0:
        return ()
    return _unbind.call(input, dim=dim)


@method()
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dimension.

    Args:
        split_size_or_sections: the size of each part (the last may be smaller), or
            the sizes of all parts.
        dim: the dimension.

    Raises:
        RuntimeError: sizes are negative or do not add up to the dimension's.

    >>> lampas.split(lampas.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    dim = normalize_dim(dim, tensor._data.ndim)
    if tensor._data.ndim == 0:
        raise ShapeError("split: a 0-d tensor has no dimension to split")
    size = tensor._data.shape[dim]
    sections = _sections(split_size_or_sections, size)
    parts, start = [], 0
    for length in sections:
        parts.append(narrow(tensor, dim, start, length))
        start += length
    return tuple(parts)


def _sections(given: int | Sequence[int], size: int) -> list[int]:
    if isinstance(given, int):
        if given < 0 or (given == 0 and size != 0):
            raise ShapeError(f"split: split_size must be positive, got {given}")
        if size == 0 or given == 0:
            return [size]
        return [min(given, size - i) for i in range(0, size, given)]
    if not isinstance(given, (tuple, list)):
        raise ArgumentTypeError(
            f"split: sections must be an int or a list of ints, got {given!r}"
        )
    if sum(given) != size or any(s < 0 for s in given):
        raise ShapeError(
            f"split: sections must be non-negative and add up to {size}, "
            f"got {list(given)}"
        )
    return list(given)


method("split_with_sizes")(split)


@method()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most ``chunks`` consecutive parts of equal size (but the last).

    Raises:
        RuntimeError: ``chunks`` is not positive.

    >>> lampas.chunk(lampas.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks <= 0:
        raise ShapeError(f"chunk: chunks must be greater than 0, got {chunks}")
    if input._data.ndim == 0:
        raise ShapeError("chunk: a 0-d tensor has no dimension to split")
    dim = normalize_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    if size == 0:
        return tuple(input.narrow(dim, 0, 0) for _ in range(chunks))
    return split(input, -(-size // chunks), dim)


@method()
def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of parts of nearly equal size, or between given indices.

    Args:
        indices_or_sections: how many parts, or the borders between them.
        dim: the dimension.

    Raises:
        ValueError: the number of parts is not positive.

    >>> lampas.tensor_split(lampas.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if input._data.ndim == 0:
        raise ShapeError("tensor_split: a 0-d tensor has no dimension to split")
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    dim = normalize_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    if isinstance(indices_or_sections, int):
        count = indices_or_sections
        if count <= 0:
            raise PartCount(f"tensor_split: sections must be positive, got {count}")
        low, more = divmod(size, count)
        lengths = [low + 1] * more + [low] * (count - more)
        return split(input, lengths, dim)
    borders = [0]
    parts = []
    for index in [*indices_or_sections, size]:
        stop = min(max(index + size if index < 0 else index, 0), size)
        start = min(borders[-1], size)
        parts.append(input.narrow(dim, start, max(stop - start, 0)))
        borders.append(stop)
    return tuple(parts)


class PartCount(ArgumentError, RuntimeError):
    """A number of parts that is not positive."""
