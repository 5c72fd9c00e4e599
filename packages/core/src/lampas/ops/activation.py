"""Smooth activations. Each has a fused gradient record beside it."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import pointwise
from lampas.engine.infer import like_input
from lampas.engine.inplace import assign
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.erf import erf_forward

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "logsigmoid",
    "mish",
    "selu",
    "selu_",
    "silu",
    "softplus",
    "softsign",
    "tanhshrink",
]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _smooth(name: str, autocast: str = "promote") -> Any:
    """The records of a smooth function and of its gradient."""
    forward = op(
        name,
        kind=ELEMENTWISE,
        promote="float",
        saves="x",
        fresh=True,
        infer=like_input,
        autocast=autocast,
    )
    backward = op(f"{name}_backward", saves="g x", fresh=True, infer=like_input)
    pointwise(backward)
    return forward, backward


def _sigmoid(xp: Any, x: Any) -> Any:
    return 1 / (1 + xp.exp(-x))


# ---- silu: x s(x)

_silu, _silu_backward = _smooth("silu")


@_silu.forward
def silu_forward(xp: Any, x: Any) -> Any:
    return x / (1 + xp.exp(-x))


@_silu.vjp
def silu_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.silu_backward(g, x),)


@_silu_backward.forward
def silu_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    s = _sigmoid(xp, x)
    return g * (s * (1 + x * (1 - s)))


@_silu_backward.vjp
def silu_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.silu_backward(h, x) if need[0] else None
    dx = None
    if need[1]:
        s = F.sigmoid(x)
        dx = h * g * (s * (1 - s) * (2 + x * (1 - 2 * s)))
    return dg, dx


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = x * sigmoid(x)``, also called swish.

    Args:
        input: any shape.
        inplace: store the result in ``input``.

    >>> lampas.nn.functional.silu(lampas.tensor([0.0]))
    tensor([0.])
    """
    return assign(input, silu, (), {}) if inplace else _silu.call(input)


# ---- mish: x tanh(softplus(x))

_mish, _mish_backward = _smooth("mish")


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@_mish.forward
def mish_forward(xp: Any, x: Any) -> Any:
    return x * xp.tanh(_softplus(xp, x))


@_mish.vjp
def mish_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.mish_backward(g, x),)


@_mish_backward.forward
def mish_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    t = xp.tanh(_softplus(xp, x))
    return g * (t + x * (1 - t * t) * _sigmoid(xp, x))


@_mish_backward.vjp
def mish_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.mish_backward(h, x) if need[0] else None
    dx = None
    if need[1]:
        s = F.sigmoid(x)
        t = F.tanh(F.softplus(x, beta=1.0, threshold=math.inf))
        us = (1 - t * t) * s
        dx = h * g * (2 * us + x * us * (1 - s - 2 * t * s))
    return dg, dx


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``y = x * tanh(softplus(x))``.

    Args:
        input: any shape.
        inplace: store the result in ``input``.

    >>> lampas.nn.functional.mish(lampas.tensor([0.0]))
    tensor([0.])
    """
    return assign(input, mish, (), {}) if inplace else _mish.call(input)


# ---- gelu

_gelu, _gelu_backward = _smooth("gelu")
_tanh_gelu, _tanh_gelu_backward = _smooth("gelu_tanh")

_ROOT_2_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _normal_cdf(xp: Any, x: Any) -> Any:
    return 0.5 * (1 + erf_forward(xp, x * math.sqrt(0.5)))


@_gelu.forward
def gelu_forward(xp: Any, x: Any) -> Any:
    return x * _normal_cdf(xp, x)


@_gelu.vjp
def gelu_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.gelu_backward(g, x),)


@_gelu_backward.forward
def gelu_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    density = xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return g * (_normal_cdf(xp, x) + x * density)


@_gelu_backward.vjp
def gelu_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.gelu_backward(h, x) if need[0] else None
    dx = None
    if need[1]:
        density = F.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        dx = h * g * (density * (2 - x * x))
    return dg, dx


@_tanh_gelu.forward
def gelu_tanh_forward(xp: Any, x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(_ROOT_2_PI * (x + _CUBIC * (x * x * x))))


@_tanh_gelu.vjp
def gelu_tanh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.gelu_tanh_backward(g, x),)


@_tanh_gelu_backward.forward
def gelu_tanh_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    square = x * x
    t = xp.tanh(_ROOT_2_PI * x * (1 + _CUBIC * square))
    slope = _ROOT_2_PI * (1 + 3 * _CUBIC * square)
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


@_tanh_gelu_backward.vjp
def gelu_tanh_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.gelu_tanh_backward(h, x) if need[0] else None
    dx = None
    if need[1]:
        square = x * x
        t = F.tanh(_ROOT_2_PI * x * (1 + _CUBIC * square))
        slope = _ROOT_2_PI * (1 + 3 * _CUBIC * square)
        bend = 6 * _ROOT_2_PI * _CUBIC * x
        u = 1 - t * t
        dx = h * g * (u * slope + 0.5 * x * (u * bend - 2 * t * u * slope * slope))
    return dg, dx


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``y = x * P(X <= x)`` for a standard normal X.

    Args:
        input: any shape.
        approximate: ``"none"``, or ``"tanh"`` for
            ``0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))``.

    Raises:
        RuntimeError: another ``approximate``.

    >>> lampas.nn.functional.gelu(lampas.tensor([0.0, 10.0]))
    tensor([ 0., 10.])
    """
    if approximate == "none":
        return _gelu.call(input)
    if approximate == "tanh":
        return _tanh_gelu.call(input)
    raise ShapeError(f"approximate must be 'none' or 'tanh', got {approximate!r}")


