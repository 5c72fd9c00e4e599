"""Order statistics: quantiles, the median without NaN, the most frequent value."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.dtypes import float32, float64
from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved, shifted
from lampas.engine.record import OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim, numpy_names, require_same_device
from lampas.ops._results import printed_as
from lampas.ops.choose import where
from lampas.ops.combine import lerp
from lampas.ops.convert import cast
from lampas.ops.cumulative import running
from lampas.ops.extremes import check_reducible, median_of_all, picked_vjp, two_specs
from lampas.ops.sort import sort

__all__ = ["mode", "nanmedian", "nanquantile", "quantile"]

INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


@printed_as("nanmedian")
class NanmedianResult(NamedTuple):
    """The middle elements, and where along the reduced dimension they stand."""

    values: Tensor
    indices: Tensor


@printed_as("mode")
class ModeResult(NamedTuple):
    """The most frequent elements, and where along the reduced dimension they stand."""

    values: Tensor
    indices: Tensor


# ---- elements at a position of the sorted order


_nanmedian_dim = op(
    "nanmedian_dim", kind=OPAQUE, outputs=2, saves="y1 x.shape", infer=two_specs
)
_mode = op("mode", kind=OPAQUE, outputs=2, saves="y1 x.shape", infer=two_specs)


def _at_rank(xp: Any, x: Any, order: Any, rank: Any, dim: int, keepdim: bool) -> Any:
    """The elements, and their positions, at a rank of the sorted order."""
    index = xp.take_along_axis(order, rank, axis=dim)
    values = xp.take_along_axis(x, index, axis=dim)
    if keepdim:
        return values, index
    return xp.squeeze(values, dim), xp.squeeze(index, dim)


@_nanmedian_dim.forward
def nanmedian_dim_forward(xp: Any, x: Any, *, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    kept = (x == x).sum(axis=dim, keepdims=True)
    order = xp.argsort(x, axis=dim, kind="stable")
    return _at_rank(xp, x, order, xp.maximum(kept - 1, 0) // 2, dim, keepdim)


@_mode.forward
def mode_forward(xp: Any, x: Any, *, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    order = xp.argsort(x, axis=dim, kind="stable")
    if x.dtype.kind == "f":
        # As the smallest value a NaN wins over others that occur once.
        last = (x != x).sum(axis=dim, keepdims=True)
        length = x.shape[dim]
        shape = (-1,) + (1,) * (x.ndim - dim - 1)
        turned = (xp.arange(length).reshape(shape) - last) % length
        order = xp.take_along_axis(order, turned, axis=dim)
    ranked = xp.take_along_axis(x, order, axis=dim)
    position = xp.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - dim - 1))
    front = (slice(None),) * dim
    starts = xp.ones(x.shape, bool)
    starts[(*front, slice(1, None))] = (
        ranked[(*front, slice(1, None))] != ranked[(*front, slice(None, -1))]
    )
    start = running(xp, xp.where(starts, position, 0), dim, xp.maximum)
    # The first of the longest runs is that of the smallest value; its end is its last.
    rank = xp.argmax(position - start, axis=dim, keepdims=True)
    return _at_rank(xp, x, order, rank, dim, keepdim)


_nanmedian_dim.vjp(picked_vjp)
_mode.vjp(picked_vjp)


moved(_nanmedian_dim, _mode, least=1, dim=shifted)


@method()
@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two, of those that are not NaN.

    Args:
        input: any shape, not complex or bool.
        dim: the dimension to reduce; all of them by default.
        keepdim: keep the reduced dimension with size 1.

    Returns:
        A tensor, or ``(values, indices)`` if ``dim`` is given; NaN where all are.

    Raises:
        IndexError: ``dim`` is out of range or names an empty dimension.

    >>> lampas.nanmedian(lampas.tensor([3.0, float("nan"), 2.0]))
    tensor(2.)
    """
    if dim is None:
        return median_of_all("nanmedian", input, True)
    dim = normalize_dim(dim, input._data.ndim)
    check_reducible("nanmedian", input, (dim,), "cb")
    return NanmedianResult(*_nanmedian_dim.call(input, dim=dim, keepdim=keepdim))


