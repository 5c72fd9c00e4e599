"""The Kumaraswamy distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential import Exponential
from lampas.distributions.gumbel import EULER_GAMMA
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import PowerTransform
from lampas.distributions.transforms.base import Parameterless
from lampas.engine.tensor import Tensor
from lampas.ops.normal import xlog1py
from lampas.ops.with_out import digamma, lgamma, where, xlogy

__all__ = ["Kumaraswamy"]


class _ShareOfWaits(Parameterless):
    """``y = 1 - exp(-x)``."""

    domain = constraints.nonnegative
    codomain = constraints.unit_interval
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return -(-x).expm1()

    def _inverse(self, y: Tensor) -> Tensor:
        return -(-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -x


class Kumaraswamy(TransformedDistribution):
    """Density ``a b x^(a - 1) (1 - x^a)^(b - 1)`` on [0, 1].

    Args:
        concentration1: the exponent a, positive.
        concentration0: the exponent b, positive.
        validate_args: whether arguments are checked.

    >>> import lampas
    >>> Kumaraswamy(2.0, 1.0).cdf(lampas.tensor(0.5))
    tensor(0.2500)
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True
    concentration1: Tensor
    concentration0: Tensor

    def __init__(
        self,
        concentration1: Any,
        concentration0: Any,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(
            concentration1, concentration0
        )
        base = Exponential(self.concentration0, validate_args=False)
        power = PowerTransform(self.concentration1.reciprocal())
        super().__init__(base, [_ShareOfWaits(), power], validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        return (a * b).log() + xlogy(a - 1, value) + xlog1py(b - 1, -(value**a))

    def _moment(self, n: int) -> Tensor:
        """The mean of ``x^n``."""
        a, b = self.concentration1, self.concentration0
        return (lgamma(1 + n / a) + lgamma(1 + b) - lgamma(1 + n / a + b)).exp()

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        single = (a >= 1) & (b >= 1) & (a * b > 1)
        inner = ((a - 1) / (a * b - 1)) ** a.reciprocal()
        return where(single, inner, math.nan)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1) ** 2

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = digamma(b + 1) + EULER_GAMMA
        return (1 - 1 / b) + (1 - 1 / a) * harmonic - (a * b).log()
