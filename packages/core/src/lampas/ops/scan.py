"""Running sums and products along a dimension, and differences of neighbours."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import DType, bool_
from lampas.engine.batching import moved, shifted
from lampas.engine.infer import like_input
from lampas.engine.record import ALONG_AXIS, LINEAR, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim, numpy_names
from lampas.ops.convert import widened
from lampas.ops.join import cat

__all__ = ["cumprod", "cumsum", "diff"]


def _turned(x: Any, dim: int) -> Any:
    return x[(slice(None),) * dim + (slice(None, None, -1),)]


_cumsum = op("cumsum", kind=LINEAR, fresh=True, infer=like_input, autocast="float:cuda")


@_cumsum.forward
def cumsum_forward(xp: Any, x: Any, *, dim: int, reverse: bool) -> Any:
    if x.ndim == 0:
        return x.copy()
    if reverse:
        return _turned(_turned(x, dim).cumsum(axis=dim, dtype=x.dtype), dim)
    return x.cumsum(axis=dim, dtype=x.dtype)


@_cumsum.vjp
def cumsum_vjp(F: Any, g: Any, *, need: Any, dim: int, reverse: bool) -> Any:
    return (F.cumsum(g, dim=dim, reverse=not reverse),)


_shift = op("shift", infer=like_input)
"""Move elements along a dimension, filling what they leave with a number."""


@_shift.forward
def shift_forward(xp: Any, x: Any, *, dim: int, by: int, fill: float) -> Any:
    if x.ndim == 0:
        return xp.full((), fill, x.dtype)
    result = xp.full(x.shape, fill, x.dtype)
    front = (slice(None),) * dim
    if by > 0:
        result[(*front, slice(by, None))] = x[(*front, slice(None, -by))]
    else:
        result[(*front, slice(None, by))] = x[(*front, slice(-by, None))]
    return result


@_shift.vjp
def shift_vjp(F: Any, g: Any, *, need: Any, dim: int, by: int, fill: float) -> Any:
    return (F.shift(g, dim=dim, by=-by, fill=0),)


moved(_cumsum, _shift, least=1, dim=shifted)


_recur = op("recur", kind=ALONG_AXIS, saves="a y", infer=like_input)
"""The linear recurrence ``y[k] = x[k] + a[k] y[k-1]``.

Reversed it is its own transpose, ``y[k] = x[k] + a[k+1] y[k+1]``.
"""


@_recur.forward
def recur_forward(xp: Any, x: Any, a: Any, *, dim: int, reverse: bool) -> Any:
    result = xp.array(x, copy=True)
    if x.ndim == 0:
        return result
    y, factor = xp.moveaxis(result, dim, 0), xp.moveaxis(a, dim, 0)
    size = x.shape[dim]
    for k in range(size - 2, -1, -1) if reverse else range(1, size):
        y[k] += factor[k + 1] * y[k + 1] if reverse else factor[k] * y[k - 1]
    return result


@_recur.vjp
def recur_vjp(
    F: Any, g: Any, a: Any, y: Any, *, need: Any, dim: int, reverse: bool
) -> Any:
    dx = F.recur(g, F.conj(a), dim=dim, reverse=not reverse)
    if reverse:
        da = F.shift(dx, dim=dim, by=1, fill=0) * F.conj(y)
    else:
        da = dx * F.conj(F.shift(y, dim=dim, by=1, fill=0))
    return dx, da


_cumprod = op(
    "cumprod", kind=ALONG_AXIS, saves="x y", infer=like_input, autocast="float:cuda"
)


@_cumprod.forward
def cumprod_forward(xp: Any, x: Any, *, dim: int, reverse: bool) -> Any:
    if x.ndim == 0:
        return x.copy()
    if reverse:
        return _turned(_turned(x, dim).cumprod(axis=dim, dtype=x.dtype), dim)
    return x.cumprod(axis=dim, dtype=x.dtype)


@_cumprod.vjp
def cumprod_vjp(
    F: Any, g: Any, x: Any, y: Any, *, need: Any, dim: int, reverse: bool
) -> Any:
    # dx[k] = (product before k) * (g[k] + x[k+1] (g[k+1] + x[k+2] (...))): no
    # division, so zeros need no care.
    before = F.shift(y, dim=dim, by=-1 if reverse else 1, fill=1)
    if reverse:
        # Towards the front, x[k-1] multiplies what stands before k.
        factor = F.shift(x, dim=dim, by=1, fill=0)
        after = F.recur(g, F.conj(factor), dim=dim, reverse=False)
    else:
        after = F.recur(g, F.conj(x), dim=dim, reverse=True)
    return (F.conj(before) * after,)


@method(inplace=True)
@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running sum: ``y[i] = x[0] + ... + x[i]``; integers give int64.

    Args:
        input: any shape.
        dim: the dimension along which to add.
        dtype: cast the input to this first.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.cumsum(lampas.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    dim = normalize_dim(dim, input._data.ndim)
    return _cumsum.call(widened(input, dtype), dim=dim, reverse=False)


@method(inplace=True)
@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The running product: ``y[i] = x[0] * ... * x[i]``; integers give int64.

    Args:
        input: any shape.
        dim: the dimension along which to multiply.
        dtype: cast the input to this first.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.cumprod(lampas.tensor([1, 2, 3]), dim=0)
    tensor([1, 2, 6])
    """
    dim = normalize_dim(dim, input._data.ndim)
    return _cumprod.call(widened(input, dtype), dim=dim, reverse=False)


@method()
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Differences of neighbours along a dimension: ``y[i] = x[i + 1] - x[i]``.

    Args:
        n: how many times; 0 gives a copy of the input alone.
        dim: the dimension.
        prepend, append: entries put before and behind first.

    Raises:
        RuntimeError: ``n`` is negative, or the input is 0-d.

    >>> lampas.diff(lampas.tensor([1, 3, 2]))
    tensor([ 2, -1])
    """
    if input._data.ndim == 0:
        raise ShapeError("diff: input must have a dimension, got a 0-d tensor")
    if n < 0:
        raise ShapeError(f"diff: n must not be negative, got {n}")
    dim = normalize_dim(dim, input._data.ndim)
    if n == 0:
        return input.clone()
    parts = [x for x in (prepend, input, append) if x is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x._data.shape[dim])):
        size = x._data.shape[dim] - 1
        ahead, behind = x.narrow(dim, 1, size), x.narrow(dim, 0, size)
        x = ahead.logical_xor(behind) if x.dtype == bool_ else ahead - behind
    return x.clone() if x is input else x