@method()
@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ModeResult:
    """The most frequent element along a dimension, the smallest of several.

    NaN counts as the smallest, and as different from every other.

    Args:
        input: any shape, not complex.
        dim: the dimension to reduce.
        keepdim: keep the reduced dimension with size 1.

    Returns:
        ``values`` and ``indices``; the index is that of its last occurrence.

    Raises:
        IndexError: ``dim`` is out of range or names an empty dimension.

    >>> lampas.mode(lampas.tensor([3, 1, 1, 3])).values
    tensor(1)
    """
    dim = normalize_dim(dim, input._data.ndim)
    check_reducible("mode", input, (dim,))
    return ModeResult(*_mode.call(input, dim=dim, keepdim=keepdim))


# ---- quantiles


def _levels(name: str, input: Tensor, q: float | Tensor) -> Tensor:
    """``q`` as a tensor of input's dtype, all in [0, 1]."""
    if input.dtype not in (float32, float64):
        raise DTypeError(f"{name}: input must be float32 or float64, got {input.dtype}")
    if input._data.size == 0:
        raise ShapeError(f"{name}: input has no elements (shape {tuple(input.shape)})")
    if not isinstance(q, Tensor):
        q = input.new_tensor(q)
    if q.dtype != input.dtype:
        raise DTypeError(f"{name}: q must have input's dtype, got {q.dtype}")
    if q._data.ndim > 1:
        raise ShapeError(f"{name}: q must be 0-d or a vector, got {tuple(q.shape)}")
    require_same_device(name, input=input, q=q)
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise ShapeError(f"{name}: q must be in [0, 1], got {q.tolist()}")
    return q


def _between(rows: Tensor, ranks: Tensor, interpolation: str) -> Tensor:
    """The values of sorted rows at ranks, which need not be whole."""
    rounding = {"lower": Tensor.floor, "higher": Tensor.ceil, "nearest": Tensor.round}
    if interpolation in rounding:
        return rows.gather(-1, rounding[interpolation](ranks).long())
    below = ranks.long()
    weight = ranks - below
    if interpolation == "midpoint":
        weight = ranks.new_full(ranks.shape, 0.5)
    above = rows.gather(-1, ranks.ceil().long())
    return lerp(rows.gather(-1, below), above, weight)


def _rows(input: Tensor, dim: int | None) -> Tensor:
    """The sorted entries along the last dimension, after those not reduced."""
    if dim is None or input._data.ndim == 0:
        return sort(input.reshape(-1)).values
    return sort(input, dim).values.movedim(dim, -1)


def _quantile(
    name: str,
    input: Tensor,
    q: float | Tensor,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
) -> Tensor:
    if interpolation not in INTERPOLATIONS:
        raise ShapeError(
            f"{name}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got "
            f"{interpolation!r}"
        )
    q = _levels(name, input, q)
    shape = input._data.shape
    if dim is not None:
        dim = normalize_dim(dim, input._data.ndim)
    rows = _rows(input, dim)
    last = rows._data.shape[-1] - 1
    real = rows.isnan().logical_not()
    levels = q.reshape(-1)
    if name == "quantile":
        # A NaN sorts last: the rank of the end makes it the result.
        ranks = where(real.all(-1, keepdim=True), levels * last, float(last))
    else:
        count = cast(real.sum(-1, keepdim=True), q.dtype)
        ranks = (levels * (count - 1)).clamp(min=0)
    values = _between(rows, ranks, interpolation).movedim(-1, 0)
    if keepdim:
        kept = tuple(1 if dim in (None, i) else s for i, s in enumerate(shape))
        values = values.reshape(-1, *kept)
    return values if q._data.ndim else values.squeeze(0)


@computes_in("float")
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The values below which given parts of the elements lie.

    The sorted elements have ranks 0 to n - 1; wanted is that of rank ``q (n - 1)``.

    Args:
        input: float32 or float64, not empty.
        q: one or a vector of numbers in [0, 1], of input's dtype.
        dim: the dimension to reduce; all of them by default.
        keepdim: keep the reduced dimension with size 1.
        interpolation: between the neighbours of a rank that is not whole: ``linear``,
            ``lower``, ``higher``, ``nearest`` (the even one of two), ``midpoint``.

    Returns:
        The quantiles; if ``q`` is a vector, along a new first dimension. NaN where
        an element is.

    Raises:
        RuntimeError: another dtype, no elements, or ``q`` is outside [0, 1].
        IndexError: ``dim`` is out of range.

    >>> lampas.quantile(lampas.tensor([0.0, 1.0, 2.0, 3.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@computes_in("float")
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The quantiles of the elements that are not NaN; see :func:`quantile`.

    >>> lampas.nanquantile(lampas.tensor([0.0, float("nan"), 2.0]), 0.5)
    tensor(1.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


method()(quantile)
method()(nanquantile)
