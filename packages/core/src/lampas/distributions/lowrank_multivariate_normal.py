"""The multivariate normal distribution with a covariance of low rank and a diagonal."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions._covariance import half_log_det, mahalanobis
from lampas.distributions.distribution import Distribution
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.decompose import cholesky
from lampas.ops.diagonal import diag_embed
from lampas.ops.solve import solve_triangular
from lampas.ops.views import broadcast_tensors
from lampas.ops.with_out import eye, randn

__all__ = ["LowRankMultivariateNormal"]

_LOG_2PI = math.log(2 * math.pi)


def _plus_unit(matrix: Tensor) -> Tensor:
    return matrix + eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


class LowRankMultivariateNormal(Distribution):
    """Normal vectors of covariance ``W W^T + diag(d)``, without n x n matrices.

    Args:
        loc: (..., n), the mean.
        cov_factor: (..., n, m), ``W``.
        cov_diag: (..., n), ``d``, positive.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: the shapes do not fit together.

    >>> import lampas
    >>> one = lampas.ones(2)
    >>> LowRankMultivariateNormal(one, lampas.ones(2, 1), one).variance
    tensor([2., 2.])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    loc: Tensor
    cov_factor: Tensor
    cov_diag: Tensor

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ArgumentError("loc must be at least one-dimensional.")
        events = loc.shape[-1:]
        if cov_factor.dim() < 2 or cov_factor.shape[-2:-1] != events:
            raise ArgumentError(
                f"cov_factor must be a batch of matrices with shape {events[0]} x m, "
                f"got {cov_factor.shape}"
            )
        if cov_diag.shape[-1:] != events:
            raise ArgumentError(
                f"cov_diag must be a batch of vectors with shape {events}, got "
                f"{cov_diag.shape}"
            )
        try:
            wide = broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            )
        except RuntimeError:
            raise ArgumentError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor "
                f"{cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from None
        self.loc, self.cov_factor, self.cov_diag = (
            wide[0][..., 0],
            wide[1],
            wide[2][..., 0],
        )
        self._factor, self._diag = cov_factor, cov_diag
        self._scaled = cov_factor.mT / cov_diag.unsqueeze(-2)
        self._capacitance = cholesky(_plus_unit(self._scaled @ cov_factor))
        super().__init__(self.loc.shape[:-1], events, validate_args=validate_args)

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made._factor, made._diag = self._factor, self._diag
        made._scaled, made._capacitance = self._scaled, self._capacitance
        return made

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand((*self._batch_shape, *matrix.shape[-2:]))

    def _log_det(self) -> Tensor:
        """Of the covariance, by the matrix determinant lemma."""
        return 2 * half_log_det(self._capacitance) + self._diag.log().sum(-1)

    def _square(self, apart: Tensor) -> Tensor:
        """The squared Mahalanobis distance, by Woodbury's identity."""
        low = mahalanobis(self._capacitance, _times(self._scaled, apart))
        return (apart**2 / self._diag).sum(-1) - low

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return ((self._factor**2).sum(-1) + self._diag).expand(self.loc.shape)

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        root = self._diag.sqrt().unsqueeze(-1)
        # The eigenvalues of what is factored are 1 or more.
        whitened = self._factor / root
        return self._spread(root * cholesky(_plus_unit(whitened @ whitened.mT)))

    @cached_property
    @enable_grad()
    def covariance_matrix(self) -> Tensor:
        """The covariance of the entries."""
        return self._spread(self._factor @ self._factor.mT + diag_embed(self._diag))

    @cached_property
    @enable_grad()
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        half = solve_triangular(self._capacitance, self._scaled, upper=False)
        return self._spread(diag_embed(self._diag.reciprocal()) - half.mT @ half)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        options: dict[str, Any] = {"dtype": self.loc.dtype, "device": self.loc.device}
        common = randn((*shape[:-1], self.cov_factor.shape[-1]), **options)
        own = self._diag.sqrt() * randn(shape, **options)
        return self.loc + _times(self._factor, common) + own

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        constant = self._event_shape[0] * _LOG_2PI
        square = self._square(value - self.loc)
        return -0.5 * (constant + self._log_det() + square)

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1 + _LOG_2PI)
        return (0.5 * (constant + self._log_det())).expand(self._batch_shape)
