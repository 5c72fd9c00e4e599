"""Batch dimensions read as event dimensions."""

from __future__ import annotations

from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError

__all__ = ["Independent"]


class Independent(Distribution):
    """``base_distribution`` with its last batch dimensions as part of the event.

    Args:
        base_distribution: any distribution.
        reinterpreted_batch_ndims: how many batch dimensions join the event.
        validate_args: accepted; the base distribution checks.

    Raises:
        ValueError: the base distribution has fewer batch dimensions.

    >>> import lampas
    >>> from lampas.distributions import Normal
    >>> Independent(Normal(lampas.zeros(2, 3), 1.0), 1).event_shape
    lampas.Size([3])
    """

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        batch = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(batch):
            raise ArgumentError(
                "Expected reinterpreted_batch_ndims <= "
                "len(base_distribution.batch_shape), "
                f"actual {reinterpreted_batch_ndims} vs {len(batch)}"
            )
        split = len(batch) - reinterpreted_batch_ndims
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        event = (*batch[split:], *base_distribution.event_shape)
        super().__init__(batch[:split], event, validate_args)

    def expand(self, batch_shape: Any) -> Self:
        kept = self.base_dist.batch_shape[len(self._batch_shape) :]
        base = self.base_dist.expand((*Size(batch_shape), *kept))
        return type(self)(base, self.reinterpreted_batch_ndims, self._validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution's draws have gradients."""
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        """Whether all values can be listed: never for events of several entries."""
        return (
            self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support
        )

    @constraints.dependent_property
    def support(self) -> constraints.Constraint:
        base: Any = self.base_dist.support
        if self.reinterpreted_batch_ndims == 0:
            return base
        return constraints.independent(base, self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def _summed(self, values: Tensor) -> Tensor:
        for _ in range(self.reinterpreted_batch_ndims):
            values = values.sum(-1)
        return values

    def log_prob(self, value: Tensor) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims > 0:
            raise self._missing("enumerate_support for events of several entries")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
