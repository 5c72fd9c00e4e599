"""Views that drop, add, cut or reorder dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.batching import indexed, moved, prefixed
from lampas.engine.infer import Spec, given_shape
from lampas.engine.infer import broadcast_shapes as _broadcast_shapes
from lampas.engine.record import SHAPE, op
from lampas.engine.tensor import Size, Tensor, method
from lampas.errors import BoundsError, ShapeError
from lampas.ops._arguments import normalize_dim, numpy_names, sizes_of
from lampas.ops.shape import expand, permute, reshape, resolved, transpose

__all__ = [
    "adjoint",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "moveaxis",
    "movedim",
    "narrow",
    "ravel",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "unflatten",
    "unsqueeze",
]


def _sliced(specs: Any, *, index: tuple[Any, ...]) -> Spec:
    """The spec of a basic index; sizes under full slices are only handed on."""
    old, dtype = specs[0]
    shape: list[Any] = []
    used = sum(item is not None and item is not Ellipsis for item in index)
    sizes = iter(old)
    for item in index if Ellipsis in index else (*index, ...):
        if item is None:
            shape.append(1)
        elif item is Ellipsis:
            shape += [next(sizes) for _ in range(len(old) - used)]
        elif isinstance(item, slice):
            size = next(sizes)
            full = item == slice(None)
            shape.append(size if full else len(range(*item.indices(size))))
        else:
            next(sizes)
    return Spec(tuple(shape), dtype)


_slice = op("slice", kind=SHAPE, saves="x.shape", view=True, infer=_sliced)
"""Basic indexing: slices, integers, None and Ellipsis."""

_embed = op("slice_embed", kind="linear", fresh=True, widen=False, infer=given_shape)
"""Zeros of a shape, with the input at a basic index: the transpose of ``slice``."""


@_slice.forward
def slice_forward(xp: Any, x: Any, *, index: tuple[Any, ...]) -> Any:
    # The Ellipsis keeps a result without dimensions an array, and a view.
    return x[index] if Ellipsis in index else x[(*index, ...)]


@_slice.vjp
def slice_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, index: Any) -> Any:
    return (F.slice_embed(g, shape=x_shape, index=index),)


moved(_slice, index=indexed)


@_embed.forward
def slice_embed_forward(xp: Any, x: Any, *, shape: Any, index: Any) -> Any:
    result = xp.zeros(shape, x.dtype)
    result[index] = x
    return result


@_embed.vjp
def slice_embed_vjp(F: Any, g: Any, *, need: Any, shape: Any, index: Any) -> Any:
    return (F.slice(g, index=index),)


moved(_embed, shape=prefixed, index=indexed)


def basic_index(input: Tensor, index: tuple[Any, ...]) -> Tensor:
    """A view by slices, integers, None and Ellipsis, all within bounds."""
    return _slice.call(input, index=index)


@method()
def narrow(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A view of ``length`` entries of a dimension, from ``start`` on.

    Raises:
        IndexError: ``dim`` or ``start`` is out of range.
        RuntimeError: the part does not lie within the dimension.

    >>> lampas.narrow(lampas.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if input._data.ndim == 0:
        raise ShapeError("narrow: a 0-d tensor has no dimension to narrow")
    if isinstance(start, Tensor) and (start._data.ndim or start.dtype.category != 1):
        raise ShapeError("narrow: start must be an int or a 0-d integer tensor")
    dim = normalize_dim(dim, input._data.ndim)
    size, first = input._data.shape[dim], int(start)
    if not -size <= first <= size:
        raise BoundsError(f"narrow: start must be in [{-size}, {size}], got {first}")
    first += size if first < 0 else 0
    if length < 0 or first + length > size:
        raise ShapeError(
            f"narrow: start {first} and length {length} exceed dimension {dim} of "
            f"size {size}"
        )
    index = (slice(None),) * dim + (slice(first, first + length),)
    return _slice.call(input, index=index)


@method()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one entry of a dimension, without that dimension.

    Raises:
        IndexError: ``dim`` or ``index`` is out of range.

    >>> lampas.select(lampas.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    if input._data.ndim == 0:
        raise BoundsError("select: a 0-d tensor has no dimension to select from")
    dim = normalize_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    if not -size <= index < size:
        raise BoundsError(
            f"select: index {index} is out of bounds for dimension {dim} of size {size}"
        )
    return _slice.call(input, index=(*(slice(None),) * dim, int(index)))


@method()
@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without dimensions of size 1: all of them, or those named.

    Args:
        dim: dimensions to drop where their size is 1.

    >>> lampas.squeeze(lampas.zeros(1, 2, 1)).shape
    lampas.Size([2])
    """
    shape = input._data.shape
    if dim is None:
        kept = tuple(s for s in shape if s != 1)
    else:
        dims = dim if isinstance(dim, (tuple, list)) else (dim,)
        named = {normalize_dim(d, len(shape)) for d in dims}
        kept = tuple(s for i, s in enumerate(shape) if i not in named or s != 1)
    return reshape(input, kept)


