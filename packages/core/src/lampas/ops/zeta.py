"""The Hurwitz zeta function."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.infer import broadcast
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.ops._arguments import require_one
from lampas.ops._special import by_parts, doubles, no_derivative, require_real

__all__ = ["zeta"]

_TERMS = 10  # that are summed before the Euler-Maclaurin formula takes over
# Bernoulli numbers B(2k) over (2k)!.
_BERNOULLI = (
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05,
    -8.267195767195768e-07, 2.08767569878681e-08, -5.284190138687493e-10,
    1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
    -2.174868698558062e-16, 5.5090028283602295e-18, -1.3954464685812522e-19,
)  # fmt: skip


def _positive(xp: Any, s: Any, q: Any) -> Any:
    """The Euler-Maclaurin formula, DLMF 25.11.5; ``s`` is over 1."""
    total = xp.zeros_like(q)
    for k in range(_TERMS - 1, -1, -1):
        total = total + (q + k) ** -s
    w = q + _TERMS
    last = w**-s
    total = total + w ** (1 - s) / (s - 1) + last / 2
    term = last * s / w
    for j, b in enumerate(_BERNOULLI):
        total = total + b * term
        term = term * ((s + (2 * j + 1)) / w) * ((s + (2 * j + 2)) / w)
    return total


def _negative(xp: Any, s: Any, q: Any) -> Any:
    """Whole ``s`` and negative ``q``: the finite sum up to 0 is a difference of two."""
    part = q - xp.floor(q)
    sign = xp.where(s % 2 == 0, 1, -1)
    below = _positive(xp, s, 1 - part) - _positive(xp, s, 1 - q)
    return _positive(xp, s, part) + sign * below


def zeta_array(xp: Any, s: Any, q: Any) -> Any:
    """The function on float64 arrays of one shape."""
    pole = xp.logical_and(q <= 0, q == xp.floor(q))
    return by_parts(
        xp,
        [s, q],
        (s == 1, math.inf),
        (xp.logical_and(s > 1, pole), math.inf),
        (xp.logical_and(s == math.inf, q < 1), math.inf),
        (xp.logical_and(s == math.inf, q == 1), 1.0),
        (xp.logical_and(s == math.inf, q > 1), 0.0),
        (xp.logical_and(s > 1, q > 0), _positive),
        (xp.logical_and(s > 1, s == xp.floor(s)), _negative),
    )


_zeta = op(
    "zeta",
    kind=ELEMENTWISE,
    promote="float",
    saves="x other x.shape other.shape",
    fresh=True,
    infer=broadcast,
)


@_zeta.forward
def zeta_forward(xp: Any, x: Any, other: Any) -> Any:
    s, q, dtype = doubles(xp, x, other)
    return zeta_array(xp, s, q).astype(dtype)


@_zeta.vjp
def zeta_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    if need[0]:
        raise no_derivative("zeta", "input")
    return None, F.sum_to(g * (F.zeta(x + 1, other) * F.neg(x)), shape=other_shape)


def zeta(input: Tensor | float, other: Tensor | float) -> Tensor:
    """The Hurwitz zeta function: ``y = sum_k 1 / (k + q) ** x`` over all k from 0.

    Differentiable with respect to ``other`` only.

    Args:
        input: exponents over 1; NaN below, infinite at 1.
        other: ``q``; infinite at zero and the negative integers, NaN for other
            negative numbers unless the exponent is whole. One of the two may be a
            number; they broadcast.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.zeta(lampas.tensor([2.0]), 1)
    tensor([1.6449])
    """
    require_one("zeta", input, other)
    require_real("zeta", input, other)
    return _zeta.call(input, other)
