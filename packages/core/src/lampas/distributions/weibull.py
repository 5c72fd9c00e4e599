"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential import Exponential
from lampas.distributions.gumbel import EULER_GAMMA
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import AffineTransform, PowerTransform
from lampas.engine.tensor import Tensor
from lampas.ops.like import ones_like
from lampas.ops.with_out import lgamma, where, xlogy

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """Density ``(k / scale) z^(k - 1) exp(-z^k)`` with ``z = x / scale``, ``x > 0``.

    Args:
        scale: the width, positive.
        concentration: the exponent k, positive.
        validate_args: whether arguments are checked.

    >>> Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints = {
        "scale": constraints.positive,
        "concentration": constraints.positive,
    }
    support = constraints.positive
    scale: Tensor
    concentration: Tensor

    def __init__(
        self, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(ones_like(self.scale), validate_args=False)
        power = PowerTransform(self.concentration.reciprocal())
        scaled = AffineTransform(0, self.scale)
        super().__init__(base, [power, scaled], validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k, z = self.concentration, value / self.scale
        return (k / self.scale).log() + xlogy(k - 1, z) - z**k

    @property
    def mean(self) -> Tensor:
        return self.scale * lgamma(1 + self.concentration.reciprocal()).exp()

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        inner = ((k - 1) / k).clamp(min=0) ** k.reciprocal()
        return where(k > 1, self.scale * inner, 0.0)

    @property
    def variance(self) -> Tensor:
        inverse = self.concentration.reciprocal()
        ratio = lgamma(1 + 2 * inverse) - 2 * lgamma(1 + inverse)
        return self.mean**2 * ratio.expm1()

    def entropy(self) -> Tensor:
        inverse = self.concentration.reciprocal()
        return EULER_GAMMA * (1 - inverse) + (self.scale * inverse).log() + 1
