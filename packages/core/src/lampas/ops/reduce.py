"""Reductions: one value from many, along dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.dtypes import DType, as_dtype
from lampas.engine.batching import moved, prefixed
from lampas.engine.infer import Spec, given_shape, reduced
from lampas.engine.record import LINEAR, REDUCTION, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import dims_of, normalize_dim, numpy_names, sizes_of
from lampas.ops.convert import cast, widened

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "prod",
    "sum",
]


_sum_to = op("sum_to", kind=LINEAR, saves="x.shape", infer=given_shape)
"""Sum over what broadcasting repeated: the transpose of ``expand``."""


@_sum_to.forward
def sum_to_forward(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, s in enumerate(shape) if s == 1 and x.shape[i + extra] != 1
    )
    return x.sum(axis=axes, keepdims=True).reshape(shape)


@_sum_to.vjp
def sum_to_vjp(F: Any, g: Any, x_shape: Any, *, need: Any, shape: Any) -> Any:
    return (F.expand(g, shape=x_shape),)


@_sum_to.batch
def sum_to_batch(F: Any, size: int, batched: Any, x: Any, *, shape: Any) -> Any:
    extra = tuple(range(1, x.ndim - len(shape)))
    x = F.sum(x, dim=extra, keepdim=False) if extra else x
    return F.sum_to(x, shape=(size, *shape))


_sum = op("sum", kind=REDUCTION, saves="x.shape", infer=reduced, autocast="float:cuda")


@_sum.forward
def sum_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.sum(axis=dim, keepdims=keepdim, dtype=x.dtype)


@_sum.vjp
def sum_vjp(F: Any, g: Any, shape: Any, *, need: Any, dim: Any, keepdim: bool) -> Any:
    return (F.spread(g, kept=kept_shape(shape, dim), shape=shape),)


def _int64_spec(specs: Any, **params: Any) -> Spec:
    return Spec(reduced(specs, **params).shape, np.dtype(np.int64))


_tally = op("tally", kind=REDUCTION, infer=_int64_spec)
"""The sum of bools or integers as int64."""


@_tally.forward
def tally_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.sum(axis=dim, keepdims=keepdim, dtype=np.int64)


@method()
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Sum over what broadcasting ``size`` to this tensor's shape repeats.

    Args:
        size: sizes, one by one or as a tuple.

    Raises:
        RuntimeError: ``size`` does not broadcast to this tensor's shape.

    >>> lampas.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape, wanted = self._data.shape, sizes_of(size)
    if shape == wanted != ():
        return self
    extra = len(shape) - len(wanted)
    if extra < 0 or [
        w for w, s in zip(wanted, shape[extra:], strict=True) if w not in (1, s)
    ]:
        raise ShapeError(f"size {wanted} does not broadcast to shape {tuple(shape)}")
    return _sum_to.call(widened(self, None), shape=wanted)


_spread = op("spread", kind=LINEAR, saves="x.shape", infer=given_shape)
"""Repeat each value over what a reduction took it from: the transpose of ``sum``."""

# Up to this size a filled array costs less than NumPy's broadcast view of it.
_FILL = 4096


@_spread.forward
def spread_forward(xp: Any, x: Any, *, kept: Any, shape: tuple[int, ...]) -> Any:
    x = x.reshape(kept)
    if math.prod(shape) > _FILL:
        return xp.broadcast_to(x, shape)
    result = xp.empty(shape, x.dtype)
    result[...] = x
    return result


@_spread.vjp
def spread_vjp(
    F: Any, g: Any, x_shape: Any, *, need: Any, kept: Any, shape: Any
) -> Any:
    return (F.reshape(F.sum_to(g, shape=kept), shape=x_shape),)


moved(_spread, kept=prefixed, shape=prefixed)


def kept_shape(shape: tuple[int, ...], dims: Any) -> tuple[int, ...]:
    """The shape after a reduction that keeps its dimensions with size 1."""
    return tuple(1 if i in dims else s for i, s in enumerate(shape))


@method()
@numpy_names
def sum(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """Add up elements: ``y = sum_i x[i]``.

    Args:
        input: any shape; bool and integers are added as int64.
        dim: the dimensions to sum over; all of them by default.
        keepdim: keep summed dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.sum(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    whole = dtype is None and input._data.dtype.kind in "biu"
    record = _tally if whole else _sum
    return record.call(input, dim=dims_of(dim, input._data.ndim), keepdim=keepdim)


def count_of(shape: tuple[int, ...], dims: Any) -> int:
    """How many elements each result of a reduction along ``dims`` is made from."""
    return math.prod(shape[d] for d in dims)


def floating(name: str, input: Tensor, dtype: DType | None = None) -> Tensor:
    """``input``, cast to ``dtype`` if given; its dtype must then be floating."""
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    if input._data.dtype.kind in "biu":
        raise DTypeError(
            f"{name}: input must be floating or complex, got {input.dtype}; "
            "convert it, for example with .float()"
        )
    return input


_mean = op("mean", kind=REDUCTION, saves="x.shape", infer=reduced)


@_mean.forward
def mean_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    total = x.sum(axis=dim, keepdims=keepdim)
    return xp.true_divide(total, count_of(x.shape, dim), dtype=x.dtype)


@_mean.vjp
def mean_vjp(F: Any, g: Any, shape: Any, *, need: Any, dim: Any, keepdim: bool) -> Any:
    share = g / count_of(shape, dim)
    return (F.spread(share, kept=kept_shape(shape, dim), shape=shape),)


@method()
@numpy_names
def mean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The mean: ``y = sum_i x[i] / n``.

    Args:
        input: any shape, floating or complex.
        dim: the dimensions to average over; all of them by default.
        keepdim: keep averaged dimensions with size 1.
        dtype: cast the input to this first.

    Raises:
        RuntimeError: the input is integer or bool.
        IndexError: ``dim`` is out of range.

    >>> lampas.mean(lampas.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([1.5000, 3.5000])
    """
    input = floating("mean", input, dtype)
    return _mean.call(input, dim=dims_of(dim, input._data.ndim), keepdim=keepdim)


_prod = op("prod", kind=REDUCTION, saves="x", infer=reduced, autocast="float")


@_prod.forward
def prod_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return x.prod(axis=dim, keepdims=keepdim, dtype=x.dtype)


@_prod.vjp
def prod_vjp(F: Any, g: Any, x: Any, *, need: Any, dim: Any, keepdim: bool) -> Any:
    # The dimensions are one, or all (behind a batch): as one they are gone through.
    shape, along = x.shape, dim[0] if dim else 0
    if len(dim) != 1:
        rest = shape[along + len(dim) :]
        x = F.reshape(x, shape=(*shape[:along], count_of(shape, dim), *rest))
    # The product of all others, without dividing: right where elements are zero.
    before = F.cumprod(x, dim=along, reverse=False)
    after = F.cumprod(x, dim=along, reverse=True)
    others = F.shift(before, dim=along, by=1, fill=1) * F.shift(
        after, dim=along, by=-1, fill=1
    )
    g = F.reshape(g, shape=kept_shape(x.shape, (along,)))
    slope = g * F.conj(others)
    return (slope if len(dim) == 1 else F.reshape(slope, shape=shape),)


@method()
@numpy_names
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The product of elements; bool and integers are multiplied as int64.

    Args:
        input: any shape.
        dim: the dimension to reduce; all of them by default.
        keepdim: keep the reduced dimension with size 1.
        dtype: cast the input to this first.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.prod(lampas.tensor([2.0, 3.0]))
    tensor(6.)
    """
    input = widened(input, dtype)
    ndim = input._data.ndim
    dims = tuple(range(ndim)) if dim is None else (normalize_dim(dim, ndim),)
    return _prod.call(input, dim=dims if ndim else (), keepdim=keepdim)


_logsumexp = op(
    "logsumexp", kind=REDUCTION, saves="x y", infer=reduced, autocast="float:cuda"
)


@_logsumexp.forward
def logsumexp_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    if x.size == 0:
        return xp.log(x.sum(axis=dim, keepdims=keepdim))
    # Of complex numbers the real part says how large the exponential is.
    top = x.real.max(axis=dim, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros((), top.dtype))
    total = xp.log(xp.exp(x - top).sum(axis=dim, keepdims=True)) + top
    return total if keepdim else total.reshape(_left(x.shape, dim))


def _left(shape: tuple[int, ...], dims: Any) -> tuple[int, ...]:
    return tuple(s for i, s in enumerate(shape) if i not in dims)


@_logsumexp.vjp
def logsumexp_vjp(
    F: Any, g: Any, x: Any, y: Any, *, need: Any, dim: Any, keepdim: bool
) -> Any:
    kept = kept_shape(x.shape, dim)
    # Nothing but -inf has no share to give.
    top = F.reshape(F.masked(y, y != -math.inf), shape=kept)
    return (F.reshape(g, shape=kept) * F.conj(F.exp(x - top)),)


@method()
@numpy_names
def logsumexp(
    input: Tensor, dim: int | tuple[int, ...], keepdim: bool = False
) -> Tensor:
    """``y = log(sum_i exp(x[i]))``, without overflow.

    Args:
        input: any shape; integers become floating.
        dim: the dimensions to reduce.
        keepdim: keep reduced dimensions with size 1.

    >>> lampas.logsumexp(lampas.tensor([0.0, 0.0]), dim=0)
    tensor(0.6931)
    """
    if input._data.dtype.kind in "biu":
        input = cast(input, as_dtype(float))
    return _logsumexp.call(input, dim=dims_of(dim, input._data.ndim), keepdim=keepdim)


def _truth(specs: Any, *, dim: Any, keepdim: bool) -> Spec:
    return Spec(reduced(specs, dim=dim, keepdim=keepdim).shape, np.dtype(bool))


_all = op("all", kind=REDUCTION, infer=_truth)
_any = op("any", kind=REDUCTION, infer=_truth)


@_all.forward
def all_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return xp.all(x, axis=dim, keepdims=keepdim)


@_any.forward
def any_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return xp.any(x, axis=dim, keepdims=keepdim)


def _judged(record: Any, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    # Unlike every other reduction, these reduce nothing if told no dimension.
    dims = () if dim in ((), []) else dims_of(dim, input._data.ndim)
    result = record.call(input, dim=dims, keepdim=keepdim)
    # PyTorch answers in uint8 for uint8, which was its bool once.
    return cast(result, input.dtype) if input.dtype.name == "uint8" else result


@method()
@numpy_names
def all(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False
) -> Tensor:
    """Whether all elements are nonzero.

    Args:
        input: any shape.
        dim: the dimensions to reduce; all of them by default, none for ``()``.
        keepdim: keep reduced dimensions with size 1.

    >>> lampas.all(lampas.tensor([True, False]))
    tensor(False)
    """
    return _judged(_all, input, dim, keepdim)


@method()
@numpy_names
def any(
    input: Tensor, dim: int | tuple[int, ...] | None = None, keepdim: bool = False
) -> Tensor:
    """Whether an element is nonzero; arguments as for :func:`all`.

    >>> lampas.any(lampas.tensor([True, False]))
    tensor(True)
    """
    return _judged(_any, input, dim, keepdim)


_count_nonzero = op("count_nonzero", kind=REDUCTION, infer=_int64_spec)


@_count_nonzero.forward
def count_nonzero_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    return (x != 0).sum(axis=dim, keepdims=keepdim, dtype=np.int64)


@method()
def count_nonzero(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """How many elements are nonzero (int64).

    Args:
        input: any shape.
        dim: the dimensions to reduce; all of them by default.

    >>> lampas.count_nonzero(lampas.tensor([1, 0, 2]))
    tensor(2)
    """
    dims = dims_of(dim, input._data.ndim)
    return _count_nonzero.call(input, dim=dims, keepdim=False)


_nansum = op("nansum", kind=REDUCTION, saves="x", infer=reduced, autocast="float:cuda")


@_nansum.forward
def nansum_forward(xp: Any, x: Any, *, dim: Any, keepdim: bool) -> Any:
    known = xp.where(x == x, x, xp.zeros((), x.dtype))
    return known.sum(axis=dim, keepdims=keepdim, dtype=x.dtype)


@_nansum.vjp
def nansum_vjp(F: Any, g: Any, x: Any, *, need: Any, dim: Any, keepdim: bool) -> Any:
    return (F.masked(F.reshape(g, shape=kept_shape(x.shape, dim)), x == x),)


@method()
@numpy_names
def nansum(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The sum with NaN taken as 0; arguments as for :func:`sum`.

    >>> lampas.nansum(lampas.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    if input._data.dtype.kind in "biu":
        return sum(input, dim, keepdim, dtype=dtype)
    if dtype is not None and as_dtype(dtype).category < 2:
        return sum(input.where(input == input, 0), dim, keepdim, dtype=dtype)
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    return _nansum.call(input, dim=dims_of(dim, input._data.ndim), keepdim=keepdim)


@method()
def nanmean(
    input: Tensor,
    dim: int | tuple[int, ...] | None = None,
    keepdim: bool = False,
    *,
    dtype: DType | None = None,
) -> Tensor:
    """The mean of the elements that are not NaN; arguments as for :func:`mean`.

    >>> lampas.nanmean(lampas.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    input = floating("nanmean", input, dtype)
    return nansum(input, dim, keepdim) / sum(input == input, dim, keepdim)
