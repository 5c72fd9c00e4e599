"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential import Exponential
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import AffineTransform, ExpTransform
from lampas.engine.tensor import Tensor
from lampas.ops.like import ones_like

__all__ = ["Gumbel"]

EULER_GAMMA = 0.5772156649015329
"""The limit of ``1 + 1/2 + ... + 1/n - log(n)``."""


class Gumbel(TransformedDistribution):
    """Density ``exp(-z - exp(-z)) / scale`` with ``z = (x - loc) / scale``.

    Args:
        loc: the mode.
        scale: the width, positive.
        validate_args: whether arguments are checked.

    >>> import lampas
    >>> Gumbel(0.0, 1.0).cdf(lampas.tensor(0.0))
    tensor(0.3679)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        # The logarithm of a waiting time, turned round.
        base = Exponential(ones_like(self.loc), validate_args=False)
        turned = AffineTransform(self.loc, -self.scale)
        super().__init__(base, [ExpTransform().inv, turned], validate_args)

    def _standard(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standard(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        return (-(-self._standard(value)).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER_GAMMA

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev**2

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER_GAMMA)
