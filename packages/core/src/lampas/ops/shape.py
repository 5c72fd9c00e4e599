"""Shapes and views: the same elements, seen otherwise."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, given_shape
from lampas.engine.record import SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim, sizes_of

__all__ = ["permute", "reshape", "transpose"]


_reshape = op("reshape", kind=SHAPE, saves="x.shape", view=True, infer=given_shape)


@_reshape.forward
def reshape_forward(xp: Any, x: Any, *, shape: Any) -> Any:
    return x.reshape(shape)


@_reshape.vjp
def reshape_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, shape: Any) -> Any:
    return (F.reshape(g, shape=x_shape),)


moved(_reshape, shape=prefixed)


@method()
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in row-major order under another shape.

    A view where the memory allows it, else a copy.

    Args:
        sizes, shape: the sizes, one by one, as a tuple, or by keyword; one of them
            may be -1 (inferred).

    Raises:
        RuntimeError: the shape does not have the input's number of elements.

    >>> lampas.arange(4).reshape(2, -1)
    tensor([[0, 1],
            [2, 3]])
    """
    return _reshape.call(
        input, shape=resolved("reshape", input, sizes_of(sizes, shape))
    )


def resolved(name: str, input: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with -1 replaced; errors are in the name of the caller."""
    count = input._data.size
    if math.prod(shape) == count and (not shape or min(shape) >= 0):
        return shape
    known = math.prod(size for size in shape if size >= 0)
    free = [i for i, size in enumerate(shape) if size < 0]
    bad = len(free) > 1 or any(shape[i] != -1 for i in free)
    if free and not bad and known and count % known == 0:
        i = free[0]
        return (*shape[:i], count // known, *shape[i + 1 :])
    if bad or known != count or free:
        raise ShapeError(
            f"{name}: shape {shape} is invalid for input of size {count} "
            f"(shape {tuple(input.shape)})"
        )
    return shape


def _permuted(specs: Any, *, dims: tuple[int, ...]) -> Spec:
    shape, dtype = specs[0]
    return Spec(tuple(shape[d] for d in dims), dtype)


_permute = op("permute", kind=SHAPE, view=True, infer=_permuted)


@_permute.forward
def permute_forward(xp: Any, x: Any, *, dims: tuple[int, ...]) -> Any:
    return x.transpose(dims)


@_permute.vjp
def permute_vjp(F: Any, g: Any, *, need: Any, dims: tuple[int, ...]) -> Any:
    return (F.permute(g, dims=_inverse(dims)),)


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@_permute.batch
def permute_batch(F: Any, size: int, batched: Any, x: Any, *, dims: Any) -> Any:
    return F.permute(x, dims=(0, *shifted(size, dims)))


@method()
def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """A view with the dimensions in another order.

    Args:
        order, dims: the new order, one by one, as a tuple, or by keyword.

    Raises:
        RuntimeError: ``dims`` is not an order of all dimensions.

    >>> lampas.zeros(2, 3, 4).permute(2, 0, 1).shape
    lampas.Size([4, 2, 3])
    """
    given = sizes_of(order, dims)
    order = tuple(normalize_dim(d, input._data.ndim) for d in given)
    if len(order) != input._data.ndim or len(set(order)) != len(order):
        raise ShapeError(
            f"permute: dims must name each of the {input._data.ndim} dimensions of "
            f"shape {tuple(input.shape)} once, got {given}"
        )
    return _permute.call(input, dims=order)


@method()
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions exchanged.

    Args:
        dim0, dim1: the dimensions.

    Raises:
        IndexError: a dimension is out of range.

    >>> lampas.zeros(2, 3).transpose(0, 1).shape
    lampas.Size([3, 2])
    """
    ndim = input._data.ndim
    a, b = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = order[b], order[a]
    return _permute.call(input, dims=tuple(order))


_expand = op("expand", kind=SHAPE, saves="x.shape", view=True, infer=given_shape)


@_expand.forward
def expand_forward(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return xp.broadcast_to(x, shape)


@_expand.vjp
def expand_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, shape: Any) -> Any:
    return (F.sum_to(g, shape=x_shape),)


@_expand.batch
def expand_batch(F: Any, size: int, batched: Any, x: Any, *, shape: Any) -> Any:
    ones = (1,) * (len(shape) + 1 - x.ndim)
    x = F.reshape(x, shape=(size, *ones, *x.shape[1:])) if ones else x
    return F.expand(x, shape=(size, *shape))


@method()
def expand(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """A view in which dimensions of size 1 are repeated without copying.

    Args:
        sizes, size: the new sizes; -1 keeps one. New dimensions may be added in
            front.

    Raises:
        RuntimeError: a size other than 1 would change.

    >>> lampas.ones(3, 1).expand(3, 4).shape
    lampas.Size([3, 4])
    """
    shape, wanted = input._data.shape, list(sizes_of(sizes, size))
    extra = len(wanted) - len(shape)
    for i, new in enumerate(wanted):
        old = shape[i - extra] if i >= extra else None
        if new == -1 and old is not None:
            wanted[i] = old
        elif extra < 0 or new < 0 or (old is not None and old not in (1, new)):
            raise ShapeError(
                f"expand: can't expand shape {tuple(shape)} to {tuple(wanted)}: sizes "
                f"must match or be 1 (dimension {i})"
            )
    return _expand.call(input, shape=tuple(wanted))