# ---- elu: straight for x > 0, an exponential below

_elu, _elu_backward = _smooth("elu")
_elu_bend = op("elu_bend", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input)
"""The second and higher derivatives of elu: ``factor * exp(rate x)`` for x <= 0."""


@_elu.forward
def elu_forward(xp: Any, x: Any, *, alpha: float, scale: float, rate: float) -> Any:
    below = xp.expm1(xp.minimum(x, 0) * rate) * (alpha * scale)
    return xp.where(x > 0, x * scale, below)


@_elu.vjp
def elu_vjp(
    F: Any, g: Any, x: Any, *, need: Any, alpha: float, scale: float, rate: float
) -> Any:
    return (F.elu_backward(g, x, alpha=alpha, scale=scale, rate=rate),)


@_elu_backward.forward
def elu_backward_forward(
    xp: Any, g: Any, x: Any, *, alpha: float, scale: float, rate: float
) -> Any:
    below = xp.exp(xp.minimum(x, 0) * rate) * (alpha * scale * rate)
    return g * xp.where(x <= 0, below, x.dtype.type(scale))


@_elu_backward.vjp
def elu_backward_vjp(
    F: Any, h: Any, g: Any, x: Any, *, need: Any, alpha: Any, scale: Any, rate: Any
) -> Any:
    dg = F.elu_backward(h, x, alpha=alpha, scale=scale, rate=rate) if need[0] else None
    dx = None
    if need[1]:
        dx = h * g * F.elu_bend(x, factor=alpha * scale * rate * rate, rate=rate)
    return dg, dx


@_elu_bend.forward
def elu_bend_forward(xp: Any, x: Any, *, factor: float, rate: float) -> Any:
    bend = xp.exp(xp.minimum(x, 0) * rate) * factor
    return xp.where(x > 0, x.dtype.type(0), bend)


@_elu_bend.vjp
def elu_bend_vjp(F: Any, g: Any, x: Any, *, need: Any, factor: Any, rate: Any) -> Any:
    return (g * F.elu_bend(x, factor=factor * rate, rate=rate),)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``y = x`` where positive, else ``alpha * (exp(x) - 1)``.

    Args:
        input: any shape.
        alpha: where it saturates, negated.
        inplace: store the result in ``input``.

    >>> lampas.nn.functional.elu(lampas.tensor([0.0, 2.0]))
    tensor([0., 2.])
    """
    if inplace:
        return assign(input, elu, (alpha,), {})
    return _elu.call(input, alpha=alpha, scale=1.0, rate=1.0)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place version of :func:`elu`.

    >>> lampas.nn.functional.elu_(lampas.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return elu(input, alpha, True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks.

    >>> lampas.nn.functional.selu(lampas.tensor([1.0]))
    tensor([1.0507])
    """
    if inplace:
        return assign(input, selu, (), {})
    return _elu.call(input, alpha=_SELU_ALPHA, scale=_SELU_SCALE, rate=1.0)


