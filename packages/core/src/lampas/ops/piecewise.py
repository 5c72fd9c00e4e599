"""Activations made of straight pieces: relu and its relatives.

Their gradients let the cotangent through where the input lies between two limits:
:func:`gate_forward`, which is linear in it, so derivatives of every order follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.batching import pointwise
from lampas.engine.infer import like_input
from lampas.engine.inplace import assign
from lampas.engine.record import ELEMENTWISE, LINEAR, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops._arguments import source_of
from lampas.ops._masked import stopped
from lampas.random import Generator

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "softshrink",
    "threshold",
    "threshold_",
]

_gate = op("gate", kind=LINEAR, saves="x", fresh=True, infer=like_input)
"""``g``, but 0 where ``x <= low`` or ``x >= high``; None is no limit, NaN none too."""


@_gate.forward
def gate_forward(xp: Any, g: Any, x: Any, *, low: Any, high: Any) -> Any:
    if high is None:
        stops = x <= low
    else:
        stops = x >= high if low is None else (x <= low) | (x >= high)
    return stopped(xp, stops, g)


@_gate.vjp
def gate_vjp(F: Any, h: Any, x: Any, *, need: Any, low: Any, high: Any) -> Any:
    return F.gate(h, x, low=low, high=high), None


_relu = op("relu", kind=ELEMENTWISE, saves="y", fresh=True, infer=like_input)


@_relu.forward
def relu_forward(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0)


@_relu.vjp
def relu_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.gate(g, y, low=0, high=None),)


@_relu.onnx
def relu_onnx(graph: Any, x: Any) -> Any:
    return graph.node("Relu", x)


@method()
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = max(x, 0)``.

    Args:
        input: any shape; not bool or complex.
        inplace: store the result in ``input``.

    >>> relu(lampas.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if inplace:
        return assign(input, relu, (), {})
    if input._data.dtype.kind in "bc":
        raise DTypeError(f"relu is not defined for {input.dtype}")
    return _relu.call(input)


@method("relu_")
def relu_(input: Tensor) -> Tensor:
    """In-place version of :func:`relu`.

    >>> lampas.nn.functional.relu_(lampas.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return assign(input, relu, (), {})


_clip = op("hardtanh", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input)


@_clip.forward
def hardtanh_forward(xp: Any, x: Any, *, low: Any, high: Any) -> Any:
    return xp.clip(x, low, high)


@_clip.vjp
def hardtanh_vjp(F: Any, g: Any, x: Any, *, need: Any, low: Any, high: Any) -> Any:
    return (F.gate(g, x, low=low, high=high),)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """``y = min(max(x, min_val), max_val)``.

    Args:
        input: any shape.
        min_val, max_val: the limits.
        inplace: store the result in ``input``.

    Raises:
        ValueError: ``min_val > max_val``.

    >>> lampas.nn.functional.hardtanh(lampas.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise ArgumentError(
            f"min_val ({min_val}) cannot be greater than max_val ({max_val})"
        )
    if inplace:
        return assign(input, hardtanh, (min_val, max_val), {})
    if input._data.dtype.kind == "b":
        raise DTypeError("hardtanh is not defined for bool")
    if input._data.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
        if input._data.dtype.kind == "u" and min_val < 0:
            raise DTypeError("cannot do hardtanh on an unsigned type with a limit < 0")
    return _clip.call(input, low=min_val, high=max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place version of :func:`hardtanh`.

    >>> lampas.nn.functional.hardtanh_(lampas.tensor([-1.0, 2.0]))
    tensor([-1.,  1.])
    """
    return hardtanh(input, min_val, max_val, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = min(max(x, 0), 6)``.

    >>> lampas.nn.functional.relu6(lampas.tensor([-1.0, 9.0]))
    tensor([0., 6.])
    """
    return hardtanh(input, 0, 6, inplace)


_hardsigmoid = op(
    "hardsigmoid",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_hardsigmoid.forward
def hardsigmoid_forward(xp: Any, x: Any) -> Any:
    return xp.clip(x + 3, 0, 6) / 6


@_hardsigmoid.vjp
def hardsigmoid_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    # Not the gate: of NaN nothing is let through here, as in PyTorch.
    return (F.masked(g / 6, F.logical_and(x > -3, x < 3)),)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = min(max(x + 3, 0), 6) / 6``.

    >>> lampas.nn.functional.hardsigmoid(lampas.tensor([0.0, 4.0]))
    tensor([0.5000, 1.0000])
    """
    if inplace:
        return assign(input, hardsigmoid, (), {})
    return _hardsigmoid.call(input)


_hardswish = op(
    "hardswish",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)
_hardswish_backward = op(
    "hardswish_backward", saves="g x", fresh=True, infer=like_input
)


@_hardswish.forward
def hardswish_forward(xp: Any, x: Any) -> Any:
    return x * (xp.clip(x + 3, 0, 6) / 6)


@_hardswish.vjp
def hardswish_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.hardswish_backward(g, x),)


@_hardswish_backward.forward
def hardswish_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    slope = xp.where(xp.abs(x) < 3, x / 3 + 0.5, (~(x <= -3)).astype(x.dtype))
    return g * slope


@_hardswish_backward.vjp
def hardswish_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.hardswish_backward(h, x) if need[0] else None
    dx = F.gate(h * g / 3, x, low=-3, high=3) if need[1] else None
    return dg, dx


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = x * min(max(x + 3, 0), 6) / 6``.

    >>> lampas.nn.functional.hardswish(lampas.tensor([-4.0, 3.0]))
    tensor([-0.,  3.])
    """
    if inplace:
        return assign(input, hardswish, (), {})
    return _hardswish.call(input)


_leaky_relu = op(
    "leaky_relu",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)
_leaky_relu_backward = op(
    "leaky_relu_backward", kind=LINEAR, saves="x", fresh=True, infer=like_input
)


@_leaky_relu.forward
def leaky_relu_forward(xp: Any, x: Any, *, slope: float) -> Any:
    return xp.where(x > 0, x, x * slope)


@_leaky_relu.vjp
def leaky_relu_vjp(F: Any, g: Any, x: Any, *, need: Any, slope: float) -> Any:
    return (F.leaky_relu_backward(g, x, slope=slope),)


@_leaky_relu_backward.forward
def leaky_relu_backward_forward(xp: Any, g: Any, x: Any, *, slope: float) -> Any:
    return xp.where(x > 0, g, g * slope)


@_leaky_relu_backward.vjp
def leaky_relu_backward_vjp(F: Any, h: Any, x: Any, *, need: Any, slope: Any) -> Any:
    return F.leaky_relu_backward(h, x, slope=slope), None


def leaky_relu(
    input: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> Tensor:
    """``y = x`` where positive, else ``negative_slope * x``.

    Args:
        input: any shape.
        negative_slope: slope for negative inputs.
        inplace: store the result in ``input``.

    >>> lampas.nn.functional.leaky_relu(lampas.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    if inplace:
        return assign(input, leaky_relu, (negative_slope,), {})
    return _leaky_relu.call(input, slope=negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place version of :func:`leaky_relu`.

    >>> lampas.nn.functional.leaky_relu_(lampas.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    return leaky_relu(input, negative_slope, inplace=True)


_prelu = op(
    "prelu",
    kind=ELEMENTWISE,
    saves="x weight weight.shape",
    infer=like_input,
    autocast="half",
)
_prelu_backward = op(
    "prelu_backward", saves="g x weight weight.shape", infer=like_input
)


@_prelu.forward
def prelu_forward(xp: Any, x: Any, weight: Any) -> Any:
    return xp.where(x > 0, x, x * weight)


@_prelu.vjp
def prelu_vjp(F: Any, g: Any, x: Any, weight: Any, shape: Any, *, need: Any) -> Any:
    dx = F.prelu_backward(g, x, weight) if need[0] else None
    dweight = None
    if need[1]:
        dweight = F.sum_to(F.gate(g * x, x, low=None, high=0), shape=shape)
    return dx, dweight


@_prelu_backward.forward
def prelu_backward_forward(xp: Any, g: Any, x: Any, weight: Any) -> Any:
    return xp.where(x > 0, g, g * weight)


@_prelu_backward.vjp
def prelu_backward_vjp(
    F: Any, h: Any, g: Any, x: Any, weight: Any, shape: Any, *, need: Any
) -> Any:
    dg = F.prelu_backward(h, x, weight) if need[0] else None
    dweight = None
    if need[2]:
        dweight = F.sum_to(F.gate(h * g, x, low=None, high=0), shape=shape)
    return dg, None, dweight


pointwise(_gate, _hardswish_backward, _leaky_relu_backward, _prelu_backward)


@method()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``y = x`` where positive, else ``weight * x``.

    Args:
        input: (N, C, ...) or any shape.
        weight: one slope, or one for each of the C channels.

    Raises:
        RuntimeError: the number of slopes is neither 1 nor C.

    >>> prelu(lampas.tensor([-2.0, 2.0]), lampas.tensor([0.25]))
    tensor([-0.5000,  2.0000])
    """
    ndim, count = input._data.ndim, weight._data.size
    channels = input._data.shape[1] if ndim > 1 else 1
    if weight._data.ndim > 1:
        raise ShapeError(
            f"prelu: weight must have 0 or 1 dimensions, got {tuple(weight.shape)}"
        )
    if weight._data.ndim == 1 and ndim == 0:
        if count != 1:
            raise ShapeError(f"prelu: a 0-d input takes one slope, got {count}")
        weight = weight.reshape(())  # type: ignore[attr-defined]
    elif count != 1 and count != channels:
        raise ShapeError(
            f"prelu: weight must have 1 element or one for each of the {channels} "
            f"channels of input, got {count}"
        )
    elif ndim > 1:
        weight = weight.reshape(count, *(1,) * (ndim - 2))  # type: ignore[attr-defined]
    return _prelu.call(input, weight)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Leaky relu whose slopes are drawn from [lower, upper] while training.

    Args:
        input: any shape.
        lower, upper: range of the slopes; their mean is used in evaluation.
        training: whether to draw.
        inplace: store the result in ``input``.
        generator: source of randomness.

    Raises:
        RuntimeError: ``lower`` is above ``upper``.

    >>> lampas.nn.functional.rrelu(lampas.tensor([-1.0]), 0.5, 0.5)
    tensor([-0.5000])
    """
    if lower > upper:
        raise ShapeError(f"rrelu: lower must be at most upper, got {lower} and {upper}")
    if inplace:
        return assign(input, rrelu, (lower, upper, training, False, generator), {})
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    source = source_of(generator)
    draws = source.uniform(input._data.shape, np.float32) * (upper - lower) + lower
    slopes = wrap(np.asarray(draws)).to(input)  # type: ignore[attr-defined]
    return _prelu.call(input, slopes)


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
) -> Tensor:
    """In-place version of :func:`rrelu`.

    >>> lampas.nn.functional.rrelu_(lampas.tensor([-1.0, 2.0]))
    tensor([-0.2292,  2.0000])
    """
    return rrelu(input, lower, upper, training, inplace=True)


_threshold = op("threshold", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input)


@_threshold.forward
def threshold_forward(xp: Any, x: Any, *, threshold: Any, value: Any) -> Any:
    return xp.where(x <= threshold, x.dtype.type(value), x)


@_threshold.vjp
def threshold_vjp(
    F: Any, g: Any, x: Any, *, need: Any, threshold: Any, value: Any
) -> Any:
    return (F.gate(g, x, low=threshold, high=None),)


def _thresholded(input: Tensor, limit: float, value: float) -> Tensor:
    return _threshold.call(input, threshold=limit, value=value)


def threshold(
    input: Tensor, threshold: float, value: float, inplace: bool = False
) -> Tensor:
    """``y = x`` where ``x > threshold``, else ``value``.

    >>> lampas.nn.functional.threshold(lampas.tensor([1.0, 3.0]), 2, 20)
    tensor([20.,  3.])
    """
    if inplace:
        return assign(input, _thresholded, (threshold, value), {})
    return _thresholded(input, threshold, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place version of :func:`threshold`.

    >>> lampas.nn.functional.threshold_(lampas.tensor([-1.0, 2.0]), 0.0, 9.0)
    tensor([9., 2.])
    """
    return assign(input, _thresholded, (threshold, value), {})


_hardshrink = op(
    "hardshrink", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input
)
_softshrink = op(
    "softshrink", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input
)


@_hardshrink.forward
def hardshrink_forward(xp: Any, x: Any, *, lambd: float) -> Any:
    return xp.where(xp.abs(x) <= lambd, x.dtype.type(0), x)


@_softshrink.forward
def softshrink_forward(xp: Any, x: Any, *, lambd: float) -> Any:
    return x - xp.clip(x, -lambd, lambd)


@_hardshrink.vjp
@_softshrink.vjp
def shrink_vjp(F: Any, g: Any, x: Any, *, need: Any, lambd: float) -> Any:
    within = F.logical_and(x >= -lambd, x <= lambd)
    return (F.masked(g, F.logical_not(within)),)


@method()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``y = x`` where ``|x| > lambd``, else 0.

    >>> hardshrink(lampas.tensor([0.25, 2.0]))
    tensor([0., 2.])
    """
    return _hardshrink.call(input, lambd=lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved by ``lambd`` towards 0, and 0 within ``lambd`` of it.

    Raises:
        RuntimeError: ``lambd`` is negative.

    >>> lampas.nn.functional.softshrink(lampas.tensor([0.25, 2.0]))
    tensor([0.0000, 1.5000])
    """
    if lambd < 0:
        raise ShapeError(f"softshrink: lambd must be at least 0, got {lambd}")
    return _softshrink.call(input, lambd=lambd)
