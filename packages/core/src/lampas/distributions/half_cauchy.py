"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions._folded import Folded
from lampas.distributions.cauchy import Cauchy
from lampas.distributions.distribution import broadcast_all
from lampas.engine.tensor import Tensor
from lampas.ops.like import full_like
from lampas.ops.with_out import atan, tan

__all__ = ["HalfCauchy"]


class HalfCauchy(Folded):
    """The size of a Cauchy draw around 0.

    Args:
        scale: the median, positive.
        validate_args: whether arguments are checked.

    >>> import lampas
    >>> HalfCauchy(1.0).cdf(lampas.tensor(1.0))
    tensor(0.5000)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        base = Cauchy(0.0, self.scale, validate_args=False)
        super().__init__(base, validate_args)

    @property
    def mean(self) -> Tensor:
        return full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return full_like(self.scale, math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return atan(value / self.scale) * (2 / math.pi)

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * tan(value * (math.pi / 2))
