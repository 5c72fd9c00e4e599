"""The half-normal distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions._folded import Folded
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.normal import Normal
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import erf, erfinv

__all__ = ["HalfNormal"]


class HalfNormal(Folded):
    """The size of a normal draw of mean 0.

    Args:
        scale: the standard deviation of that draw, positive.
        validate_args: whether arguments are checked.

    >>> HalfNormal(1.0).mean
    tensor(0.7979)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        base = Normal(0.0, self.scale, validate_args=False)
        super().__init__(base, validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale**2 * (1 - 2 / math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return erf(value / (self.scale * math.sqrt(2)))

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * math.sqrt(2) * erfinv(value)
