"""The categorical distribution over one-hot vectors."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import OverChances
from lampas.distributions.categorical import Categorical
from lampas.engine.tensor import Tensor
from lampas.ops.embed import one_hot
from lampas.ops.with_out import eye

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(OverChances):
    """A vector of zeros with a one at the place a :class:`Categorical` draws.

    Args:
        probs, logits, validate_args: as for :class:`Categorical`.

    Raises:
        ValueError: as for :class:`Categorical`.

    >>> import lampas
    >>> OneHotCategorical(lampas.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._over = Categorical(probs, logits, validate_args)
        super().__init__(
            self._over.batch_shape,
            self._over.param_shape[-1:],
            validate_args,
        )

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return one_hot(self._over.mode, self._event_shape[0]).to(self.probs)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._over.sample(sample_shape)
        return one_hot(drawn, self._event_shape[0]).to(self.probs).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._over.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._over.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._event_shape[0]
        values = eye(n, dtype=self.probs.dtype, device=self.probs.device)
        values = values.reshape((n, *(1 for _ in self._batch_shape), n))
        return values.expand((n, *self._batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """:class:`OneHotCategorical` whose draws pass gradients straight to ``probs``.

    Args:
        probs, logits, validate_args: as for :class:`Categorical`.

    >>> import lampas
    >>> OneHotCategoricalStraightThrough(lampas.ones(3)).rsample().sum()
    tensor(1.)
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
