"""What distributions that are given a covariance in one of three forms share."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from lampas.distributions.distribution import Distribution
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.arrange import flip
from lampas.ops.decompose import cholesky
from lampas.ops.linalg_names import cholesky_inverse
from lampas.ops.solve import solve_triangular
from lampas.ops.with_out import eye

__all__ = ["Factored", "given_matrix", "half_log_det", "mahalanobis"]


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


def _factor_of_precision(precision: Tensor) -> Tensor:
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


def _factor_of(name: str, matrix: Tensor) -> Tensor:
    """The Cholesky factor of the covariance."""
    if name == "scale_tril":
        return matrix
    return (
        cholesky(matrix)
        if name == "covariance_matrix"
        else _factor_of_precision(matrix)
    )


class Factored(Distribution):
    """A distribution with a covariance ``L L^T``, whose factor it computes with."""

    _tril: Tensor

    def _factorize(self, name: str, matrix: Tensor) -> None:
        """Keep the factor of the matrix that was given under ``name``."""
        self._tril = _factor_of(name, matrix)

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
