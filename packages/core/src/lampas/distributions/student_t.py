"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.distributions.gamma import Chi2
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import randn, where

__all__ = ["StudentT"]


class StudentT(Distribution):
    """``loc + scale n / sqrt(c / df)``, with normal ``n`` and ``c`` from Chi2(df).

    Args:
        df: degrees of freedom, positive.
        loc: the middle.
        scale: the width, positive.
        validate_args: whether arguments are checked.

    >>> StudentT(4.0).variance
    tensor(2.)
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True
    df: Tensor
    loc: Tensor
    scale: Tensor

    def __init__(
        self,
        df: Any,
        loc: Any = 0.0,
        scale: Any = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        found = self.scale**2 * self.df / (self.df - 2)
        found = where(self.df > 2, found, math.inf)
        return where(self.df > 1, found, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = randn(shape, dtype=self.df.dtype, device=self.df.device)
        spread = Chi2(self.df, validate_args=False).rsample(sample_shape) / self.df
        return self.loc + self.scale * normal * spread.rsqrt()

    def _log_beta(self) -> Tensor:
        """``log B(df / 2, 1 / 2)``."""
        half = 0.5 * self.df
        return half.lgamma() + math.lgamma(0.5) - (half + 0.5).lgamma()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        square = ((value - self.loc) / self.scale) ** 2 / self.df
        width = self.scale.log() + 0.5 * self.df.log() + self._log_beta()
        return -0.5 * (self.df + 1) * square.log1p() - width

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        rise = (half + 0.5).digamma() - half.digamma()
        width = self.scale.log() + 0.5 * self.df.log() + self._log_beta()
        return (half + 0.5) * rise + width