def selu_(input: Tensor) -> Tensor:
    """In-place version of :func:`selu`.

    >>> lampas.nn.functional.selu_(lampas.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return selu(input, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``y = max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Raises:
        RuntimeError: ``alpha`` is 0.

    >>> lampas.nn.functional.celu(lampas.tensor([0.0, 2.0]))
    tensor([0., 2.])
    """
    if alpha == 0:
        raise ShapeError("celu: alpha must not be 0")
    if inplace:
        return assign(input, celu, (alpha,), {})
    return _elu.call(input, alpha=alpha, scale=1.0, rate=1.0 / alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place version of :func:`celu`.

    >>> lampas.nn.functional.celu_(lampas.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return celu(input, alpha, True)


# ---- softplus and log of sigmoid

_softplus_op, _softplus_backward = _smooth("softplus", "float:cuda")


@_softplus_op.forward
def softplus_forward(xp: Any, x: Any, *, beta: float, threshold: float) -> Any:
    scaled = x * beta
    return xp.where(scaled > threshold, x, _softplus(xp, scaled) / beta)


@_softplus_op.vjp
def softplus_vjp(
    F: Any, g: Any, x: Any, *, need: Any, beta: float, threshold: float
) -> Any:
    return (F.softplus_backward(g, x, beta=beta, threshold=threshold),)


@_softplus_backward.forward
def softplus_backward_forward(
    xp: Any, g: Any, x: Any, *, beta: float, threshold: float
) -> Any:
    scaled = x * beta
    return xp.where(scaled > threshold, g, g * _sigmoid(xp, scaled))


@_softplus_backward.vjp
def softplus_backward_vjp(
    F: Any, h: Any, g: Any, x: Any, *, need: Any, beta: float, threshold: float
) -> Any:
    dg = dx = None
    if need[0]:
        dg = F.softplus_backward(h, x, beta=beta, threshold=threshold)
    if need[1]:
        s = F.sigmoid(x * beta)
        dx = F.gate(h * g * (beta * s * (1 - s)), x * beta, low=None, high=threshold)
    return dg, dx


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``y = log(1 + exp(beta x)) / beta``; ``x`` itself where ``beta x > threshold``.

    Args:
        input: any shape.
        beta: sharpness.
        threshold: from where on the function counts as straight.

    >>> lampas.nn.functional.softplus(lampas.tensor([0.0]))
    tensor([0.6931])
    """
    return _softplus_op.call(input, beta=beta, threshold=threshold)


_logsigmoid = op(
    "logsigmoid",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    autocast="float:cuda",
)
_logsigmoid_backward = op(
    "logsigmoid_backward", saves="g x", fresh=True, infer=like_input
)
pointwise(_logsigmoid_backward)


@_logsigmoid.forward
def logsigmoid_forward(xp: Any, x: Any) -> Any:
    return xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x)))


@_logsigmoid.vjp
def logsigmoid_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.logsigmoid_backward(g, x),)


@_logsigmoid_backward.forward
def logsigmoid_backward_forward(xp: Any, g: Any, x: Any) -> Any:
    return g * _sigmoid(xp, -x)


@_logsigmoid_backward.vjp
def logsigmoid_backward_vjp(F: Any, h: Any, g: Any, x: Any, *, need: Any) -> Any:
    dg = F.logsigmoid_backward(h, x) if need[0] else None
    dx = None
    if need[1]:
        s = F.sigmoid(x)
        dx = F.neg(h * g * (s * (1 - s)))
    return dg, dx


def logsigmoid(input: Tensor) -> Tensor:
    """``y = log(1 / (1 + exp(-x)))``, without overflow.

    >>> lampas.nn.functional.logsigmoid(lampas.tensor([0.0]))
    tensor([-0.6931])
    """
    return _logsigmoid.call(input)


# ---- compositions


def tanhshrink(input: Tensor) -> Tensor:
    """``y = x - tanh(x)``.

    >>> lampas.nn.functional.tanhshrink(lampas.tensor([0.0]))
    tensor([0.])
    """
    return input - input.tanh()  # type: ignore[attr-defined]


def softsign(input: Tensor) -> Tensor:
    """``y = x / (1 + |x|)``.

    >>> lampas.nn.functional.softsign(lampas.tensor([1.0]))
    tensor([0.5000])
    """
    return input / (1 + input.abs())  # type: ignore[attr-defined]


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``y = a * sigmoid(b)``, where a and b are the halves of ``input`` along ``dim``.

    Raises:
        RuntimeError: the size of ``dim`` is odd, or the input has no dimensions.

    >>> lampas.nn.functional.glu(lampas.tensor([1.0, 0.0]))
    tensor([0.5000])
    """
    if input._data.ndim == 0:
        raise ShapeError("glu does not support 0-dimensional tensors")
    dim = normalize_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    if size % 2:
        raise ShapeError(
            f"halving dimension must be even, but dimension {dim} is size {size}"
        )
    half = size // 2
    a = input.narrow(dim, 0, half)  # type: ignore[attr-defined]
    b = input.narrow(dim, half, half)  # type: ignore[attr-defined]
    return a * b.sigmoid()
