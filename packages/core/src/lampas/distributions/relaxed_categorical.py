"""Continuous relaxations of the categorical distribution."""

from __future__ import annotations

import math
from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions._chances import OverChances
from lampas.distributions.categorical import Categorical
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import ExpTransform
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import empty, log_softmax

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(OverChances):
    """The logarithm of a :class:`RelaxedOneHotCategorical` draw.

    It is ``log_softmax((logits + G) / temperature)``, G a Gumbel draw per entry.

    Args:
        temperature: how far draws may lie from a one-hot vector, positive.
        probs, logits: as for :class:`Categorical`; exactly one is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given, or a scalar.

    >>> import lampas
    >>> ExpRelaxedCategorical(1.0, lampas.ones(3)).rsample().logsumexp(-1).abs() < 1e-6
    tensor(True)
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    # Of these only the vectors whose exp sums to 1 are drawn.
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        (self.temperature,) = broadcast_all(temperature)
        self._over = Categorical(probs, logits, validate_args)
        super().__init__(
            self._over.batch_shape,
            self._over.param_shape[-1:],
            validate_args,
        )

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made.temperature = self.temperature
        return made

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        waits = empty(shape, dtype=self.logits.dtype, device=self.logits.device)
        gumbel = -waits.exponential_().log()
        return log_softmax((self.logits + gumbel) / self.temperature, -1)

    def log_prob(self, value: Tensor) -> Tensor:
        n = self._event_shape[0]
        if self._validate_args:
            self._validate_sample(value)
        scores = log_softmax(self.logits - value * self.temperature, -1).sum(-1)
        return scores + (n - 1) * self.temperature.log() + math.lgamma(n)


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex, near its corners, whose draws have gradients.

    As ``temperature`` goes to 0 they become draws of a :class:`OneHotCategorical`.

    Args:
        temperature: how far draws may lie from a one-hot vector, positive.
        probs, logits: as for :class:`Categorical`; exactly one is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given, or a scalar.

    >>> import lampas
    >>> RelaxedOneHotCategorical(0.5, lampas.ones(3)).rsample((2,)).shape
    lampas.Size([2, 3])
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    support = constraints.simplex
    has_rsample = True
    base_dist: ExpRelaxedCategorical

    def __init__(
        self,
        temperature: Any,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        """How far draws may lie from a one-hot vector."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Tensor:
        """Chances along the last dimension."""
        return self.base_dist.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of the chances."""
        return self.base_dist.logits
