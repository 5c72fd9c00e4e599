"""The exponential distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import empty

__all__ = ["Exponential", "waits"]


def waits(like: Tensor, shape: Any) -> Tensor:
    """Draws from the exponential distribution of rate 1."""
    return empty(shape, dtype=like.dtype, device=like.device).exponential_()


class Exponential(ExponentialFamily):
    """Density ``rate exp(-rate x)`` for ``x >= 0``.

    Args:
        rate: one over the mean, positive.
        validate_args: whether arguments are checked.

    >>> Exponential(2.0).mean
    tensor(0.5000)
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    rate: Tensor

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate.reciprocal()

    @property
    def mode(self) -> Tensor:
        return self.rate * 0

    @property
    def stddev(self) -> Tensor:
        return self.rate.reciprocal()

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return waits(self.rate, self._extended_shape(sample_shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -(-self.rate * value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        return -(-value).log1p() / self.rate

    def entropy(self) -> Tensor:
        return 1.0 - self.rate.log()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (-self.rate,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return -(-natural_params[0]).log()
