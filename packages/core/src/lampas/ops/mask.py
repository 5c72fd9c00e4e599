"""Choosing by masks: fill, select, triangles, positions of what is not zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.dtypes import DType, as_dtype, int64
from lampas.engine.batching import moved, pointwise
from lampas.engine.infer import like_input
from lampas.engine.record import op, taped
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import batched_by, by_example
from lampas.errors import DTypeError, ShapeError
from lampas.ops._indices import nonzero_places
from lampas.ops.create import cast, tensor

__all__ = [
    "argwhere",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]

_masked_fill = op(
    "masked_fill", kind="opaque", saves="value.shape", widen=False, infer=like_input
)
_keep_where = op("keep_where", kind="linear", fresh=True, widen=False, infer=like_input)
"""The input where a constant mask is set, else zero."""


@_masked_fill.forward
def masked_fill_forward(xp: Any, x: Any, value: Any, *, mask: Any) -> Any:
    return xp.where(mask, value, x)


@_masked_fill.vjp
def masked_fill_vjp(F: Any, g: Any, value_shape: Any, *, need: Any, mask: Any) -> Any:
    return (
        F.keep_where(g, mask=mask, inverse=True) if need[0] else None,
        F.sum_to(F.keep_where(g, mask=mask, inverse=False), shape=value_shape)
        if need[1]
        else None,
    )


@_keep_where.forward
def keep_where_forward(xp: Any, x: Any, *, mask: Any, inverse: bool) -> Any:
    zero = xp.zeros((), x.dtype)
    return xp.where(mask, zero, x) if inverse else xp.where(mask, x, zero)


@_keep_where.vjp
def keep_where_vjp(F: Any, g: Any, *, need: Any, mask: Any, inverse: bool) -> Any:
    return (F.keep_where(g, mask=mask, inverse=inverse),)


pointwise(_masked_fill, _keep_where)


def _mask_array(name: str, mask: Tensor) -> Any:
    if not isinstance(mask, Tensor) or mask._data.dtype.kind != "b":
        shown = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise DTypeError(f"{name}: mask must be a bool tensor, got {shown}")
    return mask._data


def _common_shape(name: str, input: Tensor, mask: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(input._data.shape, mask._data.shape)
    except ValueError:
        raise ShapeError(
            f"{name}: mask of shape {tuple(mask.shape)} can't be broadcast against "
            f"input of shape {tuple(input.shape)}"
        ) from None


def _masked_fill_batch(level: Any, input: Tensor, mask: Tensor, value: Any) -> Any:
    if not isinstance(value, Tensor):
        value = tensor(value, dtype=input.dtype, device=input.device)
    return taped.where(mask, cast(value, input.dtype), input)


@method(inplace=True)
@batched_by(_masked_fill_batch)
def masked_fill(input: Tensor, mask: Tensor, value: float | Tensor) -> Tensor:
    """A copy with ``value`` where the mask is set.

    Args:
        mask: bool; broadcasts against ``input``.
        value: a number or a 0-d tensor.

    Raises:
        RuntimeError: the mask is not bool, shapes do not fit, or the value does not
            fit the dtype.

    >>> x = lampas.tensor([1.0, 2.0])
    >>> lampas.masked_fill(x, x > 1, 0.0)
    tensor([1., 0.])
    """
    array = _mask_array("masked_fill", mask)
    shape = _common_shape("masked_fill", input, mask)
    if isinstance(value, Tensor):
        if value._data.ndim:
            raise ShapeError(
                "masked_fill: value must be a number or a 0-d tensor, got shape "
                f"{tuple(value.shape)}"
            )
        if value.is_complex() and not input.is_complex():
            raise DTypeError(f"masked_fill: a {value.dtype} value in {input.dtype}")
        filling = cast(value, input.dtype)
    else:
        if isinstance(value, complex) and not input.is_complex():
            raise DTypeError(f"masked_fill: a complex value in {input.dtype}")
        if input.dtype.category == 1 and not math.isfinite(value):
            raise DTypeError(f"masked_fill: {value} in {input.dtype}")
        filling = tensor(value, dtype=input.dtype, device=input.device)
    wide = input if input._data.shape == shape else input.expand(*shape)
    return _masked_fill.call(wide, filling, mask=array)


@method()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is set, in one dimension.

    Raises:
        RuntimeError: the mask is not bool or does not broadcast.

    >>> x = lampas.tensor([1, 2, 3])
    >>> lampas.masked_select(x, x > 1)
    tensor([2, 3])
    """
    _mask_array("masked_select", mask)
    shape = _common_shape("masked_select", input, mask)
    return input.expand(*shape)[mask.expand(*shape)]


