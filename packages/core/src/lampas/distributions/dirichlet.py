"""The Dirichlet distribution and beta, its case of two shares."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import broadcast_all
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.embed import one_hot
from lampas.ops.gamma_samples import sample_dirichlet
from lampas.ops.normal import xlog1py
from lampas.ops.with_out import stack, where, xlogy

__all__ = ["Beta", "Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Shares that sum to 1: density in proportion to ``prod x_i^(c_i - 1)``.

    Args:
        concentration: (..., n), positive.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: the concentration is a scalar.

    >>> import lampas
    >>> Dirichlet(lampas.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {
        "concentration": constraints.independent(constraints.positive, 1)
    }
    support = constraints.simplex
    has_rsample = True
    concentration: Tensor

    def __init__(
        self, concentration: Tensor, validate_args: bool | None = None
    ) -> None:
        if concentration.dim() < 1:
            raise ArgumentError(
                "`concentration` parameter must be at least one-dimensional."
            )
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0)
        found = above / above.sum(-1, keepdim=True)
        # Without an inner maximum, a corner.
        corner = one_hot(found.argmax(-1), found.shape[-1]).to(found)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        return where(flat, corner, found)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        share = self.concentration / total
        return share * ((total - self.concentration) / total) / (total + 1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return sample_dirichlet(self.concentration.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        powers = xlogy(self.concentration - 1, value).sum(-1)
        return powers - self._log_normalizer(self.concentration)

    def entropy(self) -> Tensor:
        c = self.concentration
        total = c.sum(-1)
        spread = (total - c.shape[-1]) * total.digamma()
        return self._log_normalizer(c) + spread - ((c - 1) * c.digamma()).sum(-1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (c,) = natural_params
        return c.lgamma().sum(-1) - c.sum(-1).lgamma()


class Beta(ExponentialFamily):
    """Density in proportion to ``x^(c1 - 1) (1 - x)^(c0 - 1)`` on [0, 1].

    Args:
        concentration1, concentration0: ``c1`` and ``c0``, positive.
        validate_args: whether arguments are checked.

    >>> Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True
    concentration1: Tensor
    concentration0: Tensor

    def __init__(
        self,
        concentration1: Any,
        concentration0: Any,
        validate_args: bool | None = None,
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(
            concentration1, concentration0
        )
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    @property
    def _dirichlet(self) -> Dirichlet:
        both = stack([self.concentration1, self.concentration0], -1)
        return Dirichlet(both, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        return self._dirichlet.variance[..., 0]

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        powers = xlogy(self.concentration1 - 1, value)
        powers = powers + xlog1py(self.concentration0 - 1, -value)
        return powers - self._log_normalizer(*self._natural_params)

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return x.lgamma() + y.lgamma() - (x + y).lgamma()
