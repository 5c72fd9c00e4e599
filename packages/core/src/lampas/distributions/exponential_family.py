"""Distributions of the exponential family."""

from __future__ import annotations

from typing import Any

from lampas.distributions.distribution import Distribution
from lampas.engine.backward import grad
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Densities ``exp(<t(x), theta> - F(theta) + k(x))``.

    A subclass gives the natural parameters theta as ``_natural_params``, F as
    ``_log_normalizer`` and the expectation of k as ``_mean_carrier_measure``; entropy
    and divergence follow from the gradient of F.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise self._missing("_natural_params")

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise self._missing("_log_normalizer")

    @property
    def _mean_carrier_measure(self) -> Any:
        raise self._missing("_mean_carrier_measure")

    def _expected_statistics(self) -> tuple[tuple[Tensor, ...], tuple[Any, ...]]:
        """The natural parameters, and the gradient of F there: the means of t(x)."""
        with enable_grad():
            natural = tuple(p.detach().requires_grad_() for p in self._natural_params)
            normalizer = self._log_normalizer(*natural)
            slopes = grad(normalizer.sum(), natural, create_graph=True)
        return natural, slopes

    def entropy(self) -> Tensor:
        found = -self._mean_carrier_measure
        natural, slopes = self._expected_statistics()
        found = found + self._log_normalizer(*natural)
        for theta, slope in zip(natural, slopes, strict=True):
            found = found - (theta * slope).reshape((*self._batch_shape, -1)).sum(-1)
        return found
