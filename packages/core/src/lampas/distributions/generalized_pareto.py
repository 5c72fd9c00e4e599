"""The generalized Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.engine.tensor import Tensor
from lampas.ops.normal import xlog1py
from lampas.ops.with_out import empty, where

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Of draws above a threshold: ``1 - cdf = (1 + c z)^(-1/c)``.

    Here ``z = (x - loc) / scale`` is 0 or more, and at most ``-1/c`` where the
    concentration ``c`` is negative; at ``c = 0`` it is ``exp(-z)``.

    Args:
        loc: the smallest value.
        scale: the width, positive.
        concentration: how heavy the tail is.
        validate_args: whether arguments are checked.

    >>> GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True
    loc: Tensor
    scale: Tensor
    concentration: Tensor

    def __init__(
        self,
        loc: Any,
        scale: Any,
        concentration: Any,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(
            loc, scale, concentration
        )
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.interval(self.loc, self._end())

    def _end(self) -> Tensor:
        """The largest value."""
        bounded = self.concentration < 0
        shape = where(bounded, self.concentration, -1.0)
        return where(bounded, self.loc - self.scale / shape, math.inf)

    def _shape(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and a concentration that is 0 nowhere."""
        zero = self.concentration == 0
        return zero, where(zero, 1.0, self.concentration)

    def _standard(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        waits = empty(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self._after(waits.exponential_())

    def _after(self, wait: Tensor) -> Tensor:
        """The value above which the share ``exp(-wait)`` of all draws lies."""
        zero, c = self._shape()
        z = where(zero, wait, (c * wait).expm1() / c)
        return self.loc + self.scale * z

    def log_prob(self, value: Tensor) -> Tensor:
        zero, c = self._shape()
        z = self._standard(value)
        found = where(zero, -z, -xlog1py(1 + 1 / c, c * z)) - self.scale.log()
        return where((z >= 0) & (value <= self._end()), found, -math.inf)

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of a draw above ``value``."""
        zero, c = self._shape()
        z = self._standard(value)
        return where(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of a draw of at most ``value``."""
        return self.cdf(value).log()

    def cdf(self, value: Tensor) -> Tensor:
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        return self._after(-(-value).log1p())

    @property
    def mean(self) -> Tensor:
        c = self.concentration
        return where(c < 1, self.loc + self.scale / (1 - c), math.nan)

    @property
    def mode(self) -> Tensor:
        return where(self.concentration < -1, self._end(), self.loc)

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        found = (self.scale / (1 - c)) ** 2 / (1 - 2 * c)
        return where(c < 0.5, found, math.nan)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
