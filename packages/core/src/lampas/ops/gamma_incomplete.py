"""The regularised incomplete gamma functions P and Q."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.infer import broadcast
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_tensors
from lampas.ops._special import by_parts, doubles, no_derivative, polynomial
from lampas.ops._temme import TEMME
from lampas.ops.erf import erfc_forward
from lampas.ops.gamma import log_gamma, log_gamma_above_one, stirling

__all__ = ["igamma", "igammac"]

_EPSILON = 1e-17
_MOST = 2000  # steps of a series; the regions below need a few hundred
_LARGE = 200  # from here on the expansion for large a serves near x = a
_WIDTH = 0.4


def _log_less(xp: Any, x: Any, a: Any) -> Any:
    """``log(1 + m) - m`` for ``m = (x - a) / a``, without cancellation."""
    m = (x - a) / a
    close = xp.absolute(m) <= _WIDTH
    r = xp.where(close, m, 0)
    r = r / (2 + r)
    terms = [1 / (2 * k + 3) for k in range(14)]
    near = r * (2 * r * r * polynomial(r * r, terms) - m)
    return xp.where(close, near, xp.log(x / a) - m)


def _weight(xp: Any, a: Any, x: Any) -> Any:
    """``x^a exp(-x) / Gamma(a + 1)``; for large ``a`` by Stirling's formula."""
    large = xp.maximum(a, 8)
    exponent = large * _log_less(xp, x, large) - stirling(large)
    far = xp.exp(exponent) / xp.sqrt(2 * math.pi * large)
    near = xp.exp(a * xp.log(x) - x - log_gamma(xp, a + 1))
    return xp.where(a >= 8, far, near)


def _power_series(xp: Any, a: Any, x: Any) -> Any:
    """P by DLMF 8.11.4, for x below a or small."""
    term, total, n = x * 0 + 1, x * 0 + 1, 0
    while n < _MOST and bool(xp.any(term > total * _EPSILON)):
        n += 1
        term = term * (x / (a + n))
        total = total + term
    return total * _weight(xp, a, x)


def _fraction(xp: Any, a: Any, x: Any) -> Any:
    """Q by the continued fraction DLMF 8.9.2 in Lentz's form, for x above a."""
    b = x + 1 - a
    c, d = b * 0 + 1e300, 1 / b
    value, n, moving = d, 0, b > 0
    while n < _MOST and bool(xp.any(moving)):
        n += 1
        weight = -n * (n - a)
        b = b + 2
        d = 1 / (weight * d + b)
        c = b + weight / c
        value = value * c * d
        moving = xp.absolute(c * d - 1) > 1e-15
    return value * a * _weight(xp, a, x)


def _small_complement(xp: Any, a: Any, x: Any) -> Any:
    """Q for small a and x, where P is close to 1: DLMF 8.7.1 less its first term."""
    term, total = x * 0 + 1, x * 0
    for n in range(1, 25):
        term = term * (-x / n)
        total = total + term * a / (a + n)
    log = a * xp.log(x) - log_gamma_above_one(a)
    return -xp.expm1(log) - xp.exp(log) * total


def _expansion(xp: Any, a: Any, x: Any, sign: int) -> Any:
    """Temme's uniform expansion, DLMF 8.12.3 and 8.12.4: Q for sign 1, P for -1."""
    square = -_log_less(xp, x, a)
    eta = xp.copysign(xp.sqrt(2 * square), x - a)
    total = polynomial(eta, TEMME[-1])
    for row in TEMME[-2::-1]:
        total = total / a + polynomial(eta, row)
    rest = total * xp.exp(-a * square) / xp.sqrt(2 * math.pi * a)
    return erfc_forward(xp, sign * eta * xp.sqrt(a / 2)) / 2 + sign * rest


def _lower_expansion(xp: Any, a: Any, x: Any) -> Any:
    return _expansion(xp, a, x, -1)


def _upper_expansion(xp: Any, a: Any, x: Any) -> Any:
    return _expansion(xp, a, x, 1)


def _rest_of_series(xp: Any, a: Any, x: Any) -> Any:
    return 1 - _power_series(xp, a, x)


def _rest_of_fraction(xp: Any, a: Any, x: Any) -> Any:
    return 1 - _fraction(xp, a, x)


