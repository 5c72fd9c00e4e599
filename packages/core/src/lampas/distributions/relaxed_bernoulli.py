"""Continuous relaxations of the Bernoulli distribution."""

from __future__ import annotations

from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions._chances import OverChances
from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.distributions.transforms import SigmoidTransform
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.ops.activation import logsigmoid
from lampas.ops.with_out import rand

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(OverChances):
    """The logit of a :class:`RelaxedBernoulli` draw: ``(logits + L) / temperature``.

    L is a draw from the standard logistic distribution.

    Args:
        temperature: how far draws may lie from 0 and 1, positive.
        probs, logits: as for :class:`Bernoulli`; exactly one is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> import lampas
    >>> LogitRelaxedBernoulli(1.0, 0.5).log_prob(lampas.tensor(0.0)).exp()
    tensor(0.2500)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        (self.temperature,) = broadcast_all(temperature)
        self._over = Bernoulli(probs, logits, validate_args)
        super().__init__(self._over.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made.temperature = self.temperature
        return made

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        logits = self.logits
        limits = finfo(logits.dtype)
        drawn = rand(shape, dtype=logits.dtype, device=logits.device)
        drawn = drawn.clamp(limits.tiny, 1 - limits.eps)
        logistic = drawn.log() - (-drawn).log1p()
        return (logistic + logits) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        standard = self.logits - value * self.temperature
        return self.temperature.log() + logsigmoid(standard) + logsigmoid(-standard)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1), near 0 and 1, whose draws have gradients.

    As ``temperature`` goes to 0 they become draws of a :class:`Bernoulli`.

    Args:
        temperature: how far draws may lie from 0 and 1, positive.
        probs, logits: as for :class:`Bernoulli`; exactly one is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given.

    >>> import lampas
    >>> RelaxedBernoulli(1.0, 0.5).log_prob(lampas.tensor(0.25))
    tensor(0.)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)

    @property
    def temperature(self) -> Tensor:
        """How far draws may lie from 0 and 1."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Tensor:
        """Chances of a 1."""
        return self.base_dist.probs

    @property
    def logits(self) -> Tensor:
        """Logarithms of the odds of a 1."""
        return self.base_dist.logits
