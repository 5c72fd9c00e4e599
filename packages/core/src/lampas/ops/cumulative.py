"""Running extremes and running log-sum-exp along a dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lampas.engine.batching import moved, prefixed, shifted
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import ALONG_AXIS, LINEAR, OPAQUE, Record, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import normalize_dim
from lampas.ops._results import printed_as
from lampas.ops.gather import grid
from lampas.ops.index import add_at

__all__ = ["cummax", "cummin", "logcumsumexp"]


@printed_as("cummax")
class CummaxResult(NamedTuple):
    """The largest elements so far, and where they stand."""

    values: Tensor
    indices: Tensor


@printed_as("cummin")
class CumminResult(NamedTuple):
    """The smallest elements so far, and where they stand."""

    values: Tensor
    indices: Tensor


def running(xp: Any, x: Any, dim: int, pick: Callable[..., Any]) -> Any:
    """``y[k] = pick(x[0], ..., x[k])`` for an associative function of two arrays.

    Without NumPy's ``accumulate``, which CuPy lacks, an entry takes in twice as many
    before it in each round: log2(n) calls on whole arrays.
    """
    if isinstance(pick, np.ufunc) and x.ndim:
        return pick.accumulate(x, axis=dim)
    y = x.copy()
    front = (slice(None),) * dim
    step = 1
    while x.ndim and step < x.shape[dim]:
        ahead, behind = (*front, slice(step, None)), (*front, slice(None, -step))
        y[ahead] = pick(y[behind], y[ahead])
        step *= 2
    return y


# ---- entries at positions that may repeat

_collect = op("collect", kind=LINEAR, saves="x.shape index", widen=False)
"""The entries along ``dim`` at the positions ``index``, which may repeat."""


@_collect.forward
def collect_forward(xp: Any, x: Any, index: Any, *, dim: int) -> Any:
    return xp.take_along_axis(x, index, axis=dim)


@_collect.vjp
def collect_vjp(F: Any, g: Any, shape: Any, index: Any, *, need: Any, dim: int) -> Any:
    return F.deposit(g, index, dim=dim, shape=shape), None


_deposit = op("deposit", kind=LINEAR, saves="index", widen=False)
"""Add entries into zeros at positions along ``dim``: the transpose of ``collect``."""


@_deposit.forward
def deposit_forward(xp: Any, x: Any, index: Any, *, dim: int, shape: Any) -> Any:
    return add_at(xp, xp.zeros(shape, x.dtype), grid(xp, index, dim), x)


@_deposit.vjp
def deposit_vjp(F: Any, g: Any, index: Any, *, need: Any, dim: int, shape: Any) -> Any:
    return F.collect(g, index, dim=dim), None


moved(_collect, least=1, dim=shifted)
moved(_deposit, least=1, dim=shifted, shape=prefixed)


# ---- running extremes


def _two_specs(specs: Any, *, dim: int) -> Any:
    return specs[0], Spec(specs[0].shape, np.dtype(np.int64))


_cummax = op("cummax", kind=OPAQUE, outputs=2, saves="x.shape y1", infer=_two_specs)
_cummin = op("cummin", kind=OPAQUE, outputs=2, saves="x.shape y1", infer=_two_specs)


def _extremes(xp: Any, x: Any, dim: int, pick: Callable[..., Any]) -> Any:
    if x.ndim == 0:
        return x.copy(), xp.zeros((), np.int64)
    hit = x == running(xp, x, dim, pick)
    if x.dtype.kind == "f":
        # NaN is larger and smaller than all, and stays from where it first stands.
        hit = hit | xp.isnan(x)
    order = xp.arange(x.shape[dim]).reshape((-1,) + (1,) * (x.ndim - dim - 1))
    index = running(xp, xp.where(hit, order, 0), dim, xp.maximum)
    return xp.take_along_axis(x, index, axis=dim), index


@_cummax.forward
def cummax_forward(xp: Any, x: Any, *, dim: int) -> Any:
    return _extremes(xp, x, dim, xp.maximum)


@_cummin.forward
def cummin_forward(xp: Any, x: Any, *, dim: int) -> Any:
    return _extremes(xp, x, dim, xp.minimum)


@_cummin.vjp
@_cummax.vjp
def cummax_vjp(F: Any, g: Any, shape: Any, index: Any, *, need: Any, dim: int) -> Any:
    values, _ = g
    if not shape:
        return (values,)
    return (F.deposit(values, index, dim=dim, shape=shape),)


moved(_cummax, _cummin, least=1, dim=shifted)


def _run(name: str, record: Record, input: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    if input.is_complex():
        raise DTypeError(f"{name}: complex numbers have no order")
    values, indices = record.call(input, dim=normalize_dim(dim, input._data.ndim))
    return values, indices


@method()
def cummax(input: Tensor, dim: int) -> CummaxResult:
    """The largest of the elements up to each, along a dimension.

    Args:
        input: any shape, not complex.
        dim: the dimension.

    Returns:
        ``values`` and ``indices``; of equal elements the index is that of the last
        so far. A NaN stays from where it first stands.

    Raises:
        IndexError: ``dim`` is out of range.

    >>> lampas.cummax(lampas.tensor([1, 3, 2]), 0).values
    tensor([1, 3, 3])
    """
    return CummaxResult(*_run("cummax", _cummax, input, dim))


@method()
def cummin(input: Tensor, dim: int) -> CumminResult:
    """The smallest of the elements up to each; arguments as for :func:`cummax`.

    >>> lampas.cummin(lampas.tensor([2, 1, 3]), 0).values
    tensor([2, 1, 1])
    """
    return CumminResult(*_run("cummin", _cummin, input, dim))


# ---- running log-sum-exp

_logcumsumexp = op(
    "logcumsumexp",
    kind=ALONG_AXIS,
    saves="x y",
    infer=like_input,
    autocast="float:cuda",
)


def _log_add_exp(xp: Any, a: Any, b: Any) -> Any:
    if a.dtype.kind != "c":
        return xp.logaddexp(a, b)
    swap = a.real > b.real
    high, low = xp.where(swap, a, b), xp.where(swap, b, a)
    return xp.where(
        xp.isinf(low.real) & (low.real < 0),
        xp.where(xp.isnan(low), low, high),
        high + xp.log1p(xp.exp(low - high)),
    )


@_logcumsumexp.forward
def logcumsumexp_forward(xp: Any, x: Any, *, dim: int) -> Any:
    if x.dtype.kind != "c" or x.ndim == 0:
        return running(xp, x, dim, xp.logaddexp)
    # One after another: the order decides by how many turns a phase may differ.
    result = x.copy()
    y = xp.moveaxis(result, dim, 0)
    for k in range(1, y.shape[0]):
        y[k] = _log_add_exp(xp, y[k - 1], y[k])
    return result


@_logcumsumexp.vjp
def logcumsumexp_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, dim: int) -> Any:
    # dx[i] = exp(x[i] - y[i]) s[i] with s[i] = g[i] + exp(y[i] - y[i+1]) s[i+1]: no
    # exponent is positive, so nothing overflows. Where y is -inf the slope is 0.
    finite = F.logical_not(F.isinf(y))
    before = F.shift(y, dim=dim, by=1, fill=-math.inf)
    ratio = F.exp(F.masked(before - y, finite))
    total = F.recur(g, F.conj(ratio), dim=dim, reverse=True)
    slope = F.masked(F.exp(F.masked(x - y, finite)), finite)
    return (F.conj(slope) * total,)


@method()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of running sums of exponentials, without overflow.

    ``y[i] = log(exp(x[0]) + ... + exp(x[i]))``.

    Args:
        input: any shape, floating or complex.
        dim: the dimension.

    Raises:
        IndexError: ``dim`` is out of range.
        RuntimeError: the input is integer.

    >>> lampas.logcumsumexp(lampas.tensor([0.0, 0.0]), 0)
    tensor([0.0000, 0.6931])
    """
    dim = normalize_dim(dim, input._data.ndim)
    if input._data.dtype.kind in "biu":
        raise DTypeError(
            f"logcumsumexp: input must be floating or complex, got {input.dtype}"
        )
    return _logcumsumexp.call(input, dim=dim)
