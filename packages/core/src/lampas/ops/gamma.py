"""The logarithm of the gamma function and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentError
from lampas.ops._special import by_parts, chebyshev, polynomial, require_real
from lampas.ops.zeta import zeta_array

__all__ = ["digamma", "lgamma", "mvlgamma", "polygamma"]

# log Gamma(x) / ((x - 1) (x - 2)) for x from 1 to 3, in x - 2.
_LOG_GAMMA = (
    0.44148902545501423, -0.11119580321752523, 0.01951044826068884,
    -0.003922461463025264, 0.0008478989895953857, -0.00019153855341365593,
    4.454470184975607e-05, -1.05728743735943e-05, 2.5474336873408417e-06,
    -6.208535880776316e-07, 1.5268677399071546e-07, -3.782637660291326e-08,
    9.428100823624284e-09, -2.361999702184645e-09, 5.943541905817546e-10,
    -1.501312977072867e-10, 3.8050196458110534e-11, -9.672485299656325e-12,
    2.465348198355661e-12, -6.298868140791711e-13, 1.6128460030283787e-13,
    -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15,
    7.060670507214892e-16, -1.8232177141662118e-16, 4.714169006756272e-17,
    -1.2204107319639856e-17, 3.1630451661790255e-18, -8.206746544166728e-19,
)  # fmt: skip
# Bernoulli numbers B(2k) over 2k (2k - 1), and over 2k: DLMF 5.11.1 and 5.11.2.
_STIRLING = (
    0.08333333333333333, -0.002777777777777778, 0.0007936507936507937,
    -0.0005952380952380953, 0.0008417508417508417, -0.0019175269175269176,
    0.00641025641025641, -0.029550653594771242, 0.17964437236883057,
    -1.3924322169059011,
)  # fmt: skip
_DIGAMMA = (
    0.08333333333333333, -0.008333333333333333, 0.003968253968253968,
    -0.004166666666666667, 0.007575757575757576, -0.021092796092796094,
    0.08333333333333333, -0.4432598039215686, 3.0539543302701198, -26.456212121212122,
)  # fmt: skip
_LARGE = 8  # from here on the asymptotic series are exact
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def _shifted_up(xp: Any, x: Any) -> tuple[Any, Any]:
    """``x`` plus the least whole number that makes it large, and that number."""
    steps = xp.maximum(xp.ceil(_LARGE - x), 0)
    return x + steps, steps


def log_gamma_above_one(above: Any) -> Any:
    """log Gamma(1 + above) for ``above`` in [0, 2], relatively exact at its zeros."""
    # From 0, so that the zeros are no negative ones.
    return 0 - above * (1 - above) * chebyshev(above - 1, -1, 1, _LOG_GAMMA)


def stirling(x: Any) -> Any:
    """log of Gamma(x) over Stirling's formula for it, for large ``x``."""
    return polynomial(1 / (x * x), _STIRLING) / x


def _log_gamma_small(xp: Any, x: Any) -> Any:
    return log_gamma_above_one(x) - xp.log(x)


def _log_gamma_near(xp: Any, x: Any) -> Any:
    return log_gamma_above_one(x - 1)


def _log_gamma_middle(xp: Any, x: Any) -> Any:
    product = x * 0 + 1
    large, steps = _shifted_up(xp, x)
    for k in range(_LARGE):
        product = product * xp.where(k < steps, x + k, 1)
    return _log_gamma_large(xp, large) - xp.log(product)


def _log_gamma_large(xp: Any, x: Any) -> Any:
    log = xp.log(x)
    return x * (log - 1) - log / 2 + _HALF_LOG_2PI + stirling(x)


def _log_gamma_positive(xp: Any, x: Any) -> Any:
    return by_parts(
        xp,
        [x],
        (x == math.inf, math.inf),
        (x >= _LARGE, _log_gamma_large),
        (x >= 3, _log_gamma_middle),
        (x >= 1, _log_gamma_near),
        (x > 0, _log_gamma_small),
    )


def _log_gamma_negative(xp: Any, x: Any) -> Any:
    """The reflection formula, DLMF 5.5.3."""
    sine = xp.absolute(xp.sin(math.pi * (x - xp.round(x))))
    return math.log(math.pi) - xp.log(sine) - _log_gamma_positive(xp, 1 - x)


def log_gamma(xp: Any, x: Any) -> Any:
    """log |Gamma(x)| of a float64 array."""
    pole = xp.logical_or(x == 0, xp.isinf(x))
    return by_parts(
        xp,
        [x],
        (pole, math.inf),
        (x > 0, _log_gamma_positive),
        (x < 0, _log_gamma_negative),
    )