@method(inplace=True)
@by_example
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy in which the set places take the elements of ``source`` in order.

    Raises:
        RuntimeError: ``source`` has too few elements, or dtypes differ.

    >>> m = lampas.tensor([True, False, True])
    >>> lampas.masked_scatter(lampas.zeros(3), m, lampas.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    _mask_array("masked_scatter", mask)
    shape = _common_shape("masked_scatter", input, mask)
    wide = mask.expand(*shape)
    count = int(wide._data.sum())
    if source._data.dtype != input._data.dtype:
        raise DTypeError(
            f"masked_scatter: source must have {input.dtype}, got {source.dtype}"
        )
    if source._data.size < count:
        raise ShapeError(
            f"masked_scatter: the mask has {count} places, source only "
            f"{source._data.size} elements"
        )
    picked = source.reshape(-1).narrow(0, 0, count)
    return input.expand(*shape).index_put((wide,), picked)


@method()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of elements that are not zero.

    Args:
        as_tuple: one index vector per dimension instead of rows of indices.

    Returns:
        (n, ndim) of int64; or the tuple.

    >>> lampas.nonzero(lampas.tensor([0, 3, 0, 5]))
    tensor([[1],
            [3]])
    """
    data = input._data
    if data.ndim == 0:
        count = int(bool(data))
        xp = namespace_of(data)
        if as_tuple:
            return (wrap(xp.zeros(count, np.int64)),)
        return wrap(xp.zeros((count, 0), np.int64))
    places = nonzero_places(data)
    if as_tuple:
        return tuple(wrap(p.astype(np.int64, copy=False)) for p in places)
    xp = namespace_of(data)
    return wrap(xp.stack(places, axis=1).astype(np.int64, copy=False))


@method()
def argwhere(input: Tensor) -> Tensor:
    """The positions of elements that are not zero, as rows.

    >>> lampas.argwhere(lampas.tensor([0, 3]))
    tensor([[1]])
    """
    return nonzero(input)


def _triangle(name: str, upper: bool) -> Any:
    record = op(name, kind="linear", fresh=True, widen=False, infer=like_input)

    @record.forward
    def forward(xp: Any, x: Any, *, diagonal: int) -> Any:
        return xp.triu(x, diagonal) if upper else xp.tril(x, diagonal)

    @record.vjp
    def vjp(F: Any, g: Any, *, need: Any, diagonal: int) -> Any:
        return (
            F.triu(g, diagonal=diagonal) if upper else F.tril(g, diagonal=diagonal),
        )

    return record


_tril = _triangle("tril", upper=False)
_triu = _triangle("triu", upper=True)
moved(_tril, _triu, least=2)


def _check_matrix(name: str, input: Tensor) -> None:
    if input._data.ndim < 2:
        raise ShapeError(
            f"{name}: input must have two dimensions or more, got shape "
            f"{tuple(input.shape)}"
        )


@method(inplace=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices; zeros above the given diagonal.

    Raises:
        RuntimeError: fewer than two dimensions.

    >>> lampas.tril(lampas.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    _check_matrix("tril", input)
    return _tril.call(input, diagonal=diagonal)


@method(inplace=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices; zeros below the given diagonal.

    Raises:
        RuntimeError: fewer than two dimensions.

    >>> lampas.triu(lampas.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    _check_matrix("triu", input)
    return _triu.call(input, diagonal=diagonal)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = int64, device: Any = None
) -> Tensor:
    """Row and column indices of a lower triangle, as two rows.

    >>> lampas.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _index_pair(np.tril_indices(row, offset, col), dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = int64, device: Any = None
) -> Tensor:
    """Row and column indices of an upper triangle, as two rows.

    >>> lampas.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _index_pair(np.triu_indices(row, offset, col), dtype, device)


def _index_pair(pair: Any, dtype: DType, device: Any) -> Tensor:
    kind = as_dtype(dtype)
    if kind.category != 1:
        raise DTypeError(f"indices must have an integer dtype, got {kind}")
    return tensor(np.stack(pair), dtype=kind, device=device)
