"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import Chance, times_log
from lampas.distributions.gamma import Gamma
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.ops.activation import logsigmoid
from lampas.ops.count_samples import poisson

__all__ = ["NegativeBinomial"]


class NegativeBinomial(Chance):
    """How many trials succeed before ``total_count`` have failed.

    Args:
        total_count: numbers of failures, not negative, not necessarily whole.
        probs: chances of a success, in [0, 1).
        logits: ``log(probs / (1 - probs))``; exactly one of the two is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> import lampas
    >>> NegativeBinomial(3.0, lampas.tensor(0.5)).mean
    tensor(3.)
    """

    arg_constraints = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    total_count: Tensor

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.total_count, _ = self._take(probs, logits, total_count)
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self._odds()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self._odds()).floor().clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 + self._odds())

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            # No failures to wait for give a rate of 0.
            count = self.total_count.expand(self._extended_shape(sample_shape))
            waits = Gamma(count, 1.0, validate_args=False).sample()
            return poisson((waits * self._odds()).masked_fill(count == 0, 0.0))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        count = self.total_count
        total = count + value
        ways = total.lgamma() - (1 + value).lgamma() - count.lgamma()
        # Of no trials there is one way.
        ways = ways.masked_fill(total == 0, 0.0)
        if self._by_probs:
            lost = count * (-self.probs).log1p()
            return ways + lost + times_log(value, self.probs)
        return ways + count * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
