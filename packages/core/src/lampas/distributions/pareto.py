"""The Pareto distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential import Exponential
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import AffineTransform, ExpTransform
from lampas.engine.tensor import Tensor

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """Density ``alpha scale^alpha / x^(alpha + 1)`` for ``x >= scale``.

    Args:
        scale: the smallest value, positive.
        alpha: how fast the tail falls, positive.
        validate_args: whether arguments are checked.

    >>> Pareto(1.0, 3.0).mean
    tensor(1.5000)
    """

    arg_constraints = {"scale": constraints.positive, "alpha": constraints.positive}
    scale: Tensor
    alpha: Tensor

    def __init__(
        self, scale: Any, alpha: Any, validate_args: bool | None = None
    ) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=False)
        scaled = AffineTransform(0, self.scale)
        super().__init__(base, [ExpTransform(), scaled], validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        alpha = self.alpha.clamp(min=1)  # infinite up to there
        return alpha * self.scale / (alpha - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        alpha = self.alpha.clamp(min=2)  # infinite up to there
        return self.scale**2 * alpha / ((alpha - 1) ** 2 * (alpha - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + 1 + self.alpha.reciprocal()
