"""The Wishart distribution of covariance matrices."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lampas.distributions import constraints
from lampas.distributions._covariance import Factored, given_matrix, half_log_det
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.distributions.gamma import Chi2
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.create import tensor
from lampas.ops.determinant import slogdet
from lampas.ops.diagonal import diag_embed
from lampas.ops.linalg_names import cholesky_solve
from lampas.ops.views import broadcast_shapes
from lampas.ops.with_out import arange, digamma, mvlgamma, randn, where

__all__ = ["Wishart"]

_LOG_2 = math.log(2)


class Wishart(Factored, ExponentialFamily):
    """``sum x x^T`` over ``df`` normal vectors ``x`` of mean 0.

    Args:
        df: degrees of freedom, above n - 1.
        covariance_matrix: (..., n, n), of the vectors.
        precision_matrix: (..., n, n), its inverse.
        scale_tril: (..., n, n), its Cholesky factor; exactly one of the three is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: none or several matrices were given, too few dimensions, or ``df``
            is too small.

    >>> import lampas
    >>> Wishart(3.0, lampas.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    df: Tensor

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = given_matrix(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if not isinstance(df, Tensor):
            df = tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch = broadcast_shapes(matrix.shape[:-2], df.shape)
        n = matrix.shape[-1]
        self.df = df.expand(batch)
        if (self.df <= n - 1).any().item():
            raise ArgumentError(
                f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}."
            )
        vars(self)[name] = matrix.expand((*batch, -1, -1))
        if (self.df < n).any().item():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur "
                "for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:  # type: ignore[override]
        """What ``df`` and the matrices satisfy; it depends on their size."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    @property
    def _count(self) -> Tensor:
        return self.df.reshape((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._count * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self._count - self._event_shape[-1] - 1
        return where(factor > 0, factor, math.nan) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._count * (v**2 + outer)

    def _bartlett(self, sample_shape: Any) -> Tensor:
        """Draws by Bartlett's decomposition."""
        shape, n = self._extended_shape(sample_shape), self._event_shape[-1]
        options: dict[str, Any] = {"dtype": self.df.dtype, "device": self.df.device}
        freedoms = self.df.unsqueeze(-1) - arange(n, **options)
        lengths = Chi2(freedoms, validate_args=False).rsample(sample_shape).sqrt()
        lengths = lengths.clamp(min=finfo(lengths.dtype).eps)
        factor = randn(shape, **options).tril(-1) + diag_embed(lengths)
        factor = self._tril @ factor
        return factor @ factor.mT

    def rsample(
        self, sample_shape: Any = (), max_try_correction: int | None = None
    ) -> Tensor:
        """Draws through which gradients reach the parameters.

        Args:
            sample_shape: how many.
            max_try_correction: how often to draw anew what rounding has left without
                an inverse; 10 by default.
        """
        drawn = self._bartlett(sample_shape)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            fine = self.support.check(drawn.detach())
            if fine.all().item():
                break
            warnings.warn("Singular sample detected.", stacklevel=2)
            again = self._bartlett(sample_shape)
            drawn = where(fine.unsqueeze(-1).unsqueeze(-1), drawn, again)
        return drawn

    def _log_volume(self) -> Tensor:
        """Half of ``log det(2 V)``."""
        return 0.5 * self._event_shape[-1] * _LOG_2 + half_log_det(self._tril)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[-1]
        batch = broadcast_shapes(value.shape[:-2], self._tril.shape[:-2])
        tril = self._tril.expand((*batch, n, n))
        solved = cholesky_solve(value.expand((*batch, n, n)), tril)
        trace = solved.diagonal(dim1=-2, dim2=-1).sum(-1)
        size = mvlgamma(self.df / 2, n) + self.df * self._log_volume()
        powers = 0.5 * (self.df - n - 1) * slogdet(value).logabsdet
        return powers - 0.5 * trace - size

    def entropy(self) -> Tensor:
        n, half = self._event_shape[-1], 0.5 * self.df
        slopes = sum((digamma(half - 0.5 * i) for i in range(1, n)), digamma(half))
        found = (n + 1) * self._log_volume() + mvlgamma(half, n) + n * half
        return found - 0.5 * (self.df - n - 1) * slopes

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        n = self._event_shape[-1]
        return -0.5 * self.precision_matrix, 0.5 * (self.df - n - 1)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        n = self._event_shape[-1]
        half = y + 0.5 * (n + 1)
        return half * (n * _LOG_2 - slogdet(-2 * x).logabsdet) + mvlgamma(half, n)
