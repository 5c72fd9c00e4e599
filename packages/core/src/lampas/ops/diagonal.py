"""Diagonals: seen, built into matrices, replaced, summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, given_shape
from lampas.engine.record import SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.shape import reshape

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "trace",
]


def _diagonals(specs: Any, *, offset: int, dim1: int, dim2: int) -> Spec:
    shape, dtype = specs[0]
    rows, columns = shape[dim1] + min(offset, 0), shape[dim2] - max(offset, 0)
    rest = [s for d, s in enumerate(shape) if d not in (dim1, dim2)]
    return Spec((*rest, max(min(rows, columns), 0)), dtype)


_diagonal = op("diagonal", kind=SHAPE, saves="x.shape", view=True, infer=_diagonals)
_diagonal_embed = op(
    "diagonal_scatter_zeros",
    kind="linear",
    fresh=True,
    widen=False,
    infer=given_shape,
)


@_diagonal.forward
def diagonal_forward(xp: Any, x: Any, *, offset: int, dim1: int, dim2: int) -> Any:
    result = x.diagonal(offset, dim1, dim2)
    if isinstance(result, np.ndarray):
        # NumPy gives this view read-only; writing to it is what fill_diagonal_ does.
        result.flags.writeable = x.flags.writeable
    return result


@_diagonal.vjp
def diagonal_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, **params: Any) -> Any:
    return (F.diagonal_scatter_zeros(g, shape=x_shape, **params),)


moved(_diagonal, dim1=shifted, dim2=shifted)


@_diagonal_embed.forward
def diagonal_embed_forward(
    xp: Any, x: Any, *, shape: Any, offset: int, dim1: int, dim2: int
) -> Any:
    result = xp.zeros(shape, x.dtype)
    rows, columns = max(-offset, 0), max(offset, 0)
    steps = xp.arange(x.shape[-1])
    moved = xp.moveaxis(result, (dim1, dim2), (-2, -1))
    moved[..., steps + rows, steps + columns] = x
    return result


moved(_diagonal_embed, shape=prefixed, dim1=shifted, dim2=shifted)


@_diagonal_embed.vjp
def diagonal_embed_vjp(F: Any, g: Any, *, need: Any, shape: Any, **params: Any) -> Any:
    return (F.diagonal(g, **params),)


@method()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal; it becomes the last dimension.

    Args:
        offset: above (positive) or below the main diagonal.
        dim1, dim2: the dimensions of the matrices.

    Raises:
        RuntimeError: the two dimensions are the same.

    >>> lampas.diagonal(lampas.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    first = normalize_dim(dim1, input._data.ndim)
    second = normalize_dim(dim2, input._data.ndim)
    if first == second or input._data.ndim < 2:
        raise ShapeError(f"diagonal: dim1 and dim2 must differ, got {dim1} and {dim2}")
    return _diagonal.call(input, offset=offset, dim1=first, dim2=second)


@method()
def diag_embed(
    input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1
) -> Tensor:
    """Matrices of zeros whose diagonals are the last dimension of ``input``.

    Args:
        offset: above (positive) or below the main diagonal.
        dim1, dim2: where the dimensions of the matrices stand in the result.

    Raises:
        RuntimeError: the two dimensions are the same.

    >>> lampas.diag_embed(lampas.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    ndim = input._data.ndim + 1
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise ShapeError(
            f"diag_embed: dim1 and dim2 must differ, got {dim1} and {dim2}"
        )
    if input._data.ndim == 0:
        raise ShapeError("diag_embed: input needs a dimension")
    size = input._data.shape[-1] + abs(offset)
    shape = list(input._data.shape[:-1])
    for d in sorted((first, second)):
        shape.insert(d, size)
    if first > second:
        first, second, offset = second, first, -offset
    return _diagonal_embed.call(
        input, shape=tuple(shape), offset=offset, dim1=first, dim2=second
    )


@method()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal; or a copy of a matrix's diagonal.

    Args:
        input: a vector or a matrix.
        diagonal: above (positive) or below the main diagonal.

    Raises:
        RuntimeError: another number of dimensions.

    >>> lampas.diag(lampas.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    ndim = input._data.ndim
    if ndim not in (1, 2):
        raise ShapeError(f"diag: input must be 1-D or 2-D, got {ndim} dimensions")
    if ndim == 1:
        return diag_embed(input, diagonal)
    return _diagonal.call(input, offset=diagonal, dim1=0, dim2=1).clone()


@method()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of a tensor on its diagonal.

    >>> lampas.diagflat(lampas.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(input, -1), offset)


@method()
@computes_in("float:cpu")
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal.

    Raises:
        RuntimeError: not a matrix.

    >>> lampas.trace(lampas.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if input._data.ndim != 2:
        raise ShapeError(f"trace: input must be a matrix, got {tuple(input.shape)}")
    if input.dtype.name == "bool":
        raise DTypeError("trace is not implemented for lampas.bool")
    return diagonal(input).sum()


@method()
def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Set the main diagonal, where all indices are equal, in place.

    Args:
        fill_value: the value.
        wrap: go on below, for matrices with more rows than columns.

    Raises:
        RuntimeError: fewer than two dimensions, or more than two of unequal size.
    """
    shape = self._data.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(
            "fill_diagonal_: needs a matrix, or more dimensions of one size, got "
            f"shape {tuple(shape)}"
        )
    if wrap and len(shape) == 2:
        for start in range(0, shape[0], shape[1] + 1):
            self[start : start + shape[1]].diagonal().fill_(fill_value)
        return self
    view = self
    for _ in shape[1:]:
        view = diagonal(view, 0, 0, view._data.ndim - 1)
    view.fill_(fill_value)
    return self
