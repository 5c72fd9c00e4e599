"""Transforms of every entry by itself."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution
from lampas.distributions.transforms.base import (
    Parameterless,
    Transform,
    sum_rightmost,
)
from lampas.dtypes import finfo
from lampas.engine.tensor import Size, Tensor
from lampas.ops.activation import logsigmoid, softplus
from lampas.ops.like import zeros_like
from lampas.ops.views import broadcast_shapes
from lampas.ops.with_out import atanh, sigmoid, xlogy

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "TanhTransform",
]


class ExpTransform(Parameterless):
    """``y = exp(x)``.

    >>> import lampas
    >>> ExpTransform()(lampas.tensor(0.0))
    tensor(1.)
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class SoftplusTransform(Parameterless):
    """``y = log(1 + exp(x))``; the identity from x = 20 on.

    >>> import lampas
    >>> SoftplusTransform()(lampas.tensor(0.0))
    tensor(0.6931)
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return logsigmoid(x)


class SigmoidTransform(Parameterless):
    """``y = 1 / (1 + exp(-x))``, kept off 0 and 1.

    >>> import lampas
    >>> SigmoidTransform().inv(lampas.tensor(0.5))
    tensor(0.)
    """

    domain = constraints.real
    codomain = constraints.unit_interval
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        limits = finfo(x.dtype)
        return sigmoid(x).clamp(limits.tiny, 1 - limits.eps)

    def _inverse(self, y: Tensor) -> Tensor:
        limits = finfo(y.dtype)
        inner = y.clamp(limits.tiny, 1 - limits.eps)
        return inner.log() - (-inner).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return logsigmoid(x) + logsigmoid(-x)


class TanhTransform(Parameterless):
    """``y = tanh(x)``.

    For values near -1 and 1, whose inverse is lost in rounding, use ``cache_size=1``.

    >>> import lampas
    >>> TanhTransform().log_abs_det_jacobian(lampas.tensor(0.0), lampas.tensor(0.0))
    tensor(0.)
    """

    domain = constraints.real
    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return atanh(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # 1 - tanh(x)^2 = 4 sigmoid(2x) sigmoid(-2x), finite for any x.
        return math.log(4.0) + logsigmoid(2 * x) + logsigmoid(-2 * x)


class AbsTransform(Parameterless):
    """``y = |x|``, which two values of x share; the inverse takes the positive one.

    >>> import lampas
    >>> AbsTransform()(lampas.tensor([-1.0, 2.0]))
    tensor([1., 2.])
    """

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


def _sign(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.sign()
    return (value > 0) - (value < 0)


def _same(a: Any, b: Any) -> bool:
    """Whether two parameters, numbers or tensors, are equal everywhere."""
    equal = a == b
    return bool(equal.all().item()) if isinstance(equal, Tensor) else bool(equal)


def _shape(shape: Any, *parameters: Any) -> Size:
    """``shape`` broadcast with the shapes of the parameters that are tensors."""
    others = [value.shape for value in parameters if isinstance(value, Tensor)]
    return broadcast_shapes(shape, *others)


class AffineTransform(Transform):
    """``y = loc + scale x``.

    Args:
        loc: what is added, a number or a tensor.
        scale: the factor, not 0.
        event_dim: how many last dimensions make one event.
        cache_size: as for :class:`Transform`.

    >>> import lampas
    >>> AffineTransform(1.0, 2.0)(lampas.tensor(3.0))
    tensor(7.)
    """

    bijective = True

    def __init__(
        self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size=cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        if self._event_dim == 0:
            return constraints.real
        return constraints.independent(constraints.real, self._event_dim)

    codomain = domain

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self._event_dim, cache_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AffineTransform):
            return False
        return _same(self.loc, other.loc) and _same(self.scale, other.scale)

    @property
    def sign(self) -> Any:
        return _sign(self.scale)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if isinstance(self.scale, Tensor):
            slope: Any = self.scale.abs().log()
        else:
            slope = math.log(abs(self.scale))
        return sum_rightmost(slope + zeros_like(x), self._event_dim)

    def forward_shape(self, shape: Any) -> Size:
        return _shape(shape, self.loc, self.scale)

    inverse_shape = forward_shape


class PowerTransform(Transform):
    """``y = x^exponent`` for positive x.

    Args:
        exponent: a number or a tensor, not 0.
        cache_size: as for :class:`Transform`.

    >>> import lampas
    >>> PowerTransform(2.0)(lampas.tensor(3.0))
    tensor(9.)
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.exponent = exponent

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return PowerTransform(self.exponent, cache_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PowerTransform):
            return False
        return _same(self.exponent, other.exponent)

    @property
    def sign(self) -> Any:
        return _sign(self.exponent)

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if isinstance(self.exponent, Tensor):
            slope: Any = self.exponent.abs().log()
        else:
            slope = math.log(abs(self.exponent))
        return slope + xlogy(self.exponent - 1, x)

    def forward_shape(self, shape: Any) -> Size:
        return _shape(shape, self.exponent)

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """``y = distribution.cdf(x)``: draws become uniform.

    Args:
        distribution: one of one variable that has ``cdf``, ``icdf`` and ``log_prob``.
        cache_size: as for :class:`Transform`.

    >>> import lampas
    >>> from lampas.distributions import Normal
    >>> CumulativeDistributionTransform(Normal(0.0, 1.0))(lampas.tensor(0.0))
    tensor(0.5000)
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @constraints.dependent_property
    def domain(self) -> Any:
        return self.distribution.support

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
