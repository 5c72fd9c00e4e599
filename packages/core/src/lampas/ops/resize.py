"""Resizing planes: every method is a matrix along each dimension."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.adaptive import averages, resample

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_NDIM = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}


def _sources(size: int, out: int, scale: float, corners: bool) -> np.ndarray:
    """Where in the input each output element lies, between element centres."""
    at = np.arange(out, dtype=np.float64)
    if corners:
        return at * ((size - 1) / (out - 1)) if out > 1 else np.zeros(out)
    return (at + 0.5) * scale - 0.5


def _picks(index: np.ndarray, size: int) -> np.ndarray:
    matrix = np.zeros((len(index), size))
    matrix[np.arange(len(index)), np.clip(index.astype(int), 0, size - 1)] = 1
    return matrix


def _nearest(size: int, out: int, scale: float, exact: bool) -> np.ndarray:
    # The index is found in float32, as PyTorch finds it; twice the size is exact there
    # whatever the factor was.
    if out == 2 * size and not exact:
        scale = 0.5
    at = np.arange(out, dtype=np.float32) + np.float32(0.5 if exact else 0)
    return _picks(np.floor(at * np.float32(scale)), size)


def _linear(places: np.ndarray, size: int) -> np.ndarray:
    places = np.maximum(places, 0)
    low = np.minimum(places.astype(int), size - 1)
    share = (places - low)[:, None]
    return (1 - share) * _picks(low, size) + share * _picks(low + 1, size)


def _cubic_weight(distance: np.ndarray, a: float) -> np.ndarray:
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _cubic(places: np.ndarray, size: int) -> np.ndarray:
    low = np.floor(places)
    matrix = np.zeros((len(places), size))
    for step in range(-1, 3):
        weight = _cubic_weight(places - (low + step), -0.75)
        matrix += weight[:, None] * _picks(low + step, size)
    return matrix


def _antialiased(size: int, out: int, scale: float, mode: str) -> np.ndarray:
    """The kernel, widened by the scale when shrinking, over the input's elements."""
    wide = max(scale, 1.0)
    support = (2.0 if mode == "bicubic" else 1.0) * wide
    center = (np.arange(out) + 0.5) * scale
    first = np.maximum((center - support + 0.5).astype(int), 0)
    end = np.minimum((center + support + 0.5).astype(int), size)
    at = np.arange(size)
    distance = (at + 0.5 - center[:, None]) / wide
    if mode == "bicubic":
        weight = _cubic_weight(distance, -0.5)
    else:
        weight = np.maximum(1 - np.abs(distance), 0)
    weight = weight * ((at >= first[:, None]) & (at < end[:, None]))
    return weight / weight.sum(axis=1, keepdims=True)


@functools.lru_cache(8)
def _matrix(
    mode: str, size: int, out: int, scale: float, corners: bool, antialias: bool
) -> np.ndarray:
    if mode == "area":
        return averages(size, out)
    if mode.startswith("nearest"):
        return _nearest(size, out, scale, mode == "nearest-exact")
    if antialias:
        if corners:
            scale = (size - 1) / (out - 1) if out > 1 else 0.0
        return _antialiased(size, out, scale, mode)
    places = _sources(size, out, scale, corners)
    return _cubic(places, size) if mode == "bicubic" else _linear(places, size)


def _sizes(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float]]:
    """Output sizes, and input elements per output element."""
    shape = input._data.shape[2:]
    n = len(shape)
    if (size is None) == (scale_factor is None):
        raise ArgumentError("only one of size or scale_factor should be defined")
    if size is not None:
        wanted = list(size) if isinstance(size, (tuple, list)) else [size] * n
        if len(wanted) != n:
            raise ArgumentError(
                f"input and output must have the same number of spatial dimensions, "
                f"got {n} and size {size}"
            )
        if recompute:
            raise ArgumentError("recompute_scale_factor is not meaningful with size")
        scales = [s / w if w else 0.0 for s, w in zip(shape, wanted, strict=True)]
    else:
        many = isinstance(scale_factor, (tuple, list))
        factors = list(scale_factor) if many else [scale_factor] * n
        if len(factors) != n:
            raise ArgumentError(
                f"input and scale_factor must have the same number of spatial "
                f"dimensions, got {n} and {scale_factor}"
            )
        wanted = [math.floor(s * f) for s, f in zip(shape, factors, strict=True)]
        scales = [1 / f for f in factors]
        if recompute:
            scales = [s / w if w else 0.0 for s, w in zip(shape, wanted, strict=True)]
    if any(w <= 0 for w in wanted) or any(s <= 0 for s in shape):
        raise ShapeError(
            f"interpolate: input and output sizes must be greater than 0, got {shape} "
            f"and {tuple(wanted)}"
        )
    return [int(w) for w in wanted], scales


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Change the size of lines, planes or volumes.

    Args:
        input: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: the new spatial size; or
        scale_factor: the factors by which the sizes grow.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (lines), ``"bilinear"``,
            ``"bicubic"`` (planes), ``"trilinear"`` (volumes) or ``"area"``.
        align_corners: whether corner elements keep their place (linear and cubic).
        recompute_scale_factor: use the ratio of the sizes as the factor.
        antialias: widen the kernel when shrinking (bilinear and bicubic).

    Raises:
        ValueError: arguments that do not go together.

    >>> x = lampas.tensor([[[1.0, 2.0]]])
    >>> lampas.nn.functional.interpolate(x, scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    ndim = input._data.ndim
    known = mode in _NDIM or mode in ("nearest", "nearest-exact", "area")
    if not known or ndim not in (3, 4, 5) or _NDIM.get(mode, ndim) != ndim:
        raise NotImplementedErrorOfMode(
            f"interpolate: mode {mode!r} does not take input of {ndim} dimensions"
        )
    if align_corners is not None and mode not in _NDIM:
        raise ArgumentError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(
            "anti-alias option is restricted to bilinear and bicubic modes"
        )
    sizes, scales = _sizes(input, size, scale_factor, recompute_scale_factor)
    for i, (out, scale) in enumerate(zip(sizes, scales, strict=True)):
        have = input._data.shape[2 + i]
        if have == out and scale == 1:
            continue
        matrix = _matrix(mode, have, out, scale, bool(align_corners), antialias)
        input = resample(input, 2 + i, matrix)
    return input


class NotImplementedErrorOfMode(ArgumentError, NotImplementedError):
    """A mode is unknown, or not for input of this number of dimensions."""


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """:func:`interpolate` under its older name.

    >>> lampas.nn.functional.upsample(lampas.ones(1, 1, 2), size=4).shape
    lampas.Size([1, 1, 4])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """:func:`interpolate` by the nearest element.

    >>> lampas.nn.functional.upsample_nearest(lampas.ones(1, 1, 2), size=4).shape
    lampas.Size([1, 1, 4])
    """
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """:func:`interpolate` bilinearly with aligned corners.

    >>> lampas.nn.functional.upsample_bilinear(lampas.ones(1, 1, 2, 2), size=4).shape
    lampas.Size([1, 1, 4, 4])
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
