"""The multinomial distribution."""

from __future__ import annotations

from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions._chances import OverChances, times_log
from lampas.distributions.binomial import Binomial
from lampas.distributions.categorical import Categorical
from lampas.distributions.distribution import MissingMethodError
from lampas.dtypes import float64
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.ops.arrange import flip
from lampas.ops.count_samples import binomial
from lampas.ops.like import full_like
from lampas.ops.with_out import stack, where

__all__ = ["Multinomial"]


class Multinomial(OverChances):
    """How often each number comes up in ``total_count`` draws of a Categorical.

    Args:
        total_count: the number of draws.
        probs, logits: as for :class:`Categorical`; exactly one is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: as for :class:`Categorical`.
        NotImplementedError: ``total_count`` is no int.

    >>> import lampas
    >>> Multinomial(4, lampas.tensor([1.0, 3.0])).mean
    tensor([1., 3.])
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise MissingMethodError(
                f"Multinomial: total_count must be one int, got {total_count!r}"
            )
        self.total_count = total_count
        self._by_probs = probs is not None
        self._over = Categorical(probs, logits, validate_args)
        super().__init__(
            self._over.batch_shape,
            self._over.param_shape[-1:],
            validate_args,
        )

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made.total_count, made._by_probs = self.total_count, self._by_probs
        return made

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            probs = self.probs.expand(self._extended_shape(sample_shape)).to(float64)
            # Each count is binomial among the draws that are left.
            tails = flip(flip(probs, -1).cumsum(-1), -1)
            shares = where(tails > 0, probs / tails, 0.0).clamp(0, 1).unbind(-1)
            left = full_like(shares[0], self.total_count)
            counts = []
            for share in shares[:-1]:
                counts.append(binomial(left, share))
                left = left - counts[-1]
            return stack([*counts, left], -1).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        if self._by_probs:
            return ways + times_log(value, self.probs).sum(-1)
        some = value != 0
        return ways + where(some, value * self.logits, 0.0).sum(-1)

    def entropy(self) -> Tensor:
        # Each count alone is binomial.
        each = Binomial(self.total_count, self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)
        factorials = (counts + 1).lgamma()
        expected = (each.log_prob(counts).exp() * factorials).sum((0, -1))
        ways = factorials.reshape(-1)[-1]
        return self.total_count * self._over.entropy() - ways + expected
