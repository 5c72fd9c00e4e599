"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions import constraints
from lampas.distributions._covariance import (
    Factored,
    given_matrix,
    half_log_det,
    mahalanobis,
)
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.views import broadcast_shapes
from lampas.ops.with_out import randn

__all__ = ["MultivariateNormal"]

_LOG_2PI = math.log(2 * math.pi)


class MultivariateNormal(Factored):
    """Normal vectors: ``loc + L z``, with independent standard normal ``z``.

    Args:
        loc: (..., n), the mean.
        covariance_matrix: (..., n, n), ``L L^T``.
        precision_matrix: (..., n, n), its inverse.
        scale_tril: (..., n, n), ``L``, lower triangular with a positive diagonal;
            exactly one of the three is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: none or several matrices were given, or too few dimensions.

    >>> import lampas
    >>> d = MultivariateNormal(lampas.zeros(2), lampas.eye(2))
    >>> d.log_prob(lampas.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ArgumentError("loc must be at least one-dimensional.")
        name, matrix = given_matrix(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        vars(self)[name] = matrix.expand((*batch, -1, -1))
        self.loc = loc.expand((*batch, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (self._tril**2).sum(-1).expand(self.loc.shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        drawn = randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + (self._tril @ drawn.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        square = mahalanobis(self._tril, value - self.loc)
        constant = self._event_shape[0] * _LOG_2PI
        return -0.5 * (constant + square) - half_log_det(self._tril)

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1 + _LOG_2PI)
        return (constant + half_log_det(self._tril)).expand(self._batch_shape)
