"""The distribution of a transformed draw."""

from __future__ import annotations

from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution
from lampas.distributions.independent import Independent
from lampas.distributions.transforms import ComposeTransform, Transform
from lampas.distributions.transforms.base import sum_rightmost
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.with_out import where

__all__ = ["TransformedDistribution"]


def _as_list(transforms: Any) -> list[Transform]:
    listed = [transforms] if isinstance(transforms, Transform) else transforms
    if not isinstance(listed, list):
        raise ArgumentError(
            f"transforms must be a Transform or a list of them, got {transforms!r}"
        )
    for transform in listed:
        if not isinstance(transform, Transform):
            raise ArgumentError(
                f"transforms must be a Transform or a list of them, got {transform!r} "
                "in the list"
            )
    return list(listed)


class TransformedDistribution(Distribution):
    """What becomes of draws from ``base_distribution`` under ``transforms``.

    The density at ``y = f(x)`` is the base's at ``x`` over ``|det dy/dx|``.

    Args:
        base_distribution: any distribution.
        transforms: one transform, or a list of which the first is applied first.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: ``transforms`` is neither, or they need more dimensions than
            the base distribution has.

    >>> import lampas
    >>> from lampas.distributions import Normal
    >>> from lampas.distributions.transforms import ExpTransform
    >>> log_normal = TransformedDistribution(Normal(0.0, 1.0), ExpTransform())
    >>> log_normal.log_prob(lampas.tensor(1.0))
    tensor(-0.9189)
    """

    base_dist: Distribution
    transforms: list[Transform]

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = _as_list(transforms)
        whole = ComposeTransform(self.transforms)
        events = len(base_distribution.event_shape)
        shape = (*base_distribution.batch_shape, *base_distribution.event_shape)
        if len(shape) < whole.domain.event_dim:
            raise ArgumentError(
                f"base_distribution needs a shape of {whole.domain.event_dim} or more "
                f"dimensions for these transforms, got {shape}"
            )
        after = whole.forward_shape(shape)
        before = tuple(whole.inverse_shape(after))
        if before != shape:
            batch_shape = before[: len(before) - events]
            base_distribution = base_distribution.expand(batch_shape)
        joining = whole.domain.event_dim - events
        if joining > 0:
            base_distribution = Independent(base_distribution, joining)
        self.base_dist = base_distribution
        change = whole.codomain.event_dim - whole.domain.event_dim
        event_dim = max(whole.codomain.event_dim, events + change)
        cut = len(after) - event_dim
        super().__init__(after[:cut], after[cut:], validate_args)

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        shape = (*made._batch_shape, *made._event_shape)
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        cut = len(shape) - len(self.base_dist.event_shape)
        made.base_dist = self.base_dist.expand(shape[:cut])
        made.transforms = self.transforms
        return made

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution's draws have gradients."""
        return self.base_dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        missing = len(self._event_shape) - found.event_dim
        return constraints.independent(found, missing) if missing > 0 else found

    def _forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self._event_shape)
        found: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, y)
            found = found - sum_rightmost(slope, event_dim - transform.domain.event_dim)
            y = x
        density = self.base_dist.log_prob(y)
        joined = event_dim - len(self.base_dist.event_shape)
        return found + sum_rightmost(density, joined)

    def _turned(self, share: Tensor) -> Tensor:
        """The share of draws below for that above, where the transforms decrease."""
        sign = ComposeTransform(self.transforms).sign
        if isinstance(sign, Tensor):
            return where(sign > 0, share, 1 - share)
        return share if sign > 0 else 1 - share

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(self._turned(value)))