def _inside(xp: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """Where both are positive and finite, and where a is large and x close to it."""
    inside = xp.logical_and(xp.logical_and(a > 0, a < math.inf), x > 0)
    inside = xp.logical_and(inside, x < math.inf)
    close = xp.logical_and(a >= _LARGE, xp.absolute(x - a) <= _WIDTH * a)
    return inside, xp.logical_and(inside, close)


def _edges(xp: Any, a: Any, x: Any, low: float, high: float) -> list[Any]:
    """The values at 0 and infinity: P goes from 0 to 1, Q from 1 to 0."""
    known = xp.logical_and(a >= 0, x >= 0)
    return [
        (xp.logical_not(known), math.nan),
        (xp.logical_and(a == 0, x == 0), math.nan),
        (xp.logical_and(a == math.inf, x == math.inf), math.nan),
        (a == 0, high),
        (x == 0, low),
        (a == math.inf, low),
        (x == math.inf, high),
    ]


def _require_floating(name: str, input: Any, other: Any) -> None:
    require_tensors(name, input=input, other=other)
    for x in (input, other):
        if not x.is_floating_point():
            raise DTypeError(
                f"{name} is not implemented for {x.dtype}, only for floats"
            )


_igamma = op(
    "igamma",
    kind=ELEMENTWISE,
    promote="float",
    saves="x other x.shape other.shape",
    fresh=True,
    infer=broadcast,
)
_igammac = op(
    "igammac",
    kind=ELEMENTWISE,
    promote="float",
    saves="x other x.shape other.shape",
    fresh=True,
    infer=broadcast,
)


@_igamma.forward
def igamma_forward(xp: Any, x: Any, other: Any) -> Any:
    a, z, dtype = doubles(xp, x, other)
    inside, close = _inside(xp, a, z)
    fraction = xp.logical_and(z > 1.1, z > a)
    return by_parts(
        xp,
        [a, z],
        *_edges(xp, a, z, 0.0, 1.0),
        (close, _lower_expansion),
        (xp.logical_and(inside, fraction), _rest_of_fraction),
        (inside, _power_series),
    ).astype(dtype)


@_igammac.forward
def igammac_forward(xp: Any, x: Any, other: Any) -> Any:
    a, z, dtype = doubles(xp, x, other)
    inside, close = _inside(xp, a, z)
    fraction = xp.logical_and(z > 1.1, z > a)
    # Where P is over a half or so, Q is no difference from 1.
    border = xp.where(z <= 0.5, -0.4 / xp.log(xp.minimum(z, 0.5)), z * 1.1)
    small = xp.logical_and(z <= 1.1, a <= border)
    return by_parts(
        xp,
        [a, z],
        *_edges(xp, a, z, 1.0, 0.0),
        (close, _upper_expansion),
        (xp.logical_and(inside, fraction), _fraction),
        (xp.logical_and(inside, small), _small_complement),
        (inside, _rest_of_series),
    ).astype(dtype)


def _density(F: Any, a: Any, x: Any) -> Any:
    """The derivative of P by ``x``: ``x^(a - 1) exp(-x) / Gamma(a)``."""
    return F.exp((a - 1) * F.log(x) - x - F.lgamma(a))


@_igamma.vjp
def igamma_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    if need[0]:
        raise no_derivative("igamma", "input")
    return None, F.sum_to(g * _density(F, x, other), shape=other_shape)


@_igammac.vjp
def igammac_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    if need[0]:
        raise no_derivative("igammac", "input")
    return None, F.sum_to(F.neg(g * _density(F, x, other)), shape=other_shape)


@method(inplace=True)
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """The regularised lower incomplete gamma function P.

    ``y = 1 / Gamma(a)`` times the integral of ``t ** (a - 1) exp(-t)`` from 0 to ``x``,
    where ``a`` is ``input`` and ``x`` is ``other``. Differentiable with respect to
    ``other`` only.

    Args:
        input: floating, not negative.
        other: floating, not negative; broadcasts against ``input``.

    Raises:
        TypeError: one is no tensor.
        RuntimeError: one is not floating.

    >>> lampas.igamma(lampas.tensor([1.0, 4.0]), lampas.tensor([1.0, 4.0]))
    tensor([0.6321, 0.5665])
    """
    _require_floating("igamma", input, other)
    return _igamma.call(input, other)


@method(inplace=True)
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """The regularised upper incomplete gamma function: ``Q = 1 - P``, exact if small.

    Args:
        input, other: as for :func:`igamma`.

    Raises:
        TypeError: one is no tensor.
        RuntimeError: one is not floating.

    >>> lampas.igammac(lampas.tensor([1.0, 4.0]), lampas.tensor([1.0, 4.0]))
    tensor([0.3679, 0.4335])
    """
    _require_floating("igammac", input, other)
    return _igammac.call(input, other)