@method()
@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new dimension of size 1 at ``dim``.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.unsqueeze(lampas.zeros(3), 1).shape
    lampas.Size([3, 1])
    """
    shape = input._data.shape
    dim = normalize_dim(dim, len(shape) + 1)
    index = (*(slice(None),) * dim, None)
    return _slice.call(input, index=index)


@method()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge neighbouring dimensions into one.

    Args:
        start_dim, end_dim: the first and the last dimension to merge.

    Raises:
        RuntimeError: ``start_dim`` comes after ``end_dim``.

    >>> lampas.flatten(lampas.zeros(2, 3, 4), 1).shape
    lampas.Size([2, 12])
    """
    shape = input._data.shape
    start, end = (
        normalize_dim(start_dim, len(shape)),
        normalize_dim(end_dim, len(shape)),
    )
    if not shape:
        return reshape(input, 1)
    if start > end:
        raise ShapeError(
            f"flatten: start_dim {start_dim} must not come after end_dim {end_dim}"
        )
    if start == end:
        return input
    merged = 1
    for size in shape[start : end + 1]:
        merged *= size
    return reshape(input, (*shape[:start], merged, *shape[end + 1 :]))


@method()
def ravel(input: Tensor) -> Tensor:
    """All elements in row-major order, in one dimension.

    >>> lampas.ravel(lampas.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshape(input, -1)


@method()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Take one dimension apart into several.

    Args:
        dim: the dimension.
        sizes: their sizes; one may be -1.

    Raises:
        RuntimeError: the sizes do not multiply to the dimension's.

    >>> lampas.unflatten(lampas.zeros(6), 0, (2, 3)).shape
    lampas.Size([2, 3])
    """
    shape = input._data.shape
    dim = normalize_dim(dim, len(shape))
    if not sizes:
        raise ShapeError("unflatten: sizes must not be empty")
    known, free = 1, 0
    for size in sizes:
        known, free = (known * size, free) if size != -1 else (known, free + 1)
    if free > 1 or (
        known != shape[dim] if not free else not known or shape[dim] % known
    ):
        raise ShapeError(
            f"unflatten: sizes {tuple(sizes)} don't multiply to the size {shape[dim]} "
            f"of dimension {dim}"
        )
    inner = [shape[dim] // known if s == -1 else s for s in sizes]
    return reshape(input, (*shape[:dim], *inner, *shape[dim + 1 :]))


@method()
def view(input: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """The same memory under another shape, or another dtype of the same width.

    Args:
        shape, size: sizes, one by one, as a tuple or by keyword (one may be -1); or
            a dtype.

    Raises:
        RuntimeError: the memory can't be seen under that shape without a copy.

    >>> lampas.arange(4).view(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if len(shape) == 1 and hasattr(shape[0], "numpy") and hasattr(shape[0], "category"):
        return _retyped(input, shape[0])
    wanted = resolved("view", input, sizes_of(shape, size))
    if not _needs_no_copy(input._data, wanted):
        raise ShapeError(
            f"view: a tensor of shape {tuple(input.shape)} and strides "
            f"{input.stride()} can't be seen as {wanted} without a copy; use reshape"
        )
    return reshape(input, wanted)


def _needs_no_copy(data: Any, shape: tuple[int, ...]) -> bool:
    """Whether memory can be seen under another shape as it lies."""
    if data.flags.c_contiguous or not data.size:
        return True
    # The strides alone decide, so arrays of any device are asked through host memory
    # that is never read.
    probe = np.lib.stride_tricks.as_strided(
        np.empty(1, data.dtype), data.shape, data.strides, writeable=False
    )
    try:
        probe.reshape(shape, copy=False)
    except ValueError:
        return False
    return True


def _retyped(input: Tensor, dtype: Any) -> Tensor:
    """The memory read as another dtype; the last dimension grows or shrinks."""
    data = input._data
    if data.dtype.itemsize != dtype.numpy.itemsize:
        ratio = dtype.numpy.itemsize / data.dtype.itemsize
        if not data.ndim or data.strides[-1] != data.dtype.itemsize:
            raise ShapeError(
                f"view: {dtype} has another width than {input.dtype}, so the last "
                "dimension must exist and be contiguous"
            )
        if data.shape[-1] % max(ratio, 1):
            raise ShapeError(
                f"view: the last size {data.shape[-1]} does not divide by the "
                f"{int(ratio)} elements that make one {dtype}"
            )
    result = input.detach()
    result._data = data.view(dtype.numpy)
    return result


@method()
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; smaller tensors are returned as they are.

    Raises:
        RuntimeError: more than two dimensions.

    >>> lampas.t(lampas.zeros(2, 3)).shape
    lampas.Size([3, 2])
    """
    if input._data.ndim > 2:
        raise ShapeError(
            f"t: expected at most 2 dimensions, got shape {tuple(input.shape)}; "
            "use mT or transpose"
        )
    return transpose(input, 0, 1) if input._data.ndim == 2 else input


def _reversed_dims(input: Tensor) -> Tensor:
    return permute(input, *range(input._data.ndim)[::-1])


Tensor.T = property(_reversed_dims, doc="All dimensions reversed.")


def _matrices_transposed(input: Tensor) -> Tensor:
    if input._data.ndim < 2:
        raise ShapeError(f"mT needs two dimensions, got shape {tuple(input.shape)}")
    return transpose(input, -2, -1)


def _adjoint_of_matrix(input: Tensor) -> Tensor:
    if input._data.ndim not in (0, 2):
        raise ShapeError(f"H needs a matrix, got shape {tuple(input.shape)}")
    return adjoint(input) if input._data.ndim else input.conj()


Tensor.H = property(_adjoint_of_matrix, doc="A matrix, adjoint.")
Tensor.mT = property(_matrices_transposed, doc="Matrices transposed.")
Tensor.mH = property(lambda x: adjoint(x), doc="Matrices, adjoint.")


@method()
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dimensions.

    >>> lampas.adjoint(lampas.zeros(2, 3)).shape
    lampas.Size([3, 2])
    """
    return _matrices_transposed(input).conj()


@method("swapaxes", "swapdims")
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """A view with two dimensions exchanged; the same as :func:`transpose`.

    >>> lampas.swapaxes(lampas.zeros(2, 3), 0, 1).shape
    lampas.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


swapdims = swapaxes


@method("movedim", "moveaxis")
def movedim(
    input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]
) -> Tensor:
    """A view with dimensions moved to other places, the rest in order.

    Raises:
        RuntimeError: different numbers of dimensions, or one named twice.

    >>> lampas.movedim(lampas.zeros(2, 3, 4), 0, -1).shape
    lampas.Size([3, 4, 2])
    """
    ndim = input._data.ndim
    old = source if isinstance(source, (tuple, list)) else (source,)
    new = destination if isinstance(destination, (tuple, list)) else (destination,)
    old = [normalize_dim(d, ndim) for d in old]
    new = [normalize_dim(d, ndim) for d in new]
    if len(old) != len(new) or len({*old}) != len(old) or len({*new}) != len(new):
        raise ShapeError(
            f"movedim: source {source} and destination {destination} must name equally "
            "many dimensions, each once"
        )
    rest = iter(d for d in range(ndim) if d not in old)
    places = dict(zip(new, old, strict=True))
    order = [places[i] if i in places else next(rest) for i in range(ndim)]
    return permute(input, order)


moveaxis = movedim


@method()
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expand to the shape of another tensor.

    >>> lampas.ones(1).expand_as(lampas.zeros(3)).shape
    lampas.Size([3])
    """
    return expand(self, *other.shape)


@method()
def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Expand to ``shape``, without copying.

    >>> lampas.broadcast_to(lampas.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, *shape)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Expand tensors to their common shape.

    Raises:
        RuntimeError: the shapes do not broadcast.

    >>> a, b = lampas.broadcast_tensors(lampas.zeros(2, 1), lampas.zeros(3))
    >>> a.shape, b.shape
    (lampas.Size([2, 3]), lampas.Size([2, 3]))
    """
    shape = _broadcast_shapes(*(x._data.shape for x in tensors))
    return tuple(expand(x, *shape) for x in tensors)


def broadcast_shapes(*shapes: Sequence[int] | int) -> Size:
    """The shape to which all of these broadcast.

    Args:
        shapes: tuples of sizes; a number is a shape of one dimension.

    Raises:
        RuntimeError: two sizes differ and neither is 1, or one is negative.

    >>> lampas.broadcast_shapes((2, 1), (3,))
    lampas.Size([2, 3])
    """
    listed = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    if any(size < 0 for shape in listed for size in shape):
        raise ShapeError(f"broadcast_shapes: sizes must not be negative, got {listed}")
    return Size(_broadcast_shapes(*listed))


@method()
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same memory under another tensor's shape.

    >>> lampas.zeros(4).view_as(lampas.zeros(2, 2)).shape
    lampas.Size([2, 2])
    """
    return view(self, *other.shape)


@method()
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements under another tensor's shape.

    >>> lampas.zeros(4).reshape_as(lampas.zeros(2, 2)).shape
    lampas.Size([2, 2])
    """
    return reshape(self, *other.shape)
