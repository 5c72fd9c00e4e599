"""The continuous Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import Chance
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import rand, where

__all__ = ["ContinuousBernoulli"]

_NEAR = 0.25  # up to which power series serve, that have no 0 / 0
# log(sinh(h) / h), its first and its second derivative, in h^2.
_LOG_SINHC = (1 / 6, -1 / 180, 1 / 2835, -1 / 37800, 1 / 467775)
_SLOPE = (1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555, -1382 / 638512875)
_CURVE = (1 / 3, -1 / 15, 2 / 189, -1 / 675, 2 / 10395, -15202 / 638512875)


def _series(square: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    found = square * 0 + coefficients[-1]
    for c in coefficients[-2::-1]:
        found = found * square + c
    return found


class ContinuousBernoulli(Chance, ExponentialFamily):
    """Density in proportion to ``probs^x (1 - probs)^(1 - x)`` on [0, 1].

    In the logits ``l`` it is ``exp(l (x - 1/2)) (l / 2) / sinh(l / 2)``.

    Args:
        probs: in [0, 1]; not the mean.
        logits: ``log(probs / (1 - probs))``; exactly one of the two is given.
        lims: accepted; values near ``probs`` of 1/2 are exact without.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> ContinuousBernoulli(0.5).mean
    tensor(0.5000)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        (given,) = self._take(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)

    def _halves(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where half of the logit is near 0; it there, and its size elsewhere."""
        half = 0.5 * logits
        near = half.abs() < _NEAR
        return near, where(near, half, 0.0), where(near, 1.0, half.abs())

    def _log_sinhc(self, logits: Tensor) -> Tensor:
        near, small, large = self._halves(logits)
        square = small * small
        far = large + (-(-2 * large).expm1() / (2 * large)).log()
        return where(near, square * _series(square, _LOG_SINHC), far)

    @property
    def _tilt(self) -> Tensor:
        """The mean, from the middle."""
        near, small, large = self._halves(self.logits)
        far = 1 / large.tanh() - 1 / large
        slope = small * _series(small * small, _SLOPE)
        return 0.5 * where(near, slope, far * self.logits.sign())

    @property
    def mean(self) -> Tensor:
        return 0.5 + self._tilt

    @property
    def variance(self) -> Tensor:
        near, small, large = self._halves(self.logits)
        # 1 / sinh^2 without an overflow.
        inverse = 2 * (-large).exp() / -(-2 * large).expm1()
        far = 1 / large**2 - inverse**2
        return 0.25 * where(near, _series(small * small, _CURVE), far)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        logits = self.logits
        return self.icdf(rand(shape, dtype=logits.dtype, device=logits.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self.logits * (value - 0.5) - self._log_sinhc(self.logits)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        size = self.logits.abs()
        flat = size == 0
        size = where(flat, 1.0, size)
        falling = (-size * value).expm1() / (-size).expm1()
        rising = (size * (value - 1)).exp() * falling
        found = where(self.logits > 0, rising, falling)
        return where(flat, value, found).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        logits = self.logits
        flat = logits.abs() < finfo(logits.dtype).eps ** (1 / 3)
        size = where(flat, 1.0, logits.abs())
        # Falling densities from the lower end, rising ones from the upper.
        share = where(logits > 0, 1 - value, value)
        drawn = -(share * (-size).expm1()).log1p() / size
        drawn = where(logits > 0, 1 - drawn, drawn)
        return where(flat, value + 0.5 * logits * value * (1 - value), drawn)

    def entropy(self) -> Tensor:
        return self._log_sinhc(self.logits) - self.logits * self._tilt

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return 0.5 * natural_params[0] + self._log_sinhc(natural_params[0])
