"""Orthogonal polynomials, each by its three-term recurrence.

The recurrences are those of DLMF, section 18.9. The degree is a tensor too; it is cut
to a whole number, and polynomials of negative degree are 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.infer import broadcast
from lampas.engine.record import ELEMENTWISE, Record, op
from lampas.engine.tensor import Tensor
from lampas.ops._arguments import require_one
from lampas.ops._special import by_parts, doubles, require_real

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

Step = Callable[[Any, int, Any, Any], Any]

_MANY = 100  # degrees, from which on angles serve instead of as many steps


def _climb(xp: Any, x: Any, n: Any, first: Callable[..., Any], step: Step) -> Any:
    """The polynomial of degree ``n``: from degrees 0 and 1 up to the highest.

    Args:
        xp: the array module.
        x, n: float64 arrays of one shape; degrees are whole or NaN, which counts as -1.
        first: ``first(x)`` gives degree 1.
        step: ``step(x, k, p, before)`` gives degree k + 1 from degrees k and k - 1.
    """
    before, p, k = xp.ones_like(x), first(x), 1
    result = xp.where(n == 0, before, xp.where(n == 1, p, xp.zeros_like(x)))
    left = n > 1
    while bool(xp.any(left)):
        before, p, k = p, step(x, k, p, before), k + 1
        # What has become NaN stays so.
        lost = xp.logical_and(left, xp.isnan(p))
        result = xp.where(xp.logical_or(n == k, lost), p, result)
        left = xp.logical_and(left, xp.logical_and(n > k, xp.logical_not(lost)))
    return result


def _by_steps(
    xp: Any, x: Any, other: Any, first: Callable[..., Any], step: Step
) -> Any:
    x, n, dtype = doubles(xp, x, other)
    return _climb(xp, x, xp.trunc(n), first, step).astype(dtype)


def _double(x: Any, k: int, p: Any, before: Any) -> Any:
    """The step that all four kinds of Chebyshev polynomials share."""
    return 2 * x * p - before


def _chebyshev(
    xp: Any,
    x: Any,
    other: Any,
    first: Callable[..., Any],
    angular: Callable[..., Any],
    ends: tuple[Callable[..., Any], Callable[..., Any]],
) -> Any:
    """By steps, and many of them by angles.

    Args:
        xp: the array module.
        x, other: the operands, of which one may be a number.
        first: ``first(x)`` gives degree 1.
        angular: ``angular(xp, t, n)`` gives the value at ``x = cos(t)``.
        ends: of the degree, the value at 1 and the size of that at -1.
    """
    x, n, dtype = doubles(xp, x, other)
    n = xp.trunc(n)
    many = n > _MANY
    high, low = ends
    return by_parts(
        xp,
        [x, n],
        (
            xp.logical_and(many, xp.absolute(x) < 1),
            lambda xp, x, n: angular(xp, xp.arccos(x), n),
        ),
        (xp.logical_and(many, x == 1), lambda xp, x, n: high(n)),
        (
            xp.logical_and(many, x == -1),
            lambda xp, x, n: xp.where(n % 2 == 0, low(n), -low(n)),
        ),
        (xp.ones(x.shape, bool), lambda xp, x, n: _climb(xp, x, n, first, _double)),
    ).astype(dtype)


def _one(n: Any) -> Any:
    return n * 0 + 1


def _next(n: Any) -> Any:
    return n + 1


def _odd(n: Any) -> Any:
    return 2 * n + 1


def _polynomial(name: str) -> Record:
    return op(name, kind=ELEMENTWISE, promote="float", infer=broadcast)


def _called(record: Record, x: Tensor | float, n: Tensor | float) -> Tensor:
    require_one(record.name, x, n)
    require_real(record.name, x, n)
    return record.call(x, n)


_chebyshev_polynomial_t = _polynomial("chebyshev_polynomial_t")


@_chebyshev_polynomial_t.forward
def chebyshev_polynomial_t_forward(xp: Any, x: Any, other: Any) -> Any:
    def angular(xp: Any, t: Any, n: Any) -> Any:
        return xp.cos(n * t)

    return _chebyshev(xp, x, other, lambda x: x, angular, (_one, _one))


def chebyshev_polynomial_t(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the first kind: ``y = cos(n arccos(x))``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.chebyshev_polynomial_t(lampas.tensor([0.5]), 2)
    tensor([-0.5000])
    """
    return _called(_chebyshev_polynomial_t, input, n)


_chebyshev_polynomial_u = _polynomial("chebyshev_polynomial_u")


@_chebyshev_polynomial_u.forward
def chebyshev_polynomial_u_forward(xp: Any, x: Any, other: Any) -> Any:
    def angular(xp: Any, t: Any, n: Any) -> Any:
        return xp.sin((n + 1) * t) / xp.sin(t)

    return _chebyshev(xp, x, other, lambda x: 2 * x, angular, (_next, _next))


