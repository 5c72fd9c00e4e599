"""The Fisher-Snedecor or F distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.distributions.gamma import Gamma
from lampas.engine.tensor import Tensor
from lampas.ops.normal import xlog1py
from lampas.ops.with_out import where, xlogy

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared draws, each over its degrees of freedom.

    Args:
        df1, df2: degrees of freedom of the two, positive.
        validate_args: whether arguments are checked.

    >>> FisherSnedecor(2.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    df1: Tensor
    df2: Tensor

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Tensor:
        found = (self.df1 - 2) / self.df1 * (self.df2 / (self.df2 + 2))
        return where(self.df1 > 2, found, math.nan)

    @property
    def variance(self) -> Tensor:
        d1, d2 = self.df1, self.df2
        found = 2 * (d2 / (d2 - 2)) ** 2 * ((d1 + d2 - 2) / (d1 * (d2 - 4)))
        return where(d2 > 4, found, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        # Gamma draws stay above 0.
        first = Gamma(self.df1 * 0.5, self.df1, validate_args=False)
        second = Gamma(self.df2 * 0.5, self.df2, validate_args=False)
        return first.rsample(sample_shape) / second.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        half1, half2 = self.df1 * 0.5, self.df2 * 0.5
        ratio = self.df1 / self.df2
        height = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
        rise = half1 * ratio.log() + xlogy(half1 - 1, value)
        return height + rise - xlog1py(half1 + half2, ratio * value)
