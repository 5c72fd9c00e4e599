"""Max pooling over windows that start at random, unequal distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.backend.device import from_host, to_host
from lampas.dtypes import HALVES
from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import by_example
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops._arguments import source_of
from lampas.ops._spatial import spatial
from lampas.ops.flat import gather_flat
from lampas.random import Generator

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]

Sizes = int | Sequence[int]
Ratios = float | Sequence[float]


def _starts(sample: Any, size: int, out: int, kernel: int) -> np.ndarray:
    """Where the windows along one dimension start, (..., out).

    The distances, whole numbers around ``(size - kernel) / (out - 1)``, are those of
    Graham's pseudo-random sequence; the last window ends where the input does.
    """
    step = sample.dtype.type((size - kernel) / (out - 1)) if out > 1 else 0
    at = np.arange(out, dtype=sample.dtype)
    first = (sample * step).astype(np.int64)
    starts = ((at + sample[..., None]) * step).astype(np.int64) - first[..., None]
    starts[..., -1] = size - kernel
    return starts


def _flat_index(
    starts: list[np.ndarray], size: tuple[int, ...], kernel: tuple[int, ...]
) -> np.ndarray:
    """The elements of each window in the flattened input, (N, C, windows, kernel)."""
    n = len(size)
    lead = starts[0].shape[:-1]
    index: Any = 0
    for axis, (start, s, k) in enumerate(zip(starts, size, kernel, strict=True)):
        at = start[..., None] + np.arange(k)
        shape = [1] * (2 * n)
        shape[axis], shape[n + axis] = at.shape[-2:]
        index = index * s + at.reshape(*lead, *shape)
    return index.reshape(*lead, math.prod(index.shape[2 : 2 + n]), math.prod(kernel))


def _out_size(
    name: str, size: tuple[int, ...], output_size: Any, output_ratio: Any
) -> tuple[int, ...]:
    n = len(size)
    if output_size is not None:
        return spatial(output_size, n, "output_size")
    if output_ratio is None:
        raise ArgumentError(f"{name}: output_size or output_ratio must be given")
    many = isinstance(output_ratio, (tuple, list))
    ratios = tuple(output_ratio) if many else (output_ratio,) * n
    if len(ratios) != n:
        raise ArgumentError(
            f"{name}: output_ratio must be a number or {n}, got {output_ratio}"
        )
    if not all(0 < r < 1 for r in ratios):
        raise ArgumentError(
            f"{name}: output_ratio must be between 0 and 1, got {output_ratio}"
        )
    return tuple(int(s * r) for s, r in zip(size, ratios, strict=True))


def _check(
    name: str, input: Tensor, kernel: tuple[int, ...], out: tuple[int, ...]
) -> None:
    shape, n = tuple(input._data.shape), len(kernel)
    if any(s == 0 for s in shape[-n - 1 :]):
        raise ShapeError(f"{name}: input has an empty dimension, shape {shape}")
    if min(kernel) < 1 or min(out) < 1:
        raise ShapeError(
            f"{name}: kernel_size and output size must be positive, got {kernel} and "
            f"{out}"
        )
    pairs = zip(shape[-n:], kernel, out, strict=True)
    if any(o + k - 1 > s for s, k, o in pairs):
        raise ShapeError(
            f"{name}: windows of {kernel} are too large to find {out} different ones "
            f"in input {shape}"
        )


def _samples(
    name: str, input: Any, given: Any, lead: tuple[int, int], n: int, generator: Any
) -> np.ndarray:
    """A number in [0, 1) for each dimension of each plane, (N, C, n)."""
    wide = np.float64 if input._data.dtype == np.float64 else np.float32
    if given is None:
        return source_of(generator).uniform((*lead, n), wide)
    have = tuple(given.shape)
    if len(have) != 3 or have[0] < lead[0] or have[1] < lead[1] or have[2] != n:
        raise ShapeError(
            f"{name}: _random_samples must have shape {(*lead, n)}, got {have}"
        )
    if given.dtype is not input.dtype:
        raise DTypeError(
            f"{name}: _random_samples must have input's dtype {input.dtype}, got "
            f"{given.dtype}"
        )
    return to_host(given._data)[: lead[0], : lead[1]].astype(wide)


@by_example
def _pool(
    n: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
    generator: Generator | None,
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{n}d"
    shape = tuple(input._data.shape)
    if len(shape) not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: expected {n + 1}D or {n + 2}D input, got shape {shape}"
        )
    if not input.is_floating_point():
        raise DTypeError(f"{name}: input must be floating, got {input.dtype}")
    kernel = spatial(kernel_size, n, "kernel_size")
    out = _out_size(name, shape[-n:], output_size, output_ratio)
    _check(name, input, kernel, out)
    lead = (shape[0] if len(shape) == n + 2 else 1, shape[-n - 1])
    random = _samples(name, input, samples, lead, n, generator)
    # A plane's first number is for its width; a volume's are in order of dimensions.
    order = range(n) if n == 3 else reversed(range(n))
    columns = [random[..., i] for i in order]
    sizes = zip(columns, shape[-n:], out, kernel, strict=True)
    windows = _flat_index([_starts(*s) for s in sizes], shape[-n:], kernel)
    rows: Any = input.reshape(*lead, math.prod(shape[-n:]))  # type: ignore[attr-defined]
    index = wrap(from_host(_largest(rows, windows), input.device))
    result = (*shape[:-n], *out)
    return gather_flat(rows, index).reshape(*result), index.reshape(*result)  # type: ignore[attr-defined]


def _largest(rows: Tensor, windows: np.ndarray) -> np.ndarray:
    """Where each window has its largest element, (N, C, windows)."""
    data = to_host(rows.detach()._data)
    if data.dtype in HALVES:
        data = data.astype(np.float32)
    flat = windows.reshape(*windows.shape[:2], math.prod(windows.shape[2:]))
    values = np.take_along_axis(data, flat, -1).reshape(windows.shape)
    best = values.argmax(-1)
    return np.take_along_axis(windows, best[..., None], -1)[..., 0]


@computes_in("float:cpu")
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
    generator: Generator | None = None,
) -> Any:
    """The largest values of windows that start at random distances (Graham 2014).

    Args:
        input: (N, C, H, W) or (C, H, W), floating.
        kernel_size: of the windows.
        output_size: how many windows there are in each dimension; or
        output_ratio: the output's size relative to the input's, in (0, 1).
        return_indices: also return where each value was found, as an index into the
            flattened plane.
        _random_samples: (N, C, 2) in [0, 1), instead of drawn numbers.
        generator: source of randomness.

    Raises:
        ValueError: neither output_size nor output_ratio, or a ratio out of range.
        RuntimeError: sizes or dtypes that do not fit.

    >>> x = lampas.arange(16.0).reshape(1, 4, 4)
    >>> y = lampas.nn.functional.fractional_max_pool2d(x, 2, output_size=3)
    >>> y.shape, y.max()
    (lampas.Size([1, 3, 3]), tensor(15.))
    """
    found = _pool(
        2, input, kernel_size, output_size, output_ratio, _random_samples, generator
    )
    return found if return_indices else found[0]


@computes_in("float:cpu")
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
    generator: Generator | None = None,
) -> Any:
    """:func:`fractional_max_pool2d` of volumes, (N, C, D, H, W) or (C, D, H, W).

    >>> x = lampas.ones(1, 4, 4, 4)
    >>> lampas.nn.functional.fractional_max_pool3d(x, 2, output_ratio=0.5).shape
    lampas.Size([1, 2, 2, 2])
    """
    found = _pool(
        3, input, kernel_size, output_size, output_ratio, _random_samples, generator
    )
    return found if return_indices else found[0]


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = True,
    _random_samples: Tensor | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool2d` with ``return_indices=True``.

    >>> x = lampas.arange(4.0).reshape(1, 2, 2)
    >>> lampas.nn.functional.fractional_max_pool2d_with_indices(x, 2, 1)
    (tensor([[[3.]]]), tensor([[[3]]]))
    """
    return _pool(
        2, input, kernel_size, output_size, output_ratio, _random_samples, generator
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = True,
    _random_samples: Tensor | None = None,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """:func:`fractional_max_pool3d` with ``return_indices=True``.

    >>> x = lampas.arange(8.0).reshape(1, 2, 2, 2)
    >>> lampas.nn.functional.fractional_max_pool3d_with_indices(x, 2, 1)
    (tensor([[[[7.]]]]), tensor([[[[7]]]]))
    """
    return _pool(
        3, input, kernel_size, output_size, output_ratio, _random_samples, generator
    )
