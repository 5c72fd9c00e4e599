"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import Chance
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.ops.activation import softplus
from lampas.ops.with_out import arange, bernoulli

__all__ = ["Bernoulli"]


class Bernoulli(Chance, ExponentialFamily):
    """1 with the chance ``probs``, otherwise 0.

    Args:
        probs: chances of a 1, in [0, 1].
        logits: ``log(probs / (1 - probs))``; exactly one of the two is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> Bernoulli(0.25).variance
    tensor(0.1875)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (given,) = self._take(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        likely = (self.probs >= 0.5).to(self.probs.dtype)
        return likely.masked_fill(self.probs == 0.5, float("nan"))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return value * self.logits - softplus(self.logits)

    def entropy(self) -> Tensor:
        return softplus(self.logits) - self.probs * self.logits

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self.probs.dtype, device=self.probs.device)
        return self._enumerated(values, expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return softplus(natural_params[0])
