"""Pooling by p-norms, and putting back what max pooling took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import by_example
from lampas.errors import ArgumentError, ShapeError
from lampas.ops._spatial import spatial
from lampas.ops.flat import scatter_flat
from lampas.ops.pool import average, largest

__all__ = [
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

Sizes = int | Sequence[int]


def _power(
    n: int,
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
) -> Tensor:
    if norm_type == math.inf:
        return largest(n, input, kernel_size, stride, 0, 1, ceil_mode, False)
    count = math.prod(spatial(kernel_size, n, "kernel_size"))
    mean = average(
        n,
        input.pow(norm_type),
        kernel_size,
        stride,
        0,
        ceil_mode,
        True,
        None,  # type: ignore[attr-defined]
    )
    positive = mean.sign() * mean.abs().relu()  # type: ignore[attr-defined]
    return (positive * count).pow(1.0 / norm_type)  # type: ignore[attr-defined]


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of a line.

    >>> lampas.nn.functional.lp_pool1d(lampas.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _power(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of a plane.

    Args:
        input: (N, C, H, W) or (C, H, W).
        norm_type: p; of inf it is the largest element.
        kernel_size, stride, ceil_mode: as for :func:`max_pool2d`.

    >>> lampas.nn.functional.lp_pool2d(lampas.ones(1, 2, 2), 2, 2)
    tensor([[[2.]]])
    """
    return _power(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The p-norm of each window of a volume.

    >>> lampas.nn.functional.lp_pool3d(lampas.ones(1, 2, 2, 2), 3, 2)
    tensor([[[[2.]]]])
    """
    return _power(3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- undoing max_pool


@by_example
def _unpool(
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    name = f"max_unpool{n}d"
    kernel = spatial(kernel_size, n, "kernel_size")
    steps = kernel if stride is None else spatial(stride, n, "stride")
    pads = spatial(padding, n, "padding")
    shape = input._data.shape
    if len(shape) not in (n + 1, n + 2):
        raise ShapeError(f"{name}: expected {n + 1}D or {n + 2}D input, got {shape}")
    if indices._data.shape != shape:
        raise ShapeError(
            f"{name}: indices must have the shape of input {tuple(shape)}, "
            f"got {tuple(indices.shape)}"
        )
    size = tuple(
        (o - 1) * s - 2 * p + k
        for o, s, p, k in zip(shape[-n:], steps, pads, kernel, strict=True)
    )
    if output_size is not None:
        wanted = tuple(output_size)[-n:]
        for w, d, s in zip(wanted, size, steps, strict=True):
            if not d - s < w < d + s:
                raise ArgumentError(
                    f"{name}: output_size {wanted} must be within one stride of {size}"
                )
        size = wanted
    flat = indices._data
    if flat.size and (flat.min() < 0 or flat.max() >= math.prod(size)):
        raise ShapeError(
            f"{name}: an index is outside of the output of size {size}: they reach "
            f"from {flat.min()} to {flat.max()}"
        )
    lead = shape[:-n]
    rows = input.reshape(*lead, -1)  # type: ignore[attr-defined]
    places = indices._data.reshape(*lead, -1)
    spread = scatter_flat(rows, wrap(places), math.prod(size), unique=True)
    return spread.reshape(*lead, *size)  # type: ignore[attr-defined]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put values back where :func:`max_pool1d` found them; zeros elsewhere.

    >>> x = lampas.tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> y, i = lampas.nn.functional.max_pool1d(x, 2, return_indices=True)
    >>> lampas.nn.functional.max_unpool1d(y, i, 2)
    tensor([[0., 3., 2., 0.]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


@computes_in("float:cpu")
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put values back where :func:`max_pool2d` found them; zeros elsewhere.

    Args:
        input: the values, (N, C, H, W) or (C, H, W).
        indices: what ``return_indices`` gave with them.
        kernel_size, stride, padding: of the pooling.
        output_size: the size before pooling, where rounding hid it.

    Raises:
        RuntimeError: an index is outside of the output.
        ValueError: an ``output_size`` that such a pooling can't have had.

    >>> i = lampas.tensor([[[3]]])
    >>> lampas.nn.functional.max_unpool2d(lampas.ones(1, 1, 1), i, 2)
    tensor([[[0., 0.],
             [0., 1.]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


@computes_in("float:cpu")
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put values back where :func:`max_pool3d` found them; zeros elsewhere.

    >>> i = lampas.tensor([[[[0]]]])
    >>> lampas.nn.functional.max_unpool3d(lampas.ones(1, 1, 1, 1), i, 2).sum()
    tensor(1.)
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
