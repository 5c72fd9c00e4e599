"""The logistic-normal distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.normal import Normal
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import StickBreakingTransform
from lampas.engine.tensor import Tensor

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """A point of the simplex, made of normal draws by stick breaking.

    Args:
        loc: means along the last dimension, of size n; the event has n + 1 entries.
        scale: standard deviations, positive.
        validate_args: whether arguments are checked.

    >>> import lampas
    >>> LogisticNormal(lampas.zeros(3), 1.0).event_shape
    lampas.Size([4])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        if self.loc.ndim == 0:
            self.loc, self.scale = self.loc.expand(1), self.scale.expand(1)
        base = Normal(self.loc, self.scale, validate_args=False)
        super().__init__(base, StickBreakingTransform(), validate_args)
