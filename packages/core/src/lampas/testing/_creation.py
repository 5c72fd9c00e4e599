"""``make_tensor``: tensors of random values for tests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype, finfo, iinfo
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops._arguments import sizes_of
from lampas.ops.create import placed
from lampas.random import default_generator

__all__ = ["make_tensor"]


def _limits(dtype: DType) -> tuple[float, float]:
    """The lowest value of a dtype, and the bound that none of its values reaches."""
    if dtype.category == 0:
        return 0, 2
    if dtype.category == 1:
        info = iinfo(dtype)
        return info.min, info.max + 1
    return finfo(dtype).min, finfo(dtype).max


def _usual(dtype: DType) -> tuple[float, float]:
    if dtype.category == 0:
        return 0, 2
    if dtype.category == 1:
        return (-9 if dtype.is_signed else 0), 10
    return -9, 9


def _interval(
    dtype: DType, low: float | None, high: float | None
) -> tuple[float, float]:
    """The interval asked for, cut to what the dtype holds."""
    usual, limits = _usual(dtype), _limits(dtype)
    low = usual[0] if low is None else low
    high = usual[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ArgumentError(f"low and high must not be NaN, got {low} and {high}")
    if low >= high:
        raise ArgumentError(f"low must be less than high, got {low} and {high}")
    if high <= limits[0] or low >= limits[1]:
        raise ArgumentError(
            f"low and high give [{low}, {high}), but {dtype} only holds values in "
            f"[{limits[0]}, {limits[1]})"
        )
    low, high = max(low, limits[0]), min(high, limits[1])
    if dtype.category < 2:
        low, high = math.ceil(low), math.ceil(high)
        if low >= high:
            raise ArgumentError(f"no integer lies in [{low}, {high})")
    return low, high


def _floats(real: DType, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    # Halved, so that the width of the whole range of float64 does not overflow.
    unit = default_generator.uniform(shape, np.float64)
    exact = 2 * (low / 2 + unit * (high / 2 - low / 2))
    # Rounding to fewer bits must not reach the bound that is left out.
    bounds = np.array([high, low], real.numpy)
    below = np.nextafter(bounds[0], bounds[1])
    return np.minimum(exact.astype(real.numpy), below)


def _values(
    dtype: DType, low: float, high: float, shape: tuple[int, ...]
) -> np.ndarray:
    if dtype.category < 2:
        drawn = default_generator.integers(int(low), int(high), shape)
        return drawn.astype(dtype.numpy)
    real = dtype.to_real()
    array = np.asarray(_floats(real, low, high, shape))
    if dtype.is_complex:
        array = np.asarray(array + 1j * _floats(real, low, high, shape))
    return array.astype(dtype.numpy)


def make_tensor(
    *shape: Any,
    dtype: DType,
    device: Device | str,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of values drawn evenly from ``[low, high)``, for a test.

    Args:
        shape: sizes, one by one or as a tuple.
        dtype: of the elements.
        device: where it lives.
        low: -9 by default, 0 for uint8 and bool; cut to what the dtype holds.
        high: 9 by default, 10 for integers, 2 for bool.
        requires_grad: record operations on it.
        noncontiguous: leave gaps in its memory (where it has two elements or more).
        exclude_zero: put the smallest positive number in place of every zero.
        memory_format: accepted and without effect; not beside ``noncontiguous``.

    Returns:
        A tensor drawn from the default generator; complex numbers have both parts
        in the interval.

    Raises:
        ValueError: ``low >= high``, one of them is NaN, the dtype holds no value
            between them, or integers are to have a gradient.

    >>> import lampas
    >>> make_tensor(2, 3, dtype=lampas.float32, device="cpu").shape
    lampas.Size([2, 3])
    """
    kind, sizes = as_dtype(dtype), sizes_of(shape)
    if noncontiguous and memory_format is not None:
        raise ArgumentError("give noncontiguous or memory_format, not both")
    if requires_grad and kind.category < 2:
        raise ArgumentError(f"requires_grad needs a floating dtype, got {kind}")
    bounds = _interval(kind, low, high)
    array = _values(kind, *bounds, sizes)
    if exclude_zero:
        smallest = finfo(kind).tiny if kind.category > 1 else 1
        array[array == 0] = smallest
    if noncontiguous and array.size > 1:
        array = np.repeat(array, 2, axis=-1)[..., ::2]
    return placed(array, device, requires_grad)
