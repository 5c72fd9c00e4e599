"""Normalisation by layer, group, batch and instance, and by the mean square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lampas.dtypes import HALVES, float32, from_numpy_dtype
from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops.create import cast
from lampas.ops.given_stats import standardize_by
from lampas.ops.like import ones_like, zeros_like
from lampas.ops.pad import pad
from lampas.ops.power import rsqrt
from lampas.ops.reduce import mean
from lampas.ops.standardize import standardize

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def _apply(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    dims: tuple[int, ...],
    shape: tuple[int, ...],
    eps: float,
    center: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Standardize; half precision is computed, and its statistics kept, in float32."""
    dtype = input._data.dtype
    if dtype.kind in "biu":
        raise DTypeError(f"normalization is not implemented for {input.dtype}")
    half = dtype in HALVES
    if half:
        input = cast(input, float32)
    affine = []
    for x in (weight, bias):
        if x is not None:
            affine.append(cast(x, input.dtype) if half else x)
    lone_bias = weight is None and bias is not None
    operands = (input,) if lone_bias else (input, *affine)
    y, mean, scale = standardize(operands, dims, shape, eps, center)
    if lone_bias:
        y = y + affine[0].reshape(shape)
    if half:
        y = cast(y, from_numpy_dtype(dtype))
    return y, mean, scale


def _check_affine(name: str, shape: Any, **affine: Tensor | None) -> None:
    for what, x in affine.items():
        if x is not None and tuple(x._data.shape) != tuple(shape):
            raise ShapeError(
                f"{name}: expected {what} to be of shape {tuple(shape)}, "
                f"got {tuple(x.shape)}"
            )


def _trailing(name: str, input: Tensor, normalized_shape: Any) -> tuple[int, ...]:
    """The dimensions that ``normalized_shape`` names, after checking it."""
    if isinstance(normalized_shape, int):
        normalized_shape = (normalized_shape,)
    wanted = tuple(normalized_shape)
    shape = tuple(input._data.shape)
    if not wanted:
        raise ShapeError(f"{name}: normalized_shape must have at least one dimension")
    if shape[len(shape) - len(wanted) :] != wanted or len(shape) < len(wanted):
        raise ShapeError(
            f"{name}: given normalized_shape={list(wanted)}, expected input with shape "
            f"[*, {', '.join(map(str, wanted))}], but got input of size {list(shape)}"
        )
    return tuple(range(len(shape) - len(wanted), len(shape)))


@computes_in("float:cuda")
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Bring the last dimensions to mean 0 and variance 1, then scale and shift.

    ``y = (x - mean) / sqrt(var + eps) * weight + bias`` with mean and (biased)
    variance over the dimensions of ``normalized_shape``.

    Args:
        input: (..., *normalized_shape).
        normalized_shape: sizes of the last dimensions.
        weight, bias: of shape ``normalized_shape``.
        eps: added to the variance.

    Raises:
        RuntimeError: shapes that do not fit.

    >>> lampas.layer_norm(lampas.tensor([-1.0, 1.0]), (2,), eps=0.0)
    tensor([-1.,  1.])
    """
    dims = _trailing("layer_norm", input, normalized_shape)
    shape = tuple(input._data.shape[d] for d in dims)
    _check_affine("layer_norm", shape, weight=weight, bias=bias)
    if not input._data.size:
        return input * 1.0
    return _apply(input, weight, bias, dims, shape, eps)[0]


def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Bring the mean square of the last dimensions to 1, then scale.

    ``y = x / sqrt(mean(x^2) + eps) * weight``.

    Args:
        input: (..., *normalized_shape).
        normalized_shape: sizes of the last dimensions.
        weight: of shape ``normalized_shape``.
        eps: added to the mean square; by default the dtype's machine epsilon.

    Raises:
        RuntimeError: shapes that do not fit.

    >>> lampas.rms_norm(lampas.tensor([3.0, -3.0]), (2,))
    tensor([ 1., -1.])
    """
    dims = _trailing("rms_norm", input, normalized_shape)
    shape = tuple(input._data.shape[d] for d in dims)
    _check_affine("rms_norm", shape, weight=weight)
    if not input._data.size:
        return input * 1.0
    if eps is None:
        eps = 2.0**-52 if input.dtype.to_real().name == "float64" else 2.0**-23
    if input.is_complex():
        y = input * rsqrt(mean(input * input, dims, keepdim=True) + eps)
        return y if weight is None else y * weight
    return _apply(input, weight, None, dims, shape, eps, center=False)[0]


@computes_in("float:cuda")
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each sample within groups of channels, then scale and shift.

    Args:
        input: (N, C, ...).
        num_groups: of channels; divides C.
        weight, bias: (C,).
        eps: added to the variance.

    Raises:
        RuntimeError: shapes that do not fit.
        ValueError: one sample has one value in each group.

    >>> lampas.group_norm(lampas.tensor([[[-1.0, 1.0]]]), 1, eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    shape = tuple(input._data.shape)
    if len(shape) < 2:
        raise ShapeError(f"group_norm: expected at least 2 dimensions, got {shape}")
    n, c = shape[:2]
    if num_groups <= 0 or c % num_groups:
        raise ShapeError(
            f"group_norm: num_groups must be positive and divide the number of "
            f"channels, got {num_groups} and {c}"
        )
    _check_affine("group_norm", (c,), weight=weight, bias=bias)
    if math.prod(shape) == num_groups:
        raise ArgumentError(
            f"expected more than 1 value per channel when training, got input size "
            f"{shape} and {num_groups} groups"
        )
    if not input._data.size:
        return input * 1.0
    grouped = input.reshape(n, num_groups, c // num_groups, -1)  # type: ignore[attr-defined]
    affine_shape = (1, num_groups, c // num_groups, 1)
    y = _apply(grouped, weight, bias, (2, 3), affine_shape, eps)[0]
    return y.reshape(shape)  # type: ignore[attr-defined]


def _with_given_stats(
    input: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Scale and shift by statistics that do not depend on the input."""
    weight = ones_like(mean) if weight is None else weight
    bias = zeros_like(mean) if bias is None else bias
    return cast(standardize_by(input, mean, var, weight, bias, eps), input.dtype)


def _follow(running: Tensor, now: Any, momentum: float) -> None:
    """Move a running statistic towards what a batch has."""
    data = running._data
    data[...] = data * (1 - momentum) + now.reshape(data.shape) * momentum
    shared_cell(running)[0] += 1


def _update(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    mean: Any,
    scale: Any,
    eps: float,
    count: int,
    momentum: float,
) -> None:
    if running_mean is not None:
        _follow(running_mean, mean, momentum)
    if running_var is not None:
        variance = 1 / (scale * scale) - eps
        _follow(running_var, variance * (count / max(count - 1, 1)), momentum)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch, then scale and shift.

    While training, mean and (biased) variance are the batch's, and the running ones
    move towards them (the variance unbiased); otherwise the running ones are used.

    Args:
        input: (N, C, ...).
        running_mean, running_var: (C,); changed in place while training.
        weight, bias: (C,).
        training: whether to use the batch's statistics.
        momentum: the share of the batch in the running statistics.
        eps: added to the variance.

    Raises:
        ValueError: one value per channel while training.
        RuntimeError: shapes that do not fit.

    >>> x = lampas.tensor([[-1.0], [1.0]])
    >>> lampas.nn.functional.batch_norm(x, None, None, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    shape = tuple(input._data.shape)
    if len(shape) == 1 and not input._data.size:
        return input * 1.0
    if len(shape) < 2:
        raise ShapeError(f"batch_norm: expected at least 2 dimensions, got {shape}")
    _check_affine(
        "batch_norm",
        (shape[1],),
        running_mean=running_mean,
        running_var=running_var,
        weight=weight,
        bias=bias,
    )
    if not training:
        if running_mean is None or running_var is None:
            raise ShapeError(
                "batch_norm: expected running_mean and running_var to be defined when "
                "training=False"
            )
        return _with_given_stats(input, running_mean, running_var, weight, bias, eps)
    count = math.prod(shape) // max(shape[1], 1)
    if count == 1:
        raise ArgumentError(
            "expected more than 1 value per channel when training, got input size "
            f"{shape}"
        )
    if not input._data.size:
        return input * 1.0
    dims = (0, *range(2, len(shape)))
    affine_shape = (1, shape[1], *(1,) * (len(shape) - 2))
    y, mean, scale = _apply(input, weight, bias, dims, affine_shape, eps)
    stats = (mean._data, scale._data)
    _update(running_mean, running_var, *stats, eps, count, momentum)
    return y


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample, then scale and shift.

    Args:
        input: (N, C, ...).
        running_mean, running_var: (C,); follow the batch's means of the statistics.
        weight, bias: (C,).
        use_input_stats: False uses the running statistics.
        momentum: the share of the batch in the running statistics.
        eps: added to the variance.

    Raises:
        ValueError: one value per channel and sample.
        RuntimeError: shapes that do not fit.

    >>> lampas.nn.functional.instance_norm(lampas.tensor([[[-1.0, 1.0]]]), eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    shape = tuple(input._data.shape)
    if len(shape) < 3:
        raise ShapeError(f"instance_norm: expected at least 3 dimensions, got {shape}")
    _check_affine(
        "instance_norm",
        (shape[1],),
        running_mean=running_mean,
        running_var=running_var,
        weight=weight,
        bias=bias,
    )
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError(
                "instance_norm: expected running_mean and running_var to be defined "
                "when use_input_stats=False"
            )
        return _with_given_stats(input, running_mean, running_var, weight, bias, eps)
    count = math.prod(shape[2:])
    if count == 1:
        raise ArgumentError(
            "expected more than 1 spatial element when training, got input size "
            f"{shape}"
        )
    if not input._data.size:
        return input * 1.0
    dims = tuple(range(2, len(shape)))
    affine_shape = (1, shape[1], *(1,) * (len(shape) - 2))
    y, mean, scale = _apply(input, weight, bias, dims, affine_shape, eps)
    if running_mean is not None:
        _follow(running_mean, mean._data.mean(axis=0), momentum)
    if running_var is not None:
        variance = 1 / (scale._data * scale._data) - eps
        variance = variance.mean(axis=0) * (count / max(count - 1, 1))
        _follow(running_var, variance, momentum)
    return y


@computes_in("float:cpu")
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by a power of the mean square over neighbouring channels.

    ``y = x / (k + alpha * mean(x^2 over size channels)) ** beta``.

    Args:
        input: (N, C, ...), at least three dimensions.
        size: number of channels in the mean.
        alpha, beta, k: constants.

    Raises:
        ValueError: fewer than three dimensions.

    >>> x = lampas.ones(1, 1, 1)
    >>> lampas.nn.functional.local_response_norm(x, 1, 1.0, 1.0, 1.0)
    tensor([[[0.5000]]])
    """
    shape = tuple(input._data.shape)
    if len(shape) < 3:
        raise ArgumentError(f"expected 3D or higher dimensionality input, got {shape}")
    if not input._data.size:
        return input
    before, behind = size // 2, (size - 1) // 2
    squares = (input * input).reshape(shape[0], shape[1], -1)
    total = None
    channels = shape[1]
    for shift in range(-before, behind + 1):
        start, end = max(0, -shift), min(channels, channels - shift)
        if start >= end:
            continue
        part = squares.narrow(1, start + shift, end - start)
        pads = (0, 0, start, channels - end)
        part = part if not any(pads) else pad(part, pads)
        total = part if total is None else total + part
    divisor = (total * (alpha / size) + k) ** beta  # type: ignore[operator]
    return input / divisor.reshape(shape)


def normalize(
    input: Tensor,
    p: float = 2.0,
    dim: int | tuple[int, ...] = 1,
    eps: float = 1e-12,
    out: Tensor | None = None,
) -> Tensor:
    """Divide by the p-norm along ``dim``, or by ``eps`` where that is larger.

    Args:
        input: any shape.
        p: exponent of the norm.
        dim: dimension or dimensions of the norm.
        eps: the smallest divisor.

    >>> lampas.nn.functional.normalize(lampas.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    length = input.norm(p, dim, keepdim=True)  # type: ignore[attr-defined]
    result = input / length.clamp_min(eps)
    return result if out is None else out.copy_(result)  # type: ignore[attr-defined]
