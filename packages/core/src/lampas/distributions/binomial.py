"""The binomial distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import Chance
from lampas.distributions.distribution import MissingMethodError
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.ops.count_samples import binomial
from lampas.ops.with_out import arange, minimum

__all__ = ["Binomial"]


class Binomial(Chance):
    """How many of ``total_count`` trials succeed, with the chance ``probs`` each.

    Args:
        total_count: numbers of trials.
        probs: chances of a success, in [0, 1].
        logits: ``log(probs / (1 - probs))``; exactly one of the two is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> import lampas
    >>> Binomial(8, lampas.tensor(0.25)).mean
    tensor(2.)
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    total_count: Tensor

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.total_count, _ = self._take(probs, logits, total_count)
        super().__init__(self.total_count.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rest = self.total_count - value
        ways = (self.total_count + 1).lgamma() - (value + 1).lgamma()
        return ways - (rest + 1).lgamma() + self._log_chance(value, rest)

    def entropy(self) -> Tensor:
        logs = self.log_prob(self.enumerate_support(False))
        # A chance of 0 adds nothing.
        chances = logs.exp()
        return -(chances * logs.masked_fill(chances == 0, 0.0)).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        most = int(self.total_count.max().item())
        if self.total_count.min().item() != most:
            raise MissingMethodError(
                "Binomial: the support cannot be listed where total_count differs"
            )
        count = self.total_count
        values = arange(1 + most, dtype=count.dtype, device=count.device)
        return self._enumerated(values, expand)
