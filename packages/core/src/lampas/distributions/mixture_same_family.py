"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions.categorical import Categorical
from lampas.distributions.distribution import Distribution
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError

__all__ = ["MixtureSameFamily"]


def _require_fit(mixture: Any, component: Any) -> None:
    if not isinstance(mixture, Categorical):
        raise ArgumentError(
            f"mixture_distribution must be a Categorical, got {type(mixture).__name__}"
        )
    if not isinstance(component, Distribution):
        raise ArgumentError(
            "component_distribution must be a Distribution, got "
            f"{type(component).__name__}"
        )
    batch, parts = mixture.batch_shape, component.batch_shape
    if not parts or parts[-1] != mixture.param_shape[-1]:
        raise ArgumentError(
            f"component_distribution's batch_shape {parts} must end with the number "
            f"of components of mixture_distribution, {mixture.param_shape[-1]}"
        )
    pairs = zip(reversed(batch), reversed(parts[:-1]), strict=False)
    if any(i != j and 1 not in (i, j) for i, j in pairs):
        raise ArgumentError(
            f"mixture_distribution's batch_shape {batch} does not fit "
            f"component_distribution's {parts} without its last dimension"
        )


class MixtureSameFamily(Distribution):
    """A draw from one of the components, which a Categorical chooses.

    Args:
        mixture_distribution: chooses; its batch shape fits the components'.
        component_distribution: the components, along the last batch dimension.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: the two do not fit together.

    >>> import lampas
    >>> from lampas.distributions import Normal
    >>> parts = Normal(lampas.tensor([-1.0, 3.0]), lampas.ones(2))
    >>> MixtureSameFamily(Categorical(lampas.ones(2)), parts).mean
    tensor(1.)
    """

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        _require_fit(mixture_distribution, component_distribution)
        self._mixture = mixture_distribution
        self._component = component_distribution
        super().__init__(
            component_distribution.batch_shape[:-1],
            component_distribution.event_shape,
            validate_args=validate_args,
        )

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        count = self._component.batch_shape[-1]
        made._component = self._component.expand((*made._batch_shape, count))
        made._mixture = self._mixture.expand(batch_shape)
        return made

    @property
    def mixture_distribution(self) -> Categorical:
        """What chooses."""
        return self._mixture

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        base: Any = self._component.support
        return constraints.MixtureSameFamilyConstraint(base)

    @property
    def _place(self) -> int:
        """The dimension of the components."""
        return -1 - len(self._event_shape)

    def _weighted(self, values: Tensor) -> Tensor:
        probs = self._mixture.probs
        probs = probs.reshape((*probs.shape, *(1 for _ in self._event_shape)))
        return (probs * values).sum(self._place)

    @property
    def mean(self) -> Tensor:
        return self._weighted(self._component.mean)

    @property
    def variance(self) -> Tensor:
        apart = self._component.mean - self.mean.unsqueeze(self._place)
        return self._weighted(self._component.variance + apart**2)

    def cdf(self, value: Tensor) -> Tensor:
        shares = self._component.cdf(value.unsqueeze(self._place))
        return (shares * self._mixture.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        densities = self._component.log_prob(value.unsqueeze(self._place))
        return (densities + self._mixture.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape)
        with no_grad():
            drawn = self._component.sample(shape)
            chosen = self._mixture.expand(self._batch_shape).sample(shape)
            index = chosen.reshape((*chosen.shape, 1, *(1 for _ in self._event_shape)))
            index = index.expand((*chosen.shape, 1, *self._event_shape))
            return drawn.gather(drawn.ndim + self._place, index).squeeze(self._place)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self._mixture!r}, {self._component!r})"
