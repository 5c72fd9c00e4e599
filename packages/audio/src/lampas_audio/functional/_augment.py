"""Masks over frequencies or times of spectra (SpecAugment)."""

from __future__ import annotations

import numpy as np

import lampas
from lampas import Generator, Tensor
from lampas.errors import ArgumentError
from lampas_audio.functional._arrays import array_of, tensor_of

__all__ = ["mask_along_axis", "mask_along_axis_iid"]


def _source(generator: Generator | None) -> Generator:
    return lampas.default_generator if generator is None else generator


def _widest(mask_param: int, p: float, size: int) -> int:
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"p must lie in [0, 1], got {p}")
    return mask_param if p == 1.0 else min(mask_param, int(size * p))


def mask_along_axis(
    specgram: Tensor,
    mask_param: int,
    mask_value: float,
    axis: int,
    p: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    """Mask one band of a random width below ``mask_param``, the same in all channels.

    Args:
        specgram: ``(..., freq, time)``.
        mask_param: the widest band; widths are uniform.
        mask_value: what stands in the band.
        axis: the dimension, one of the last two.
        p: the largest part of the dimension that a band may cover.
        generator: the default generator if None.

    Raises:
        ValueError: ``axis`` or ``p`` make no sense.
    """
    x = array_of(specgram, "mask_along_axis").copy()
    if axis % x.ndim not in (x.ndim - 2, x.ndim - 1):
        raise ArgumentError(
            f"axis must be one of the last two of {x.ndim} dimensions, got {axis}"
        )
    size = x.shape[axis]
    widest = _widest(mask_param, p, size)
    if widest < 1:
        return specgram
    width, place = _source(generator).uniform(2, "float64")
    width = min(int(width * widest), size)
    start = int(place * (size - width + 1))
    x.swapaxes(axis, -1)[..., start : start + width] = mask_value
    return tensor_of(x, x)


def mask_along_axis_iid(
    specgrams: Tensor,
    mask_param: int,
    mask_value: float,
    axis: int,
    p: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    """Mask one band of random width in each channel of each example.

    Args:
        specgrams: ``(..., freq, time)`` with at least three dimensions.
        mask_param, mask_value, axis, p, generator: as for :func:`mask_along_axis`.

    Raises:
        ValueError: ``axis``, ``p`` or the number of dimensions make no sense.
    """
    x = array_of(specgrams, "mask_along_axis_iid").copy()
    if x.ndim < 3 or axis % x.ndim not in (x.ndim - 2, x.ndim - 1):
        raise ArgumentError(
            "specgrams must have at least three dimensions and axis be one of the last "
            f"two, got {x.ndim} dimensions and {axis}"
        )
    size = x.shape[axis]
    widest = _widest(mask_param, p, size)
    if widest < 1:
        return specgrams
    draws = _source(generator).uniform((2, *x.shape[:-2]), "float64")
    width = np.minimum((draws[0] * widest).astype(int), size)
    start = (draws[1] * (size - width + 1)).astype(int)
    lanes = x.swapaxes(axis, -1)
    steps = np.arange(size)
    inside = (steps >= start[..., None]) & (steps < (start + width)[..., None])
    lanes[...] = np.where(inside[..., None, :], mask_value, lanes)
    return tensor_of(x, x)
