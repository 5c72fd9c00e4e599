"""Pooling over windows of one, two or three dimensions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved
from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ShapeError
from lampas.ops._masked import masked
from lampas.ops._spatial import spatial
from lampas.ops._windows import Windows, taps, uncover

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
]

Sizes = int | Sequence[int]


def _pooled(specs: Any, *, windows: Windows, **params: Any) -> Spec:
    shape, dtype = specs[0]
    return Spec((*shape[: len(shape) - len(windows.out)], *windows.out), dtype)


def _unpooled(specs: Any, *, windows: Windows, **params: Any) -> Spec:
    shape, dtype = specs[0]
    return Spec((*shape[: len(shape) - len(windows.out)], *windows.size), dtype)


def _pooled_twice(specs: Any, *, windows: Windows) -> Any:
    values = _pooled(specs, windows=windows)
    return values, Spec(values.shape, np.dtype(_place_type(windows)))


def _place_type(windows: Windows) -> type:
    return np.uint8 if windows.count <= 256 else np.int32


# ---- max: the value, and the place in the kernel where it was found

_max_pool = op("max_pool", outputs=2, saves="y1", infer=_pooled_twice, fresh=True)
_max_spread = op("max_spread", kind=LINEAR, saves="place", fresh=True, infer=_unpooled)
"""Cotangents added at the places where the largest values were found."""
_max_pick = op("max_pick", kind=LINEAR, saves="place", fresh=True, infer=_pooled)
"""The elements at these places: the transpose of ``max_spread``."""


@_max_pool.forward
def max_pool_forward(xp: Any, x: Any, *, windows: Windows) -> Any:
    least = -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    image = windows.cover(xp, x, least)
    views = [image[index] for index in taps(windows)]
    best = views[0].copy()
    place = xp.zeros(best.shape, _place_type(windows))
    for i, view in enumerate(views[1:], start=1):
        better = view > best
        if x.dtype.kind == "f":
            better |= view != view
        # place = i where better: in arithmetic, as branches would be guessed wrongly.
        moved = better.astype(place.dtype)
        place *= 1 - moved
        place += moved * place.dtype.type(i)
        xp.maximum(best, view, out=best)
    return best, place


@_max_pool.vjp
def max_pool_vjp(F: Any, g: Any, place: Any, *, need: Any, windows: Windows) -> Any:
    dy, _ = g
    return (F.max_spread(dy, place, windows=windows),)


@_max_spread.forward
def max_spread_forward(xp: Any, g: Any, place: Any, *, windows: Windows) -> Any:
    lead = g.shape[: g.ndim - len(windows.out)]
    image = xp.zeros(windows.covered_shape(lead), g.dtype)
    # Windows that don't overlap need no sum.
    apart = all(map(int.__ge__, windows.stride, windows.reach))
    for i, index in enumerate(taps(windows)):
        part = masked(xp, place == i, g)
        if apart:
            image[index] = part
        else:
            image[index] += part
    return uncover(image, windows)


@_max_spread.vjp
def max_spread_vjp(F: Any, h: Any, place: Any, *, need: Any, windows: Windows) -> Any:
    return F.max_pick(h, place, windows=windows), None


@_max_pick.forward
def max_pick_forward(xp: Any, x: Any, place: Any, *, windows: Windows) -> Any:
    image = windows.cover(xp, x, 0)
    result = xp.zeros(place.shape, x.dtype)
    for i, index in enumerate(taps(windows)):
        xp.copyto(result, image[index], where=place == i)
    return result


@_max_pick.vjp
def max_pick_vjp(F: Any, h: Any, place: Any, *, need: Any, windows: Windows) -> Any:
    return F.max_spread(h, place, windows=windows), None


# ---- average

_avg_pool = op("avg_pool", kind=LINEAR, fresh=True, infer=_pooled)
_avg_spread = op("avg_spread", kind=LINEAR, fresh=True, infer=_unpooled)


def _divisors(windows: Windows, include_pad: bool, divisor: int | None) -> Any:
    """What each window's sum is divided by: a number or an array."""
    if divisor is not None:
        return divisor
    result: Any = 1
    for n, k, s, p, o in zip(
        windows.size,
        windows.kernel,
        windows.stride,
        windows.padding,
        windows.out,
        strict=True,
    ):
        start = np.arange(o) * s - p
        end = np.minimum(start + k, n + p)
        if not include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        result = np.multiply.outer(result, end - start)
    if result.size and (result == result.flat[0]).all():
        return int(result.flat[0])
    return result


