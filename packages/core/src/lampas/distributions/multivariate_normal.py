"""The multivariate normal distribution."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions.distribution import Distribution
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.arrange import flip
from lampas.ops.decompose import cholesky
from lampas.ops.linalg_names import cholesky_inverse
from lampas.ops.solve import solve_triangular
from lampas.ops.views import broadcast_shapes
from lampas.ops.with_out import eye, randn

__all__ = ["MultivariateNormal", "factor_of_precision", "half_log_det", "mahalanobis"]

_LOG_2PI = math.log(2 * math.pi)


def half_log_det(tril: Tensor) -> Tensor:
    """Half of ``log det(L L^T)``."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(tril: Tensor, apart: Tensor) -> Tensor:
    """``x^T (L L^T)^-1 x`` for vectors along the last dimension of ``apart``.

    Dimensions in front of the factor's become columns of one solution.
    """
    lead = apart.ndim - tril.ndim + 1
    columns = apart.reshape((-1, *apart.shape[lead:])).movedim(0, -1)
    solved = solve_triangular(tril, columns, upper=False)
    return (solved**2).sum(-2).movedim(-1, 0).reshape(apart.shape[:-1])


def factor_of_precision(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse, without inverting."""
    # Read backwards, a lower factor is an upper one.
    upper = flip(cholesky(flip(precision, (-2, -1))), (-2, -1)).mT
    unit = eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return solve_triangular(upper, unit, upper=False)


def given_matrix(**matrices: Tensor | None) -> tuple[str, Tensor]:
    """The one matrix that was given, and its name.

    Raises:
        ValueError: none or several were given, or it has less than 2 dimensions.
    """
    given = {name: value for name, value in matrices.items() if value is not None}
    if len(given) != 1:
        raise ArgumentError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
            "specified."
        )
    ((name, value),) = given.items()
    if value.dim() < 2:
        raise ArgumentError(
            f"{name} matrix must be at least two-dimensional, with optional leading "
            "batch dimensions"
        )
    return name, value


def factor_of(name: str, matrix: Tensor) -> Tensor:
    """The Cholesky factor of the covariance."""
    if name == "scale_tril":
        return matrix
    return (
        cholesky(matrix) if name == "covariance_matrix" else factor_of_precision(matrix)
    )


class MultivariateNormal(Distribution):
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
        self._tril = factor_of(name, matrix)

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made._tril = self._tril
        return made

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand((*self._batch_shape, *matrix.shape[-2:]))

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._spread(self._tril)

    @cached_property
    @enable_grad()
    def covariance_matrix(self) -> Tensor:
        """The covariance of the entries."""
        return self._spread(self._tril @ self._tril.mT)

    @cached_property
    @enable_grad()
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._spread(cholesky_inverse(self._tril))

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