_lgamma = op(
    "lgamma",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="lgamma(x)",
)


@_lgamma.forward
def lgamma_forward(xp: Any, x: Any) -> Any:
    return log_gamma(xp, x.astype(np.float64)).astype(x.dtype)


@_lgamma.vjp
def lgamma_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.digamma(x),)


@method(inplace=True)
def lgamma(input: Tensor) -> Tensor:
    """The logarithm of the absolute value of the gamma function.

    Infinite at zero and the negative integers. Its gradient is :func:`digamma`.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.lgamma(lampas.tensor([1.0, 5.0]))
    tensor([0.0000, 3.1781])
    """
    require_real("lgamma", input)
    return _lgamma.call(input)


_digamma = op(
    "digamma",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


def _digamma_positive(xp: Any, x: Any) -> Any:
    """The recurrence DLMF 5.5.2 up to the asymptotic series 5.11.2."""
    large, steps = _shifted_up(xp, x)
    total = x * 0
    # From small terms to large ones.
    for k in range(_LARGE - 1, -1, -1):
        total = total + xp.where(k < steps, 1 / (x + k), 0)
    square = 1 / (large * large)
    rest = 0.5 / large + polynomial(square, _DIGAMMA) * square
    return xp.log(large) - rest - total


def _digamma_negative(xp: Any, x: Any) -> Any:
    """The reflection formula, DLMF 5.5.4; NaN at the poles."""
    part = x - xp.round(x)
    cotangent = math.pi / xp.tan(math.pi * part)
    return xp.where(part == 0, math.nan, _digamma_positive(xp, 1 - x) - cotangent)


@_digamma.forward
def digamma_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    result = by_parts(
        xp,
        [wide],
        (wide == math.inf, math.inf),
        (wide > 0, _digamma_positive),
        (wide < 0, _digamma_negative),
    )
    # The pole at 0 is approached from the side that the sign of the zero tells.
    return xp.where(wide == 0, -1 / wide, result).astype(x.dtype)


@_digamma.vjp
def digamma_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.polygamma(x, n=1),)


@method(inplace=True)
def digamma(input: Tensor) -> Tensor:
    """The derivative of :func:`lgamma`; NaN at the negative integers.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.digamma(lampas.tensor([1.0, 2.0]))
    tensor([-0.5772,  0.4228])
    """
    require_real("digamma", input)
    return _digamma.call(input)


_polygamma = op(
    "polygamma",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)


@_polygamma.forward
def polygamma_forward(xp: Any, x: Any, *, n: int) -> Any:
    """DLMF 5.15.1 as a Hurwitz zeta function."""
    wide = x.astype(np.float64)
    # Above 170, the factorial is no double.
    factor = float(math.factorial(n)) if n <= 170 else math.inf
    order = xp.full(wide.shape, n + 1.0)
    values = factor * zeta_array(xp, order, wide)
    return (values if n % 2 else -values).astype(x.dtype)


@_polygamma.vjp
def polygamma_vjp(F: Any, g: Any, x: Any, *, need: Any, n: int) -> Any:
    return (g * F.polygamma(x, n=n + 1),)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The ``n``-th derivative of :func:`digamma`.

    ``y = (-1) ** (n + 1) n! sum_k 1 / (x + k) ** (n + 1)`` for positive ``n``; infinite
    at zero and the negative integers.

    Args:
        n: the order, not negative; 0 is digamma itself.
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: ``n`` is negative, or the input is complex.

    >>> lampas.polygamma(1, lampas.tensor([1.0]))
    tensor([1.6449])
    """
    require_real("polygamma", input)
    if n < 0:
        raise _OrderError(f"polygamma: n must not be negative, got {n}")
    return _polygamma.call(input, n=int(n)) if n else digamma(input)


class _OrderError(ArgumentError, RuntimeError):
    """A number of derivatives or dimensions is too small."""


@method("polygamma", inplace=True)
def _polygamma_of(input: Tensor, n: int) -> Tensor:
    """See :func:`lampas.polygamma`."""
    return polygamma(n, input)


@method(inplace=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of ``p`` dimensions.

    ``y = p (p - 1) / 4 log(pi) + sum_{j=1}^{p} lgamma(x + (1 - j) / 2)``

    Args:
        input: real, any shape; integers give the default floating dtype.
        p: the number of dimensions, at least 1.

    Raises:
        RuntimeError: ``p`` is less than 1, or the input is complex.

    >>> lampas.mvlgamma(lampas.tensor([3.0]), 2)
    tensor([1.5502])
    """
    require_real("mvlgamma", input)
    if p < 1:
        raise _OrderError(f"mvlgamma: p must be at least 1, got {p}")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi)
