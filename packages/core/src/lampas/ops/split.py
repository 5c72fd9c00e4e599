"""Taking tensors apart along a dimension, into views."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import LINEAR, SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    ShapeError,
)
from lampas.ops._arguments import normalize_dim, numpy_names

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "vsplit",
]


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


moved(_unbind, dim=shifted)


def _split_specs(specs: Any, *, lengths: tuple[int, ...], dim: int) -> list[Spec]:
    shape, dtype = specs[0]
    return [Spec((*shape[:dim], n, *shape[dim + 1 :]), dtype) for n in lengths]


_pieces = op(
    "split", kind=SHAPE, outputs=None, saves="x.shape", view=True, infer=_split_specs
)


def _piece_indices(lengths: tuple[int, ...], dim: int) -> list[tuple[slice, ...]]:
    before, stops = (slice(None),) * dim, itertools.accumulate(lengths)
    return [
        (*before, slice(stop - n, stop)) for n, stop in zip(lengths, stops, strict=True)
    ]


@_pieces.forward
def split_forward(xp: Any, x: Any, *, lengths: tuple[int, ...], dim: int) -> Any:
    return tuple(x[index] for index in _piece_indices(lengths, dim))


@_pieces.vjp
def split_vjp(
    F: Any, g: Any, x_shape: Any, *, need: Any, lengths: tuple[int, ...], dim: int
) -> Any:
    if all(d is not None for d in g):
        return (F.cat(*g, dim=dim),)
    places = zip(g, _piece_indices(lengths, dim), strict=True)
    dx = [F.slice_embed(d, shape=x_shape, index=i) for d, i in places if d is not None]
    return (sum(dx[1:], start=dx[0]),)


moved(_pieces, dim=shifted)


_zeros_of = op("zeros_of", kind=LINEAR, widen=False, infer=like_input)
"""Zeros like the input."""


@_zeros_of.forward
def zeros_of_forward(xp: Any, x: Any) -> Any:
    return xp.zeros(x.shape, x.dtype)


@_zeros_of.vjp
def zeros_of_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (None,)


moved(_zeros_of)


@method()
@numpy_names
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


@numpy_names
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
    lengths = _sections(split_size_or_sections, tensor._data.shape[dim])
    return _pieces.call(tensor, lengths=tuple(lengths), dim=dim) if lengths else ()


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


@method("split")
@numpy_names
def _split(
    self: Tensor, split_size: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dimension; see :func:`lampas.split`."""
    return split(self, split_size, dim)


@method()
def split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of consecutive parts of given sizes along a dimension.

    Args:
        split_sizes: the sizes of the parts.
        dim: the dimension.

    Raises:
        RuntimeError: sizes are negative or do not add up to the dimension's.

    >>> lampas.split_with_sizes(lampas.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return split(input, list(split_sizes), dim)


@method()
@numpy_names
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


@method()
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the second dimension (of a vector: the first).

    Raises:
        RuntimeError: the input is 0-d, or does not divide into so many parts.

    >>> lampas.hsplit(lampas.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _even("hsplit", input, indices_or_sections, 1, 0 if input.ndim == 1 else 1)


@method()
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the first dimension of two or more.

    Raises:
        RuntimeError: fewer dimensions, or the first does not divide into the parts.

    >>> lampas.vsplit(lampas.zeros(4, 1), 2)[0].shape
    lampas.Size([2, 1])
    """
    return _even("vsplit", input, indices_or_sections, 2, 0)


@method()
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """:func:`tensor_split` along the third dimension.

    Raises:
        RuntimeError: fewer dimensions, or it does not divide into the parts.

    >>> lampas.dsplit(lampas.zeros(1, 1, 4), 2)[0].shape
    lampas.Size([1, 1, 2])
    """
    return _even("dsplit", input, indices_or_sections, 3, 2)


def _even(name: str, input: Tensor, parts: Any, ndim: int, dim: int) -> Any:
    if input._data.ndim < ndim:
        raise ShapeError(
            f"{name}: input must have {ndim} dimensions or more, got shape "
            f"{tuple(input.shape)}"
        )
    if isinstance(parts, int) and (parts <= 0 or input._data.shape[dim] % parts):
        raise ShapeError(
            f"{name}: dimension {dim} of size {input._data.shape[dim]} does not divide "
            f"into {parts} equal parts"
        )
    return tensor_split(input, parts, dim)
