"""Largest and smallest elements, their positions, and the median."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, reduced, reduced_twice
from lampas.engine.record import LINEAR, OPAQUE, REDUCTION, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DimensionError, DTypeError
from lampas.ops._arguments import dims_of, normalize_dim, numpy_names
from lampas.ops._results import printed_as
from lampas.ops.choose import maximum, minimum

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "median",
    "min",
]


@printed_as("max")
class MaxResult(NamedTuple):
    """The largest elements, and where along the dimension they stand (int64)."""

    values: Tensor
    indices: Tensor


@printed_as("min")
class MinResult(NamedTuple):
    """The smallest elements, and where along the dimension they stand (int64)."""

    values: Tensor
    indices: Tensor


@printed_as("median")
class MedianResult(NamedTuple):
    """The medians, and where along the dimension they stand (int64)."""

    values: Tensor
    indices: Tensor


@printed_as("aminmax")
class MinAndMax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


# ---- the elements at given positions along a dimension

_pick = op("pick", kind=LINEAR, saves="x.shape index")
"""The elements at ``index`` (size 1 along ``dim``)."""


@_pick.forward
def pick_forward(xp: Any, x: Any, index: Any, *, dim: int) -> Any:
    return xp.take_along_axis(x, index, axis=dim) if x.ndim else x


@_pick.vjp
def pick_vjp(F: Any, g: Any, shape: Any, index: Any, *, need: Any, dim: int) -> Any:
    return F.place(g, index, dim=dim, shape=shape), None


moved(_pick, least=1, dim=shifted)


_place = op("place", kind=LINEAR, saves="index")
"""Zeros with the elements put at ``index``: the transpose of ``pick``."""


@_place.forward
def place_forward(xp: Any, x: Any, index: Any, *, dim: int, shape: Any) -> Any:
    if not shape:
        return x.copy()
    # Not put_along_axis, which CuPy lacks in older versions.
    order = xp.arange(shape[dim]).reshape((-1,) + (1,) * (len(shape) - dim - 1))
    return xp.where(order == index, x, xp.zeros((), x.dtype))


@_place.vjp
def place_vjp(F: Any, g: Any, index: Any, *, need: Any, dim: int, shape: Any) -> Any:
    return F.pick(g, index, dim=dim), None


moved(_place, least=1, dim=shifted, shape=prefixed)


# ---- along one dimension, with positions


def two_specs(specs: Any, *, dim: int, keepdim: bool) -> Any:
    values = reduced(specs, dim=(dim,), keepdim=keepdim)
    return values, Spec(values.shape, np.dtype(np.int64))


_max_dim = op("max_dim", outputs=2, saves="y1 x.shape", infer=two_specs)
_min_dim = op("min_dim", outputs=2, saves="y1 x.shape", infer=two_specs)
_median_dim = op("median_dim", outputs=2, saves="y1 x.shape", infer=two_specs)


def _with_values(xp: Any, x: Any, index: Any, dim: int, keepdim: bool) -> Any:
    values = xp.take_along_axis(x, index, axis=dim)
    if not keepdim:
        values, index = xp.squeeze(values, dim), xp.squeeze(index, dim)
    return values, index


@_max_dim.forward
def max_dim_forward(xp: Any, x: Any, *, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    # Two passes cost less than picking the values by their index.
    return x.max(axis=dim, keepdims=keepdim), x.argmax(axis=dim, keepdims=keepdim)


@_min_dim.forward
def min_dim_forward(xp: Any, x: Any, *, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    return x.min(axis=dim, keepdims=keepdim), x.argmin(axis=dim, keepdims=keepdim)


@_median_dim.forward
def median_dim_forward(xp: Any, x: Any, *, dim: int, keepdim: bool) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    order = xp.argsort(x, axis=dim, kind="stable")
    middle = xp.full((1,) * x.ndim, (x.shape[dim] - 1) // 2)
    shape = tuple(1 if i == dim else s for i, s in enumerate(x.shape))
    index = xp.take_along_axis(order, xp.broadcast_to(middle, shape), axis=dim)
    if x.dtype.kind == "f":
        # A NaN, which sorts last, is the median of what it is in.
        lost = xp.isnan(x)
        index = xp.where(
            lost.any(axis=dim, keepdims=True),
            xp.argmax(lost, axis=dim, keepdims=True),
            index,
        )
    return _with_values(xp, x, index, dim, keepdim)


@_median_dim.vjp
@_min_dim.vjp
@_max_dim.vjp
def picked_vjp(
    F: Any, g: Any, index: Any, shape: Any, *, need: Any, dim: int, keepdim: bool
) -> Any:
    kept = tuple(1 if i == dim else s for i, s in enumerate(shape))
    values, _ = g
    index = F.reshape(index, shape=kept)
    return (F.place(F.reshape(values, shape=kept), index, dim=dim, shape=shape),)


# ---- over several dimensions; equal elements share the gradient

_amax = op("amax", kind=REDUCTION, saves="x y", infer=reduced)
_amin = op("amin", kind=REDUCTION, saves="x y", infer=reduced)


@_amax.forward
def amax_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.max(axis=dim, keepdims=keepdim)


@_amin.forward
def amin_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.min(axis=dim, keepdims=keepdim)


@_amin.vjp
@_amax.vjp
def amax_vjp(
    F: Any, g: Any, x: Any, y: Any, *, need: Any, dim: Any, keepdim: bool
) -> Any:
    kept = tuple(1 if i in dim else s for i, s in enumerate(x.shape))
    # Where the result is NaN, the elements that are share the gradient.
    top = F.logical_or(x == F.reshape(y, shape=kept), F.isnan(x))
    count = F.sum(F.cast(top, dtype=g.dtype), dim=dim, keepdim=True)
    return (F.masked(F.reshape(g, shape=kept) / count, top),)


_aminmax = op(
    "aminmax", kind=REDUCTION, outputs=2, saves="x y0 y1", infer=reduced_twice
)


@_aminmax.forward
def aminmax_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.min(axis=dim, keepdims=keepdim), x.max(axis=dim, keepdims=keepdim)


@_aminmax.vjp
def aminmax_vjp(
    F: Any, g: Any, x: Any, low: Any, high: Any, *, need: Any, dim: Any, keepdim: bool
) -> Any:
    slope = None
    for each, y in zip(g, (low, high), strict=True):
        if each is not None:
            (own,) = amax_vjp(F, each, x, y, need=need, dim=dim, keepdim=keepdim)
            slope = own if slope is None else slope + own
    return (slope,)


# ---- the median of all elements; equal ones share the gradient


def _single_spec(specs: Any, *, skip_nan: bool) -> Spec:
    return Spec((), specs[0].dtype)


_median = op("median", kind=OPAQUE, saves="x y", infer=_single_spec)


@_median.forward
def median_forward(xp: Any, x: Any, *, skip_nan: bool) -> Any:
    floating = x.dtype.kind == "f"
    kept = x.size - int(xp.isnan(x).sum()) if floating else x.size
    if kept == 0 or (kept < x.size and not skip_nan):
        nothing = np.nan if floating else np.iinfo(x.dtype).min
        return xp.full((), nothing, x.dtype)
    middle = (kept - 1) // 2
    # NaN sorts last, so the first ones are those that count.
    return xp.partition(x.reshape(-1), middle)[middle]


@_median.vjp
def median_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, skip_nan: bool) -> Any:
    lost = F.logical_and(F.isnan(x), F.isnan(y))
    middle = F.logical_or(x == y, lost)
    count = F.sum(F.cast(middle, dtype=g.dtype), dim=None, keepdim=False)
    return (F.masked(g / count, middle),)


def median_of_all(name: str, input: Tensor, skip_nan: bool) -> Tensor:
    """The lower median of all elements."""
    check_reducible(name, input, (), "cb")
    return _median.call(input, skip_nan=skip_nan)


def check_reducible(
    name: str, input: Tensor, dims: tuple[int, ...], refused: str = "c"
) -> None:
    if input._data.dtype.kind in refused:
        raise DTypeError(f"{name} is not implemented for {input.dtype}")
    shape = input._data.shape
    if input._data.size == 0 and any(shape[d] == 0 for d in dims):
        raise DimensionError(
            f"{name}: input has shape {tuple(shape)}; a dimension of size 0 has no "
            f"elements to choose from, so it can't be reduced"
        )


@method()
@numpy_names
def amax(
    input: Tensor, dim: int | tuple[int, ...] = (), keepdim: bool = False
) -> Tensor:
    """The largest element; equal ones share the gradient evenly.

    Args:
        input: any shape, not complex.
        dim: the dimensions to reduce; all of them by default.
        keepdim: keep reduced dimensions with size 1.

    Raises:
        IndexError: ``dim`` is out of range or names an empty dimension.

    >>> lampas.amax(lampas.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    dims = dims_of(dim, input._data.ndim)
    check_reducible("amax", input, dims)
    return _amax.call(input, dim=dims, keepdim=keepdim)


@method()
@numpy_names
def amin(
    input: Tensor, dim: int | tuple[int, ...] = (), keepdim: bool = False
) -> Tensor:
    """The smallest element; arguments as for :func:`amax`.

    >>> lampas.amin(lampas.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    dims = dims_of(dim, input._data.ndim)
    check_reducible("amin", input, dims)
    return _amin.call(input, dim=dims, keepdim=keepdim)


@method()
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False
) -> MinAndMax:
    """The smallest and the largest element, as ``(min, max)``.

    Args:
        input: any shape, not complex.
        dim: the dimension to reduce; all of them by default.
        keepdim: keep the reduced dimension with size 1.

    >>> lampas.aminmax(lampas.tensor([3.0, 1.0, 2.0])).max
    tensor(3.)
    """
    dims = dims_of(dim, input._data.ndim)
    check_reducible("aminmax", input, dims)
    return MinAndMax(*_aminmax.call(input, dim=dims, keepdim=keepdim))


@method()
@numpy_names
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The largest element; along a dimension with its position.

    Args:
        input: any shape, not complex.
        dim: the dimension to reduce; all of them by default. A tensor here means
            :func:`maximum`.
        keepdim: keep the reduced dimension with size 1.

    Returns:
        A tensor, or ``(values, indices)`` if ``dim`` is given. The gradient goes to
        the element at the index; without ``dim`` equal elements share it.

    Raises:
        IndexError: ``dim`` is out of range or names an empty dimension.

    >>> values, indices = lampas.max(lampas.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    >>> indices
    tensor([1, 0])
    """
    if isinstance(dim, Tensor):
        return maximum(input, dim)
    if dim is None:
        return _of_all(_amax, "max", input, keepdim)
    dim = normalize_dim(dim, input._data.ndim)
    check_reducible("max", input, (dim,))
    return MaxResult(*_max_dim.call(input, dim=dim, keepdim=keepdim))


def _of_all(record: Any, name: str, input: Tensor, keepdim: bool) -> Tensor:
    data = input._data
    if data.size == 0 or data.dtype.kind == "c":
        check_reducible(name, input, ())
        raise DTypeError(f"{name}: input has no elements; give the dim to reduce")
    return record.call(input, dim=tuple(range(data.ndim)), keepdim=keepdim)


@method()
@numpy_names
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The smallest element; arguments as for :func:`max`.

    >>> lampas.min(lampas.tensor([3.0, 1.0, 2.0]))
    tensor(1.)
    """
    if isinstance(dim, Tensor):
        return minimum(input, dim)
    if dim is None:
        return _of_all(_amin, "min", input, keepdim)
    dim = normalize_dim(dim, input._data.ndim)
    check_reducible("min", input, (dim,))
    return MinResult(*_min_dim.call(input, dim=dim, keepdim=keepdim))


@method()
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two; NaN if one is.

    Args:
        input: any shape, not complex or bool.
        dim: the dimension to reduce; all of them by default.
        keepdim: keep the reduced dimension with size 1.

    Returns:
        A tensor, or ``(values, indices)`` if ``dim`` is given. The gradient goes to
        the element at the index; without ``dim`` equal elements share it.

    >>> lampas.median(lampas.tensor([3.0, 1.0, 2.0, 9.0]))
    tensor(2.)
    """
    if dim is None:
        return median_of_all("median", input, False)
    dim = normalize_dim(dim, input._data.ndim)
    check_reducible("median", input, (dim,), "cb")
    return MedianResult(*_median_dim.call(input, dim=dim, keepdim=keepdim))


# ---- positions


def _index_spec(specs: Any, *, dim: Any, keepdim: bool) -> Spec:
    dims = None if dim is None else (dim,)
    shape = reduced(specs, dim=dims, keepdim=keepdim).shape
    return Spec(shape, np.dtype(np.int64))


_argmax = op("argmax", kind=OPAQUE, infer=_index_spec)
_argmin = op("argmin", kind=OPAQUE, infer=_index_spec)


@_argmax.forward
def argmax_forward(xp: Any, x: Any, *, dim: int | None, keepdim: bool) -> Any:
    return xp.argmax(x, axis=dim if x.ndim else None, keepdims=keepdim)


@_argmin.forward
def argmin_forward(xp: Any, x: Any, *, dim: int | None, keepdim: bool) -> Any:
    return xp.argmin(x, axis=dim if x.ndim else None, keepdims=keepdim)


moved(_max_dim, _min_dim, _median_dim, _argmax, _argmin, least=1, dim=shifted)


def _position(
    record: Any, name: str, input: Tensor, dim: int | None, keepdim: bool
) -> Tensor:
    if dim is None:
        check_reducible(name, input, (), "cb")
        if input._data.size == 0:
            raise DimensionError(f"{name}: input has no elements; give a dim")
    else:
        dim = normalize_dim(dim, input._data.ndim)
        check_reducible(name, input, (dim,) if input._data.ndim else (), "cb")
    return record.call(input, dim=dim, keepdim=keepdim)


@method()
@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the largest element (int64), the first of equal ones.

    Args:
        input: any shape, not complex or bool.
        dim: the dimension to search; by default the flattened tensor.
        keepdim: keep the searched dimension with size 1.

    Raises:
        IndexError: ``dim`` is out of range or names an empty dimension.

    >>> lampas.argmax(lampas.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return _position(_argmax, "argmax", input, dim, keepdim)


@method()
@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The position of the smallest element; arguments as for :func:`argmax`.

    >>> lampas.argmin(lampas.tensor([3.0, 1.0, 2.0]))
    tensor(1)
    """
    return _position(_argmin, "argmin", input, dim, keepdim)
