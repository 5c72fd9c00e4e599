"""Joining tensors along a dimension that they have or get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec
from lampas.engine.promotion import result_type_of
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, ShapeError
from lampas.ops._arguments import normalize_dim, numpy_names
from lampas.ops.create import cast
from lampas.ops.shape import reshape

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "cat",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
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


moved(_cat, dim=shifted)


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


def _alike(tensors: Sequence[Tensor]) -> bool:
    """Whether these are tensors of one dtype and shape."""
    if (type(tensors) is not list and type(tensors) is not tuple) or not tensors:
        return False
    first = getattr(tensors[0], "_data", None)
    for x in tensors:
        if type(x) is not Tensor:
            return False
        data = x._data
        if data.dtype is not first.dtype or data.shape != first.shape:
            return False
    return True


@numpy_names
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
    if _alike(tensors) and tensors[0]._data.ndim:
        # The usual case: nothing needs to be checked or cast.
        return _cat.call(*tensors, dim=normalize_dim(dim, tensors[0]._data.ndim))
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


def _stack_spec(specs: Any, *, dim: int) -> Spec:
    shape = specs[0].shape
    return Spec((*shape[:dim], len(specs), *shape[dim:]), specs[0].dtype)


_stack = op("stack", kind=LINEAR, saves="xs.shape", widen=False, infer=_stack_spec)


@_stack.forward
def stack_forward(xp: Any, *xs: Any, dim: int) -> Any:
    before = (slice(None),) * dim
    return xp.concatenate([x[(*before, None)] for x in xs], axis=dim)


@_stack.vjp
def stack_vjp(F: Any, g: Any, shapes: Any, *, need: Any, dim: int) -> Any:
    before = (slice(None),) * dim
    return tuple(
        F.slice(g, index=(*before, i)) if wanted else None
        for i, wanted in enumerate(need)
    )


moved(_stack, dim=shifted)


@numpy_names
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
    if _alike(tensors):
        ndim = tensors[0]._data.ndim
        return _stack.call(*tensors, dim=normalize_dim(dim, ndim + 1))
    parts = _sequence("stack", tensors)
    first = parts[0]._data.shape
    for i, x in enumerate(parts):
        if x._data.shape != first:
            raise ShapeError(
                f"stack: all tensors must have one shape; tensors[0] has {first}, "
                f"tensors[{i}] has {x._data.shape}"
            )
    parts = _one_dtype(parts)
    return _stack.call(*parts, dim=normalize_dim(dim, len(first) + 1))


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


row_stack = vstack


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


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Join along the second dimension; smaller tensors become columns.

    >>> lampas.column_stack([lampas.tensor([1, 2]), lampas.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _sequence("column_stack", tensors)
    columns = [reshape(x, x._data.size, 1) if x._data.ndim < 2 else x for x in parts]
    return cat(columns, 1)


def atleast_1d(*tensors: Any) -> Any:
    """Tensors with one dimension or more; a 0-d one gets one.

    >>> lampas.atleast_1d(lampas.tensor(1))
    tensor([1])
    """
    return _each_at_least(tensors, 1)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors with two dimensions or more; vectors become rows.

    >>> lampas.atleast_2d(lampas.tensor([1, 2]))
    tensor([[1, 2]])
    """
    return _each_at_least(tensors, 2)


def atleast_3d(*tensors: Any) -> Any:
    """Tensors with three dimensions or more; a matrix gets one at the end.

    >>> lampas.atleast_3d(lampas.tensor([1, 2])).shape
    lampas.Size([1, 2, 1])
    """
    return _each_at_least(tensors, 3)


def _each_at_least(tensors: tuple[Any, ...], ndim: int) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return _at_least(tensors[0], ndim)
    many = tensors[0] if len(tensors) == 1 else tensors
    name = f"atleast_{ndim}d"
    return tuple(_at_least(x, ndim) for x in _sequence(name, many))


def block_diag(*tensors: Tensor) -> Tensor:
    """The matrix with matrices along its diagonal and zeros elsewhere.

    Args:
        tensors: of two dimensions or fewer; vectors count as rows.

    Raises:
        RuntimeError: more than two dimensions.

    >>> lampas.block_diag(lampas.tensor([[1]]), lampas.tensor([[2, 3]]))
    tensor([[1, 0, 0],
            [0, 2, 3]])
    """
    parts = [_at_least(x, 2) for x in _one_dtype(_sequence("block_diag", tensors))]
    for i, x in enumerate(parts):
        if x._data.ndim > 2:
            raise ShapeError(
                "block_diag: tensors must have two dimensions or fewer; tensors"
                f"[{i}] has shape {tuple(x.shape)}"
            )
    width = sum(x._data.shape[1] for x in parts)
    rows, start = [], 0
    for x in parts:
        height, size = x._data.shape
        before = x.new_zeros((height, start))
        after = x.new_zeros((height, width - start - size))
        rows.append(cat([before, x, after], 1))
        start += size
    return cat(rows, 0)
