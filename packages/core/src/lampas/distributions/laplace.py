"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.distributions.exponential import waits
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import minimum

__all__ = ["Laplace"]


class Laplace(Distribution):
    """Density ``exp(-|x - loc| / scale) / (2 scale)``.

    Args:
        loc: the mean.
        scale: the mean distance from it, positive.
        validate_args: whether arguments are checked.

    >>> Laplace(0.0, 1.0).variance
    tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    loc: Tensor
    scale: Tensor

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        # The difference of two waiting times.
        drawn = waits(self.loc, shape) - waits(self.loc, shape)
        return self.loc + self.scale * drawn

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        standard = (value - self.loc) / self.scale
        tail = 0.5 * (-standard.abs()).exp()
        return tail.where(standard < 0, 1 - tail)

    def icdf(self, value: Tensor) -> Tensor:
        # The nearer end's distance is exact, however small.
        tail = 2 * minimum(value, 1 - value)
        return self.loc - self.scale * (value - 0.5).sign() * tail.log()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
