"""The sizes of draws that lie as often above 0 as below."""

from __future__ import annotations

import math

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import AbsTransform
from lampas.engine.tensor import Tensor
from lampas.ops.like import zeros_like
from lampas.ops.with_out import where

__all__ = ["Folded"]


class Folded(TransformedDistribution):
    """The size of a draw of ``base``, which is symmetric about 0, its mode.

    Args:
        base: the distribution of the draw, of the scale ``scale``.
        validate_args: whether arguments are checked.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    scale: Tensor

    def __init__(self, base: Distribution, validate_args: bool | None) -> None:
        super().__init__(base, AbsTransform(), validate_args)

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        found = self.base_dist.log_prob(value) + math.log(2)
        return where(value >= 0, found, -math.inf)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
