"""The gamma distribution and chi-squared, a case of it."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.ops.gamma_samples import standard_gamma
from lampas.ops.like import full_like
from lampas.ops.with_out import igamma, xlogy

__all__ = ["Chi2", "Gamma"]


class Gamma(ExponentialFamily):
    """Density ``rate^c x^(c - 1) exp(-rate x) / Gamma(c)`` for ``x >= 0``.

    Args:
        concentration: the exponent ``c``, positive.
        rate: one over the scale, positive.
        validate_args: whether arguments are checked.

    >>> Gamma(2.0, 4.0).mean
    tensor(0.5000)
    """

    arg_constraints = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    concentration: Tensor
    rate: Tensor

    def __init__(
        self, concentration: Any, rate: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        drawn = standard_gamma(self.concentration.expand(shape)) / self.rate
        tiny = finfo(drawn.dtype).tiny
        # What underflowed is raised without a word to the gradient.
        return drawn + (drawn.clamp(min=tiny) - drawn).detach()

    def log_prob(self, value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            value = full_like(self.rate, value)
        if self._validate_args:
            self._validate_sample(value)
        return (
            xlogy(self.concentration, self.rate)
            + xlogy(self.concentration - 1, value)
            - self.rate * value
            - self.concentration.lgamma()
        )

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        c = self.concentration
        return c - self.rate.log() + c.lgamma() + (1 - c) * c.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return (x + 1).lgamma() - (x + 1) * (-y).log()


class Chi2(Gamma):
    """The sum of ``df`` squared standard normal draws: Gamma(df / 2, 1 / 2).

    Args:
        df: degrees of freedom, positive.
        validate_args: whether arguments are checked.

    >>> Chi2(3.0).variance
    tensor(6.)
    """

    arg_constraints = {"df": constraints.positive}
    df: Tensor

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (self.df,) = broadcast_all(df)
        super(Gamma, self).__init__(self.df.shape, validate_args=validate_args)

    @property
    def concentration(self) -> Tensor:  # type: ignore[override]
        """Half of ``df``."""
        return 0.5 * self.df

    @property
    def rate(self) -> Tensor:  # type: ignore[override]
        """One half."""
        return full_like(self.df, 0.5)
