"""The normal distribution function, its logarithm and inverse, and scaled erfc."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import broadcast, like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.ops._arguments import require_one
from lampas.ops._special import by_parts, chebyshev, doubles, require_real
from lampas.ops.erf import erfc_forward, erfinv_forward

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py"]

_SLOPE = 2 / math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)

# exp(x^2) erfc(x) (2 + x) / 2 for positive x, in 2 / (2 + x).
_ERFCX = (
    0.5770337386164697, 0.3554369212704985, 0.06509515882878653, 0.003671142395836639,
    -0.0011128447433526325, -0.0001607582991537808, 3.278031574173137e-05,
    5.442441645505016e-06, -1.5154665553171482e-06, -1.4297608181169865e-07,
    8.234608827419493e-08, -1.2962846852306563e-09, -4.154721631015199e-09,
    6.347058278362811e-10, 1.4320822712256225e-10, -6.160390105204585e-11,
    2.0612138554721698e-12, 3.5714931488477042e-12, -8.586422843251796e-13,
    -6.14560021379063e-14, 7.418725748596617e-14, -1.2895042755032325e-14,
    -2.358726385710632e-15, 1.5729349381685912e-15, -2.2782966239546465e-16,
    -6.31233045075643e-17, 3.5916763531814925e-17, -5.049809149847729e-18,
    -1.5324541113154899e-18, 8.90334528899061e-19,
)  # fmt: skip


def _erfcx_positive(x: Any) -> Any:
    t = 2 / (2 + x)
    return t * chebyshev(t, 0, 1, _ERFCX)


def scaled_erfc(xp: Any, x: Any) -> Any:
    """The function on a float64 array."""
    positive = _erfcx_positive(xp.absolute(x))
    # exp(x^2) in two parts, for rounding x^2 would cost digits. Below -27 it overflows.
    bounded = xp.minimum(xp.maximum(x, -27), 0)
    head = xp.trunc(bounded * 16) / 16
    growth = xp.exp(head * head) * xp.exp((bounded - head) * (bounded + head))
    return xp.where(x < 0, 2 * growth - positive, positive)


_erfcx = op(
    "erfcx",
    kind=ELEMENTWISE,
    promote="float",
    saves="x y",
    fresh=True,
    infer=like_input,
)


@_erfcx.forward
def erfcx_forward(xp: Any, x: Any) -> Any:
    return scaled_erfc(xp, x.astype(np.float64)).astype(x.dtype)


@_erfcx.vjp
def erfcx_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any) -> Any:
    return (g * (x * y * 2 - _SLOPE),)


def erfcx(input: Tensor) -> Tensor:
    """The scaled complementary error function: ``y = exp(x ** 2) erfc(x)``.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.erfcx(lampas.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """
    require_real("erfcx", input)
    return _erfcx.call(input)


_ndtr = op(
    "ndtr",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_ndtr.forward
def ndtr_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return (erfc_forward(xp, wide * -_ROOT_HALF) / 2).astype(x.dtype)


@_ndtr.vjp
def ndtr_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * (F.exp(x * x * -0.5) * (_ROOT_HALF * _SLOPE / 2)),)


def ndtr(input: Tensor) -> Tensor:
    """The distribution function of the standard normal: the chance to lie below ``x``.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.ndtr(lampas.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """
    require_real("ndtr", input)
    return _ndtr.call(input)


_log_ndtr = op(
    "log_ndtr",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


def _log_below(xp: Any, x: Any) -> Any:
    """The logarithm on a float64 array; in the lower tail the exponent is split off."""
    low = xp.minimum(x, -1)
    tail = xp.log(_erfcx_positive(-low * _ROOT_HALF) / 2) - low * low / 2
    above = xp.log1p(-erfc_forward(xp, xp.maximum(x, -1) * _ROOT_HALF) / 2)
    return xp.where(x < -1, tail, above)


@_log_ndtr.forward
def log_ndtr_forward(xp: Any, x: Any) -> Any:
    return _log_below(xp, x.astype(np.float64)).astype(x.dtype)


@_log_ndtr.vjp
def log_ndtr_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * (_SLOPE * _ROOT_HALF) / F.erfcx(x * -_ROOT_HALF),)


def log_ndtr(input: Tensor) -> Tensor:
    """The logarithm of :func:`ndtr`, exact in both tails.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.log_ndtr(lampas.tensor([0.0, -100.0]))
    tensor([-6.9315e-01, -5.0055e+03])
    """
    require_real("log_ndtr", input)
    return _log_ndtr.call(input)


_ndtri = op(
    "ndtri",
    kind=ELEMENTWISE,
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
)


def _middle_quantile(xp: Any, p: Any) -> Any:
    return erfinv_forward(xp, 2 * p - 1) / _ROOT_HALF


def _low_quantile(xp: Any, p: Any) -> Any:
    """Abramowitz & Stegun 26.2.23, right to 4.5e-4, and two of Halley's steps."""
    log = xp.log(p)
    t = xp.sqrt(-2 * log)
    up = 2.515517 + t * (0.802853 + t * 0.010328)
    down = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    x = up / down - t
    for _ in range(2):
        slope = (_SLOPE * _ROOT_HALF) / scaled_erfc(xp, -x * _ROOT_HALF)
        step = (_log_below(xp, x) - log) / slope
        x = x - step / (1 + step * (x + slope) / 2)
    return x


def _high_quantile(xp: Any, p: Any) -> Any:
    return -_low_quantile(xp, 1 - p)


@_ndtri.forward
def ndtri_forward(xp: Any, x: Any) -> Any:
    p = x.astype(np.float64)
    inside = xp.logical_and(p > 0, p < 1)
    return by_parts(
        xp,
        [p],
        (p == 0, -math.inf),
        (p == 1, math.inf),
        (xp.logical_and(inside, p < 0.25), _low_quantile),
        (xp.logical_and(inside, p > 0.75), _high_quantile),
        (inside, _middle_quantile),
    ).astype(x.dtype)


@_ndtri.vjp
def ndtri_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * (F.exp(y * y * 0.5) * (2 / (_ROOT_HALF * _SLOPE))),)


def ndtri(input: Tensor) -> Tensor:
    """The inverse of :func:`ndtr`: the quantiles of the standard normal distribution.

    Args:
        input: chances in [0, 1], any shape; NaN for others.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.ndtri(lampas.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    require_real("ndtri", input)
    return _ndtri.call(input)


_entr = op(
    "entr",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_entr.forward
def entr_forward(xp: Any, x: Any) -> Any:
    # From 0, so that no value is a negative zero.
    inside = 0 - x * xp.log(xp.where(x > 0, x, 1))
    return xp.where(x < 0, xp.full_like(x, -math.inf), inside)


@_entr.vjp
def entr_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.neg(F.log(x) + 1),)


def entr(input: Tensor) -> Tensor:
    """A term of entropy: ``y = -x log(x)``, 0 at 0 and -inf below.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.entr(lampas.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.3466, 0.0000])
    """
    require_real("entr", input)
    return _entr.call(input)


_xlog1py = op(
    "xlog1py",
    kind=ELEMENTWISE,
    promote="float",
    saves="x other x.shape other.shape",
    infer=broadcast,
)


@_xlog1py.forward
def xlog1py_forward(xp: Any, x: Any, other: Any) -> Any:
    a, b, dtype = doubles(xp, x, other)
    # 0 log1p(y) is 0 for every y but NaN.
    zero = xp.logical_and(a == 0, xp.logical_not(xp.isnan(b)))
    return xp.where(zero, 0, a * xp.log1p(b)).astype(dtype)


@_xlog1py.vjp
def xlog1py_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    dx = dother = None
    if need[0]:
        still = F.logical_and(x == 0, other <= -1)
        slope = F.masked(F.log1p(other), F.logical_not(still))
        dx = F.sum_to(g * slope, shape=shape)
    if need[1]:
        dother = F.sum_to(g * (x / (other + 1)), shape=other_shape)
    return dx, dother


def xlog1py(input: Tensor | float, other: Tensor | float) -> Tensor:
    """``input * log1p(other)``, 0 where ``input`` is 0.

    Args:
        input, other: real tensors that broadcast against each other, or one number.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.xlog1py(lampas.tensor([0.0, 2.0]), lampas.tensor([-1.0, 0.0]))
    tensor([0., 0.])
    """
    require_one("xlog1py", input, other)
    require_real("xlog1py", input, other)
    return _xlog1py.call(input, other)