def _scaled(xp: Any, sums: Any, divisors: Any) -> Any:
    if not isinstance(divisors, int):
        divisors = xp.asarray(divisors, sums.dtype)
    if sums.dtype.kind not in "iu":
        return sums / divisors
    # Rounded towards zero, as C divides.
    whole = xp.sign(sums) * (abs(sums) // abs(divisors))
    return -whole if isinstance(divisors, int) and divisors < 0 else whole


@_avg_pool.forward
def avg_pool_forward(
    xp: Any, x: Any, *, windows: Windows, include_pad: bool, divisor: int | None
) -> Any:
    sums = windows.cover(xp, x, 0)
    # One dimension after the other: a window of k x k takes 2 k additions, not k * k.
    for axis in range(len(windows.out)):
        sums = _sums_along(xp, sums, windows, axis)
    return _scaled(xp, sums, _divisors(windows, include_pad, divisor))


def _sums_along(xp: Any, x: Any, windows: Windows, axis: int) -> Any:
    where = x.ndim - len(windows.out) + axis
    k, s, o = windows.kernel[axis], windows.stride[axis], windows.out[axis]
    if o == 1:
        return x[(slice(None),) * where + (slice(0, k),)].sum(
            axis=where, keepdims=True, dtype=x.dtype
        )
    total = None
    for i in range(k):
        part = x[(slice(None),) * where + (slice(i, i + (o - 1) * s + 1, s),)]
        total = part.copy() if total is None else xp.add(total, part, out=total)
    return total


@_avg_pool.vjp
def avg_pool_vjp(
    F: Any, g: Any, *, need: Any, windows: Windows, include_pad: Any, divisor: Any
) -> Any:
    return (F.avg_spread(g, windows=windows, include_pad=include_pad, divisor=divisor),)


@_avg_spread.forward
def avg_spread_forward(
    xp: Any, g: Any, *, windows: Windows, include_pad: bool, divisor: int | None
) -> Any:
    shares = _scaled(xp, g, _divisors(windows, include_pad, divisor))
    lead = g.shape[: g.ndim - len(windows.out)]
    image = xp.zeros(windows.covered_shape(lead), g.dtype)
    for index in taps(windows):
        image[index] += shares
    return uncover(image, windows)


@_avg_spread.vjp
def avg_spread_vjp(
    F: Any, h: Any, *, need: Any, windows: Windows, include_pad: Any, divisor: Any
) -> Any:
    return (F.avg_pool(h, windows=windows, include_pad=include_pad, divisor=divisor),)


moved(_max_pool, _max_spread, _max_pick, _avg_pool, _avg_spread)


# ---- arguments


def _windows(
    name: str,
    n: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Windows:
    shape = input._data.shape
    if len(shape) not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: expected {n + 1}D or {n + 2}D input, got shape {tuple(shape)}"
        )
    if 0 in shape[-n - 1 :]:
        raise ShapeError(f"{name}: input has an empty dimension, shape {tuple(shape)}")
    kernel = spatial(kernel_size, n, "kernel_size")
    empty = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    steps = kernel if empty else spatial(stride, n, "stride")
    pads, gaps = spatial(padding, n, "padding"), spatial(dilation, n, "dilation")
    return _placed(name, tuple(shape), kernel, steps, pads, gaps, ceil_mode)


@functools.lru_cache(256)
def _placed(
    name: str,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    steps: tuple[int, ...],
    pads: tuple[int, ...],
    gaps: tuple[int, ...],
    ceil_mode: bool,
) -> Windows:
    """Windows of sizes that are integers, once they are found to fit."""
    for what, sizes in (("kernel_size", kernel), ("stride", steps), ("dilation", gaps)):
        if any(s < 1 for s in sizes):
            raise ShapeError(f"{name}: {what} must be positive, got {sizes}")
    for p, k in zip(pads, kernel, strict=True):
        if not 0 <= p <= k // 2:
            raise ShapeError(
                f"{name}: padding must be at least 0 and at most half of kernel_size, "
                f"got padding {pads} and kernel_size {kernel}"
            )
    size = shape[-len(kernel) :]
    out = tuple(
        _out_size(*sizes, ceil_mode)
        for sizes in zip(size, kernel, steps, pads, gaps, strict=True)
    )
    if any(o < 1 for o in out):
        raise ShapeError(
            f"{name}: the output would have size {out}; kernel {kernel} is too large "
            f"for input {shape}"
        )
    return Windows(size, kernel, steps, pads, gaps, out)


def _out_size(n: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    reach = n + 2 * p - d * (k - 1) - 1
    out = (reach + (s - 1 if ceil_mode else 0)) // s + 1
    # A window may not start in the padding behind.
    if ceil_mode and (out - 1) * s >= n + p:
        out -= 1
    return out


def _flat_places(place: np.ndarray, windows: Windows) -> np.ndarray:
    """Where in the input's spatial dimensions, flattened, the places lie (int64)."""
    index = place.astype(np.int64)
    flat = np.zeros(place.shape, np.int64)
    step = 1
    for axis in reversed(range(len(windows.out))):
        index, at = np.divmod(index, windows.kernel[axis])
        shape = (-1,) + (1,) * (len(windows.out) - 1 - axis)
        start = np.arange(windows.out[axis]) * windows.stride[axis]
        start = start - windows.padding[axis]
        flat += (start.reshape(shape) + at * windows.dilation[axis]) * step
        step *= windows.size[axis]
    return flat


def largest(
    n: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    windows = _windows(
        f"max_pool{n}d", n, input, kernel_size, stride, padding, dilation, ceil_mode
    )
    values, place = _max_pool.call(input, windows=windows)
    if not return_indices:
        return values
    return values, wrap(_flat_places(place._data, windows))


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of a line; see :func:`max_pool2d`.

    >>> lampas.nn.functional.max_pool1d(lampas.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    return largest(
        1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of a plane.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size: of the windows, one number or one for each dimension.
        stride: distance of the windows; ``kernel_size`` by default.
        padding: rows of minus infinity on both sides, at most half the kernel.
        dilation: distance of the elements of a window.
        ceil_mode: round output sizes up, not down.
        return_indices: also return where each value was found, as an index into the
            flattened plane.

    Raises:
        RuntimeError: sizes that do not fit.

    >>> lampas.nn.functional.max_pool2d(lampas.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2)
    tensor([[[4.]]])
    """
    return largest(
        2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@computes_in("float:cpu")
def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of a volume; see :func:`max_pool2d`.

    >>> lampas.nn.functional.max_pool3d(lampas.ones(1, 2, 2, 2), 2)
    tensor([[[[1.]]]])
    """
    return largest(
        3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _with_indices(n: int) -> Any:
    def function(
        input: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        return_indices: bool = True,
    ) -> Any:
        return largest(
            n, input, kernel_size, stride, padding, dilation, ceil_mode, True
        )

    function.__name__ = function.__qualname__ = f"max_pool{n}d_with_indices"
    function.__doc__ = f":func:`max_pool{n}d` with ``return_indices=True``."
    return function


max_pool1d_with_indices = _with_indices(1)
max_pool2d_with_indices = _with_indices(2)
max_pool3d_with_indices = _with_indices(3)


def average(
    n: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    name = f"avg_pool{n}d"
    if divisor_override == 0:
        raise ShapeError(f"{name}: divisor must be not zero")
    windows = _windows(name, n, input, kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool.call(
        input,
        windows=windows,
        include_pad=count_include_pad,
        divisor=divisor_override,
    )


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a line; see :func:`avg_pool2d`.

    >>> lampas.nn.functional.avg_pool1d(lampas.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    return average(
        1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of a plane.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, stride, padding, ceil_mode: as for :func:`max_pool2d`, padding
            with zeros.
        count_include_pad: whether the padding counts as elements.
        divisor_override: divide by this instead of the number of elements.

    Raises:
        RuntimeError: sizes that do not fit.

    >>> lampas.nn.functional.avg_pool2d(lampas.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2)
    tensor([[[2.5000]]])
    """
    return average(
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


@computes_in("float:cpu")
def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of a volume; see :func:`avg_pool2d`.

    >>> lampas.nn.functional.avg_pool3d(lampas.ones(1, 2, 2, 2), 2)
    tensor([[[[1.]]]])
    """
    return average(
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )
