"""Normalisation: one record under layer, batch, group, instance and rms norm.

``standardize`` brings the mean and mean square over some dimensions to 0 and 1 and
applies an affine map. Its gradient is a record too, with its own gradient written out,
so derivatives of every order follow. Mean and scale travel between them as caches:
they are functions of ``x``, and the rules differentiate them as such.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lampas.dtypes import HALVES, float32, from_numpy_dtype
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import op
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops.create import cast
from lampas.ops.pad import pad

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]


def _with_stats(specs: Any, *, dims: Any, **params: Any) -> Any:
    shape, dtype = specs[0]
    kept = tuple(1 if i in dims else s for i, s in enumerate(shape))
    return specs[0], Spec(kept, dtype), Spec(kept, dtype)


def _standardizer(name: str, saves: str) -> Any:
    return op(
        name, outputs=3, saves=saves, fresh=True, infer=_with_stats, autocast="float"
    )


_plain = _standardizer("standardize", "x y1 y2")
_scaled = _standardizer("standardize_scaled", "x weight y1 y2 weight.shape")
_affine = _standardizer("standardize_affine", "x weight y1 y2 weight.shape bias.shape")
_backward = op(
    "standardize_backward", saves="g x mean scale", fresh=True, infer=like_input
)
_standard = op("standardized", saves="x mean scale", fresh=True, infer=like_input)
"""``(x - mean) * scale`` as a function of x alone; the other two are caches."""
_scale_of = op(
    "standard_scale",
    saves="x mean scale",
    fresh=True,
    infer=lambda specs, **_: specs[2],
)
"""The scale as a function of x; the other two are caches."""


@_plain.forward
def standardize_forward(
    xp: Any, x: Any, *, dims: Any, shape: Any, eps: float, center: bool
) -> Any:
    count = math.prod(x.shape[d] for d in dims)
    if center:
        mean = xp.sum(x, axis=dims, keepdims=True)
        mean /= count
        y = x - mean
        square = y * y
    else:
        mean, y, square = None, x, x * x
    scale = xp.sum(square, axis=dims, keepdims=True)
    scale /= count
    scale += eps
    xp.sqrt(scale, out=scale)
    xp.divide(1, scale, out=scale)
    mean = xp.zeros_like(scale) if mean is None else mean
    return xp.multiply(y, scale, out=square), mean, scale


@_scaled.forward
def standardize_scaled_forward(
    xp: Any, x: Any, weight: Any, *, dims: Any, shape: Any, eps: float, center: bool
) -> Any:
    y, mean, scale = standardize_forward(
        xp, x, dims=dims, shape=shape, eps=eps, center=center
    )
    y *= weight.reshape(shape)
    return y, mean, scale


@_affine.forward
def standardize_affine_forward(
    xp: Any,
    x: Any,
    weight: Any,
    bias: Any,
    *,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    y, mean, scale = standardize_forward(
        xp, x, dims=dims, shape=shape, eps=eps, center=center
    )
    y *= weight.reshape(shape)
    y += bias.reshape(shape)
    return y, mean, scale


@_plain.vjp
def standardize_vjp(
    F: Any,
    g: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dy, _, _ = g
    return (F.standardize_backward(dy, x, mean, scale, dims=dims, center=center),)


@_scaled.vjp
def standardize_scaled_vjp(
    F: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    weight_shape: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dy, _, _ = g
    how = {"dims": dims, "center": center}
    dx = dweight = None
    if need[0]:
        scaled = dy * F.reshape(weight, shape=shape)
        dx = F.standardize_backward(scaled, x, mean, scale, **how)
    if need[1]:
        products = dy * F.standardized(x, mean, scale, **how)
        dweight = F.reshape(F.sum_to(products, shape=shape), shape=weight_shape)
    return dx, dweight


@_affine.vjp
def standardize_affine_vjp(
    F: Any,
    g: Any,
    x: Any,
    weight: Any,
    mean: Any,
    scale: Any,
    weight_shape: Any,
    bias_shape: Any,
    *,
    need: Any,
    dims: Any,
    shape: Any,
    eps: float,
    center: bool,
) -> Any:
    dx, dweight = standardize_scaled_vjp(
        F,
        g,
        x,
        weight,
        mean,
        scale,
        weight_shape,
        need=need,
        dims=dims,
        shape=shape,
        eps=eps,
        center=center,
    )
    dy, _, _ = g
    dbias = None
    if need[2]:
        dbias = F.reshape(F.sum_to(dy, shape=shape), shape=bias_shape)
    return dx, dweight, dbias


@_backward.forward
def standardize_backward_forward(
    xp: Any, g: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    count = math.prod(x.shape[d] for d in dims)
    standard = (x - mean) * scale if center else x * scale
    product = g * standard
    inner = xp.sum(product, axis=dims, keepdims=True)
    inner /= count
    standard *= inner
    dx = xp.subtract(g, standard, out=product)
    if center:
        average = xp.sum(g, axis=dims, keepdims=True)
        average /= count
        dx -= average
    dx *= scale
    return dx


@_backward.vjp
def standardize_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    how = {"dims": dims, "center": center}
    dg = F.standardize_backward(h, x, mean, scale, **how) if need[0] else None
    dx = _bend(F, h, g, x, mean, scale, dims, center) if need[1] else None
    return dg, dx, None, None


def _bend(
    F: Any, h: Any, g: Any, x: Any, mean: Any, scale: Any, dims: Any, center: bool
) -> Any:
    """The derivative by x of ``sum(h * standardize_backward(g, x))``."""
    how = {"dims": dims, "center": center}
    count = math.prod(x.shape[d] for d in dims)
    standard = F.standardized(x, mean, scale, **how)
    r = F.standard_scale(x, mean, scale, **how)
    a = F.sum(g * standard, dim=dims, keepdim=True) / count
    b = F.sum(h * standard, dim=dims, keepdim=True) / count
    of_standard = F.neg(r * (g * b + h * a))
    both = F.sum(h * g, dim=dims, keepdim=True) / count - a * b
    if center:
        gm = F.sum(g, dim=dims, keepdim=True) / count
        hm = F.sum(h, dim=dims, keepdim=True) / count
        both = both - gm * hm
    through = F.standardize_backward(of_standard, x, mean, scale, **how)
    return through - r * r * standard * both


@_standard.forward
def standardized_forward(
    xp: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    return (x - mean) * scale if center else x * scale


@_standard.vjp
def standardized_vjp(
    F: Any,
    h: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    dx = F.standardize_backward(h, x, mean, scale, dims=dims, center=center)
    return dx, None, None


@_scale_of.forward
def standard_scale_forward(
    xp: Any, x: Any, mean: Any, scale: Any, *, dims: Any, center: bool
) -> Any:
    return scale.copy()


@_scale_of.vjp
def standard_scale_vjp(
    F: Any,
    h: Any,
    x: Any,
    mean: Any,
    scale: Any,
    *,
    need: Any,
    dims: Any,
    center: bool,
) -> Any:
    how = {"dims": dims, "center": center}
    count = math.prod(x.shape[d] for d in dims)
    r = F.standard_scale(x, mean, scale, **how)
    standard = F.standardized(x, mean, scale, **how)
    return F.neg(h * (r * r / count)) * standard, None, None


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
    record = (_plain, _scaled, _affine)[0 if lone_bias else len(affine)]
    operands = (input,) if lone_bias else (input, *affine)
    y, mean, scale = record.call(
        *operands, dims=dims, shape=shape, eps=eps, center=center
    )
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
        eps = 2.0**-52 if input._data.dtype.itemsize == 8 else 2.0**-23
    return _apply(input, weight, None, dims, shape, eps, center=False)[0]


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
    if not input._data.size:
        return input * 1.0
    grouped = input.reshape(n, num_groups, c // num_groups, -1)  # type: ignore[attr-defined]
    affine_shape = (1, num_groups, c // num_groups, 1)
    y = _apply(grouped, weight, bias, (2, 3), affine_shape, eps)[0]
    return y.reshape(shape)  # type: ignore[attr-defined]


def _by_channel(x: Tensor, ndim: int) -> Tensor:
    return x.reshape(1, -1, *(1,) * (ndim - 2))  # type: ignore[attr-defined]


def _with_given_stats(
    input: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Scale and shift by statistics that do not depend on the input."""
    factor = (var + eps) ** -0.5
    if weight is not None:
        factor = factor * weight
    shift = -mean * factor
    if bias is not None:
        shift = shift + bias
    ndim, dtype = input._data.ndim, input.dtype
    y = input * _by_channel(factor, ndim) + _by_channel(shift, ndim)
    return cast(y, dtype)


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
        return input * 1.0
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
