"""Choosing between elements: by a condition, by size, or within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.dtypes import bool_, finfo
from lampas.engine.batching import pointwise
from lampas.engine.infer import Spec, broadcast, broadcast_shapes, like_input
from lampas.engine.promotion import result_type_of
from lampas.engine.record import ELEMENTWISE, LINEAR, OPAQUE, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentTypeError, DTypeError, GradientError
from lampas.ops._arguments import require_ordered, require_tensors
from lampas.ops.convert import cast

__all__ = [
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "nan_to_num",
    "where",
]

_masked = op("masked", kind=LINEAR, saves="x.shape condition", infer=broadcast)
"""Keep elements where the condition is true, zero the others (NaN and inf too)."""


@_masked.forward
def masked_forward(xp: Any, x: Any, condition: Any) -> Any:
    return xp.where(condition, x, xp.zeros((), x.dtype))


@_masked.vjp
def masked_vjp(F: Any, g: Any, shape: Any, condition: Any, *, need: Any) -> Any:
    return F.sum_to(F.masked(g, condition), shape=shape), None


def _chosen(specs: Any, **params: Any) -> Spec:
    return Spec(broadcast_shapes(*(s.shape for s in specs)), specs[1].dtype)


_where = op(
    "where",
    kind=OPAQUE,
    saves="condition x.shape other.shape",
    fresh=True,
    infer=_chosen,
)


@_where.forward
def where_forward(xp: Any, condition: Any, x: Any, other: Any) -> Any:
    return xp.where(condition, x, other)


@_where.vjp
def where_vjp(
    F: Any, g: Any, condition: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = dother = None
    if need[1]:
        dx = F.sum_to(F.masked(g, condition), shape=shape)
    if need[2]:
        dother = F.masked(g, F.logical_not(condition))
        dother = F.sum_to(dother, shape=other_shape)
    return None, dx, dother


def where(
    condition: Tensor,
    input: Tensor | float | None = None,
    other: Tensor | float | None = None,
) -> Any:
    """Take ``input`` where the condition holds and ``other`` elsewhere.

    Args:
        condition: bool, any shape.
        input, other: tensors or numbers that broadcast against it. Without them the
            positions where the condition holds are returned.

    Returns:
        A tensor of the broadcast shape and promoted dtype; or a tuple of int64
        tensors, one for each dimension.

    Raises:
        RuntimeError: the condition is not bool, or shapes do not fit.

    >>> lampas.where(lampas.tensor([True, False]), lampas.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if input is None and other is None:
        array = condition._data
        found = namespace_of(array).nonzero(array if array.ndim else array.reshape(1))
        return tuple(wrap(positions) for positions in found)
    if input is None or other is None:
        raise ArgumentTypeError("where takes a condition and both input and other")
    if condition._data.dtype.kind != "b":
        if condition.dtype.name != "uint8":
            raise DTypeError(
                f"where expects condition to be a bool tensor, got {condition.dtype}"
            )
        condition = cast(condition, bool_)
    if (
        isinstance(input, Tensor)
        and isinstance(other, Tensor)
        and input._data.dtype is other._data.dtype
    ):
        return _where.call(condition, input, other)
    target = result_type_of(
        [x._data if isinstance(x, Tensor) else x for x in (input, other)]
    )
    x, y = (
        cast(v, target) if isinstance(v, Tensor) else wrap(np.asarray(v, target.numpy))
        for v in (input, other)
    )
    return _where.call(condition, x, y)


@method("where")
def _where_method(
    self: Tensor, condition: Tensor, other: Tensor | float | None = None
) -> Any:
    """This tensor where the condition holds, ``other`` elsewhere."""
    return where(condition, self, other)


_PAIR = "x other x.shape other.shape"
_maximum = op(
    "maximum",
    kind=ELEMENTWISE,
    ufunc="maximum",
    saves=_PAIR,
    fresh=True,
    infer=broadcast,
    expr="max(x, other)",
)
_minimum = op(
    "minimum",
    kind=ELEMENTWISE,
    ufunc="minimum",
    saves=_PAIR,
    fresh=True,
    infer=broadcast,
    expr="min(x, other)",
)
_fmax = op(
    "fmax", kind=ELEMENTWISE, ufunc="fmax", saves=_PAIR, fresh=True, infer=broadcast
)
_fmin = op(
    "fmin", kind=ELEMENTWISE, ufunc="fmin", saves=_PAIR, fresh=True, infer=broadcast
)


@_maximum.vjp
def maximum_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    g = F.where(x == other, g * 0.5, g)
    return (
        F.sum_to(F.masked(g, F.logical_not(x < other)), shape=shape),
        F.sum_to(F.masked(g, F.logical_not(x > other)), shape=other_shape),
    )


@_minimum.vjp
def minimum_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    g = F.where(x == other, g * 0.5, g)
    return (
        F.sum_to(F.masked(g, F.logical_not(x > other)), shape=shape),
        F.sum_to(F.masked(g, F.logical_not(x < other)), shape=other_shape),
    )


@_fmax.vjp
def fmax_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    first = F.logical_or(x >= other, F.isnan(other))
    return (
        F.sum_to(F.masked(g, first), shape=shape),
        F.sum_to(F.masked(g, F.logical_not(first)), shape=other_shape),
    )


@_fmin.vjp
def fmin_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    first = F.logical_or(x <= other, F.isnan(other))
    return (
        F.sum_to(F.masked(g, first), shape=shape),
        F.sum_to(F.masked(g, F.logical_not(first)), shape=other_shape),
    )


@method()
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements; NaN if one is. Equal ones share the gradient.

    Args:
        input, other: tensors that broadcast against each other.

    >>> lampas.maximum(lampas.tensor([1.0, 5.0]), lampas.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    require_tensors("maximum", input=input, other=other)
    require_ordered("maximum", input, other)
    return _maximum.call(input, other)


@method()
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements; NaN if one is. Equal ones share the gradient.

    Args:
        input, other: tensors that broadcast against each other.

    >>> lampas.minimum(lampas.tensor([1.0, 5.0]), lampas.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    require_tensors("minimum", input=input, other=other)
    require_ordered("minimum", input, other)
    return _minimum.call(input, other)


@method()
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, preferring numbers to NaN.

    Args:
        input, other: tensors that broadcast against each other.

    >>> lampas.fmax(lampas.tensor([float("nan")]), lampas.tensor([3.0]))
    tensor([3.])
    """
    require_tensors("fmax", input=input, other=other)
    require_ordered("fmax", input, other)
    return _fmax.call(input, other)


@method()
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, preferring numbers to NaN.

    Args:
        input, other: tensors that broadcast against each other.

    >>> lampas.fmin(lampas.tensor([float("nan")]), lampas.tensor([3.0]))
    tensor([3.])
    """
    require_tensors("fmin", input=input, other=other)
    require_ordered("fmin", input, other)
    return _fmin.call(input, other)


# ---- bounds

_clamp = op("clamp", kind=OPAQUE, saves="x", fresh=True, infer=like_input)


@_clamp.forward
def clamp_forward(xp: Any, x: Any, *, min: Any, max: Any) -> Any:
    if min is not None:
        x = xp.maximum(x, min)
    return x if max is None else xp.minimum(x, max)


@_clamp.vjp
def clamp_vjp(F: Any, g: Any, x: Any, *, need: Any, min: Any, max: Any) -> Any:
    if max is None:
        return (F.masked(g, x >= min),)
    if min is None:
        return (F.masked(g, x <= max),)
    return (F.masked(g, F.logical_and(x >= min, x <= max)),)


_clamp_min = op("clamp_min", kind=ELEMENTWISE, saves=_PAIR, fresh=True, infer=broadcast)
_clamp_max = op("clamp_max", kind=ELEMENTWISE, saves=_PAIR, fresh=True, infer=broadcast)


@_clamp_min.forward
def clamp_min_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.maximum(x, other)


@_clamp_min.vjp
def clamp_min_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    return (
        F.sum_to(F.masked(g, x >= other), shape=shape),
        F.sum_to(F.masked(g, x < other), shape=other_shape),
    )


@_clamp_max.forward
def clamp_max_forward(xp: Any, x: Any, other: Any) -> Any:
    return xp.minimum(x, other)


@_clamp_max.vjp
def clamp_max_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    return (
        F.sum_to(F.masked(g, x <= other), shape=shape),
        F.sum_to(F.masked(g, x > other), shape=other_shape),
    )


_clamp_between = op(
    "clamp_between",
    kind=ELEMENTWISE,
    saves="x low high x.shape low.shape high.shape",
    fresh=True,
    infer=broadcast,
)


@_clamp_between.forward
def clamp_between_forward(xp: Any, x: Any, low: Any, high: Any) -> Any:
    return xp.minimum(xp.maximum(x, low), high)


@_clamp_between.vjp
def clamp_between_vjp(
    F: Any,
    g: Any,
    x: Any,
    low: Any,
    high: Any,
    shape: Any,
    low_shape: Any,
    high_shape: Any,
    *,
    need: Any,
) -> Any:
    dx = dlow = dhigh = None
    if need[0]:
        inside = F.logical_and(x >= low, x <= high)
        dx = F.sum_to(F.masked(g, inside), shape=shape)
    if need[1]:
        below = F.logical_and(x < low, low < high)
        dlow = F.sum_to(F.masked(g, below), shape=low_shape)
    if need[2]:
        above = F.logical_or(x > high, low > high)
        dhigh = F.sum_to(F.masked(g, above), shape=high_shape)
    return dx, dlow, dhigh


def _wrapped(bound: Any, dtype: np.dtype) -> Any:
    """A number as integers of a type hold it: what is too large wraps around."""
    return None if bound is None else np.asarray(bound).astype(dtype).item()


def clamp(
    input: Tensor,
    min: Tensor | float | None = None,
    max: Tensor | float | None = None,
) -> Tensor:
    """Bring elements into a range: ``y = min(max(x, lower), upper)``.

    Args:
        input: any shape, not complex.
        min, max: the bounds; numbers or tensors that broadcast, at least one.

    Raises:
        RuntimeError: both bounds are None.

    >>> lampas.clamp(lampas.tensor([-2.0, 0.5, 7.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_tensors("clamp", input=input)
    if min is None and max is None:
        raise GradientError("clamp: at least one of min and max must not be None")
    require_ordered("clamp", input, min, max)
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if max is None:
            return _clamp_min.call(input, min)
        if min is None:
            return _clamp_max.call(input, max)
        return _clamp_between.call(input, min, max)
    if input._data.dtype.kind in "biu":
        bounds = [b for b in (min, max) if b is not None]
        input = cast(input, result_type_of([input._data, *bounds]))
        if input._data.dtype.kind in "iu":
            min, max = (_wrapped(b, input._data.dtype) for b in (min, max))
    return _clamp.call(input, min=min, max=max)


def clamp_min(input: Tensor, min: Tensor | float) -> Tensor:
    """Raise elements to at least ``min``; see :func:`clamp`.

    >>> lampas.clamp_min(lampas.tensor([-2.0, 3.0]), 0)
    tensor([0., 3.])
    """
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Tensor | float) -> Tensor:
    """Lower elements to at most ``max``; see :func:`clamp`.

    >>> lampas.clamp_max(lampas.tensor([-2.0, 3.0]), 0)
    tensor([-2.,  0.])
    """
    return clamp(input, max=max)


clip = clamp

_nan_to_num = op("nan_to_num", kind=OPAQUE, saves="x", fresh=True, infer=like_input)


@_nan_to_num.forward
def nan_to_num_forward(xp: Any, x: Any, *, nan: Any, posinf: Any, neginf: Any) -> Any:
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@_nan_to_num.vjp
def nan_to_num_vjp(F: Any, g: Any, x: Any, *, need: Any, **values: Any) -> Any:
    return (F.masked(g, F.isfinite(x)),)


pointwise(_masked, _where, _clamp, _nan_to_num)


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """Replace NaN and the infinities by numbers.

    Args:
        input: any shape.
        nan: what replaces NaN.
        posinf, neginf: what replaces the infinities; the largest and the smallest
            finite number of the dtype by default.

    >>> lampas.nan_to_num(lampas.tensor([float("nan"), 1.0]))
    tensor([0., 1.])
    """
    if input.dtype.category < 2:
        return wrap(input._data.copy())
    limits = finfo(input.dtype)
    return _nan_to_num.call(
        input,
        nan=0.0 if nan is None else nan,
        posinf=limits.max if posinf is None else posinf,
        neginf=limits.min if neginf is None else neginf,
    )


method("clamp", "clip", inplace=True)(clamp)
method(inplace=True)(clamp_min)
method(inplace=True)(clamp_max)
method(inplace=True)(nan_to_num)