def chebyshev_polynomial_u(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the second kind.

    ``y = sin((n + 1) t) / sin(t)`` with ``x = cos(t)``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.chebyshev_polynomial_u(lampas.tensor([0.5]), 2)
    tensor([0.])
    """
    return _called(_chebyshev_polynomial_u, input, n)


_chebyshev_polynomial_v = _polynomial("chebyshev_polynomial_v")


@_chebyshev_polynomial_v.forward
def chebyshev_polynomial_v_forward(xp: Any, x: Any, other: Any) -> Any:
    def angular(xp: Any, t: Any, n: Any) -> Any:
        return xp.cos((n + 0.5) * t) / xp.cos(t / 2)

    return _chebyshev(xp, x, other, lambda x: 2 * x - 1, angular, (_one, _odd))


def chebyshev_polynomial_v(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the third kind.

    ``y = cos((n + 1/2) t) / cos(t / 2)`` with ``x = cos(t)``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.chebyshev_polynomial_v(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return _called(_chebyshev_polynomial_v, input, n)


_chebyshev_polynomial_w = _polynomial("chebyshev_polynomial_w")


@_chebyshev_polynomial_w.forward
def chebyshev_polynomial_w_forward(xp: Any, x: Any, other: Any) -> Any:
    def angular(xp: Any, t: Any, n: Any) -> Any:
        return xp.sin((n + 0.5) * t) / xp.sin(t / 2)

    return _chebyshev(xp, x, other, lambda x: 2 * x + 1, angular, (_odd, _one))


def chebyshev_polynomial_w(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the fourth kind.

    ``y = sin((n + 1/2) t) / sin(t / 2)`` with ``x = cos(t)``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.chebyshev_polynomial_w(lampas.tensor([0.5]), 2)
    tensor([1.])
    """
    return _called(_chebyshev_polynomial_w, input, n)


_hermite_polynomial_h = _polynomial("hermite_polynomial_h")


@_hermite_polynomial_h.forward
def hermite_polynomial_h_forward(xp: Any, x: Any, other: Any) -> Any:
    def step(x: Any, k: int, p: Any, before: Any) -> Any:
        return 2 * (x * p - k * before)

    return _by_steps(xp, x, other, lambda x: 2 * x, step)


def hermite_polynomial_h(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The physicists' Hermite polynomial, orthogonal under ``exp(-x ** 2)``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.hermite_polynomial_h(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return _called(_hermite_polynomial_h, input, n)


_hermite_polynomial_he = _polynomial("hermite_polynomial_he")


@_hermite_polynomial_he.forward
def hermite_polynomial_he_forward(xp: Any, x: Any, other: Any) -> Any:
    def step(x: Any, k: int, p: Any, before: Any) -> Any:
        return x * p - k * before

    return _by_steps(xp, x, other, lambda x: x, step)


def hermite_polynomial_he(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The statisticians' Hermite polynomial, orthogonal under ``exp(-x ** 2 / 2)``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.hermite_polynomial_he(lampas.tensor([0.5]), 2)
    tensor([-0.7500])
    """
    return _called(_hermite_polynomial_he, input, n)


_laguerre_polynomial_l = _polynomial("laguerre_polynomial_l")


@_laguerre_polynomial_l.forward
def laguerre_polynomial_l_forward(xp: Any, x: Any, other: Any) -> Any:
    def step(x: Any, k: int, p: Any, before: Any) -> Any:
        return ((2 * k + 1 - x) * p - k * before) / (k + 1)

    return _by_steps(xp, x, other, lambda x: 1 - x, step)


def laguerre_polynomial_l(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Laguerre polynomial, orthogonal under ``exp(-x)`` for positive ``x``.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.laguerre_polynomial_l(lampas.tensor([0.5]), 2)
    tensor([0.1250])
    """
    return _called(_laguerre_polynomial_l, input, n)


_legendre_polynomial_p = _polynomial("legendre_polynomial_p")


@_legendre_polynomial_p.forward
def legendre_polynomial_p_forward(xp: Any, x: Any, other: Any) -> Any:
    def step(x: Any, k: int, p: Any, before: Any) -> Any:
        return ((2 * k + 1) * x * p - k * before) / (k + 1)

    return _by_steps(xp, x, other, lambda x: x, step)


def legendre_polynomial_p(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Legendre polynomial, orthogonal from -1 to 1.

    Args:
        input: real tensor or number.
        n: degrees, cut to whole numbers; broadcasts against ``input``, of which one
            must be a tensor.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.legendre_polynomial_p(lampas.tensor([0.5]), 2)
    tensor([-0.1250])
    """
    return _called(_legendre_polynomial_p, input, n)


def shifted_chebyshev_polynomial_t(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the first kind at ``2 x - 1``, for x from 0 to 1.

    Args:
        input, n: as for :func:`chebyshev_polynomial_t`.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.shifted_chebyshev_polynomial_t(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return chebyshev_polynomial_t(input * 2 - 1, n)


def shifted_chebyshev_polynomial_u(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the second kind at ``2 x - 1``, for x from 0 to 1.

    Args:
        input, n: as for :func:`chebyshev_polynomial_u`.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.shifted_chebyshev_polynomial_u(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return chebyshev_polynomial_u(input * 2 - 1, n)


def shifted_chebyshev_polynomial_v(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the third kind at ``2 x - 1``, for x from 0 to 1.

    Args:
        input, n: as for :func:`chebyshev_polynomial_v`.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.shifted_chebyshev_polynomial_v(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return chebyshev_polynomial_v(input * 2 - 1, n)


def shifted_chebyshev_polynomial_w(input: Tensor | float, n: Tensor | float) -> Tensor:
    """The Chebyshev polynomial of the fourth kind at ``2 x - 1``, for x from 0 to 1.

    Args:
        input, n: as for :func:`chebyshev_polynomial_w`.

    Raises:
        TypeError: both are numbers.
        RuntimeError: one is complex.

    >>> lampas.special.shifted_chebyshev_polynomial_w(lampas.tensor([0.5]), 2)
    tensor([-1.])
    """
    return chebyshev_polynomial_w(input * 2 - 1, n)
