"""The geometric distribution."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import Chance, times_log_of_rest
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.activation import logsigmoid, softplus
from lampas.ops.like import zeros_like
from lampas.ops.with_out import empty

__all__ = ["Geometric"]


class Geometric(Chance):
    """How many trials fail before the first success: ``(1 - probs)^k probs``.

    Args:
        probs: chances of a success, in (0, 1].
        logits: ``log(probs / (1 - probs))``; exactly one of the two is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given, or a chance
            is 0.

    >>> Geometric(0.25).mean
    tensor(3.)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (given,) = self._take(probs, logits)
        super().__init__(given.shape, validate_args=validate_args)
        if self._validate_args and logits is None and not (given > 0).all().item():
            raise ArgumentError(
                f"Expected parameter probs ({type(given).__name__} of shape "
                f"{tuple(given.shape)}) of distribution {self!r} to be positive but "
                f"found invalid values:\n{given[given <= 0]}"
            )

    @property
    def mean(self) -> Tensor:
        return (1 - self.probs) / self.probs if self._by_probs else (-self.logits).exp()

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return self.mean / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            waits = empty(shape, dtype=self.probs.dtype, device=self.probs.device)
            # Exponential waiting times, counted in whole trials.
            return (waits.exponential_() / -(-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        if self._by_probs:
            return times_log_of_rest(value, self.probs) + self.probs.log()
        return value * logsigmoid(-self.logits) + logsigmoid(self.logits)

    def entropy(self) -> Tensor:
        if self._by_probs:
            rest = times_log_of_rest(1 - self.probs, self.probs)
            return -(rest / self.probs) - self.probs.log()
        return softplus(-self.logits) + self.mean * softplus(self.logits)
