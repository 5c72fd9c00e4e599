"""Windows of planes as columns, and their sums: each the transpose of the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lampas.engine.batching import folded
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._spatial import spatial
from lampas.ops._windows import Windows, taps, uncover

__all__ = ["fold", "unfold"]

Sizes = int | Sequence[int]

_unfold = op("unfold_columns", kind=LINEAR, fresh=True)
_fold = op("fold_columns", kind=LINEAR, fresh=True)


@_unfold.forward
def unfold_columns_forward(xp: Any, x: Any, *, windows: Windows) -> Any:
    image = windows.cover(xp, x, 0)
    columns = xp.empty((*x.shape[:2], windows.count, *windows.out), x.dtype)
    for i, index in enumerate(taps(windows)):
        columns[:, :, i] = image[index]
    rows = x.shape[1] * windows.count
    return columns.reshape(x.shape[0], rows, math.prod(windows.out))


@_unfold.vjp
def unfold_columns_vjp(F: Any, g: Any, *, need: Any, windows: Windows) -> Any:
    return (F.fold_columns(g, windows=windows),)


@_fold.forward
def fold_columns_forward(xp: Any, x: Any, *, windows: Windows) -> Any:
    channels = x.shape[1] // windows.count
    columns = x.reshape(x.shape[0], channels, windows.count, *windows.out)
    image = xp.zeros(windows.covered_shape(columns.shape[:2]), x.dtype)
    for i, index in enumerate(taps(windows)):
        image[index] += columns[:, :, i]
    return uncover(image, windows)


@_fold.vjp
def fold_columns_vjp(F: Any, g: Any, *, need: Any, windows: Windows) -> Any:
    return (F.unfold_columns(g, windows=windows),)


folded(_unfold, _fold)


def _windows(
    name: str, size: Any, kernel: Any, dilation: Any, pad: Any, stride: Any
) -> Windows:
    parts = [
        spatial(value, 2, what)
        for value, what in (
            (kernel, "kernel_size"),
            (stride, "stride"),
            (pad, "padding"),
            (dilation, "dilation"),
        )
    ]
    kernel, stride, pad, dilation = parts
    if min(*kernel, *stride, *dilation) < 1 or min(pad) < 0:
        raise ShapeError(
            f"{name}: kernel_size, stride and dilation must be positive and padding "
            f"not negative, got {kernel}, {stride}, {dilation} and {pad}"
        )
    out = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, pad, dilation, strict=True)
    )
    if min(out) < 1:
        raise ShapeError(f"{name}: no window of {kernel} fits into {tuple(size)}")
    return Windows(tuple(size), kernel, stride, pad, dilation, out)


def unfold(
    input: Tensor,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The windows of planes as columns.

    Args:
        input: (N, C, H, W) or (C, H, W).
        kernel_size, dilation, padding, stride: of the windows.

    Returns:
        (N, C * kernel, windows), without N if there was none.

    Raises:
        RuntimeError: sizes that do not fit.

    >>> lampas.nn.functional.unfold(lampas.ones(1, 1, 3, 3), 2).shape
    lampas.Size([1, 4, 4])
    """
    shape = input._data.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise ShapeError(f"unfold: expected 3D or 4D input, got shape {tuple(shape)}")
    windows = _windows("unfold", shape[-2:], kernel_size, dilation, padding, stride)
    if len(shape) == 4:
        return _unfold.call(input, windows=windows)
    return _unfold.call(input.reshape(1, *shape), windows=windows).squeeze(0)  # type: ignore[attr-defined]


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Columns added up at the places of their windows: the transpose of unfold.

    Args:
        input: (N, C * kernel, windows) or (C * kernel, windows).
        output_size: of the planes.
        kernel_size, dilation, padding, stride: of the windows.

    Raises:
        RuntimeError: sizes that do not fit.

    >>> lampas.nn.functional.fold(lampas.ones(1, 4, 1), 2, 2).shape
    lampas.Size([1, 1, 2, 2])
    """
    size = spatial(output_size, 2, "output_size")
    windows = _windows("fold", size, kernel_size, dilation, padding, stride)
    shape, count = input._data.shape, math.prod(windows.out)
    if len(shape) not in (2, 3) or shape[-1] != count or shape[-2] % windows.count:
        raise ShapeError(
            f"fold: input must be (N, C * {windows.count}, {count}), got {tuple(shape)}"
        )
    if len(shape) == 3:
        return _fold.call(input, windows=windows)
    return _fold.call(input.reshape(1, *shape), windows=windows).squeeze(0)  # type: ignore[attr-defined]
