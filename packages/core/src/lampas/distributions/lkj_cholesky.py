"""The LKJ distribution of correlation matrices, by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, Self

from lampas.distributions import constraints
from lampas.distributions.dirichlet import Beta
from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.dtypes import finfo
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.diagonal import diag_embed
from lampas.ops.with_out import arange, mvlgamma, randn

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Factors ``L`` of correlation matrices of density ``~ det(L L^T)^(c - 1)``.

    Args:
        dim: the size of the matrices, 2 or more.
        concentration: ``c``, positive; 1 makes all correlation matrices as likely.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: ``dim`` is below 2.

    >>> LKJCholesky(3, 0.5).sample().shape
    lampas.Size([3, 3])
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    concentration: Tensor

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ArgumentError(
                "Expected dim to be an integer greater than or equal to 2. Found "
                f"dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made.dim = self.dim
        return made

    def _lengths(self) -> Beta:
        """Of the squared length of each row left of the diagonal, from the second."""
        c = self.concentration.unsqueeze(-1)
        row = arange(self.dim - 1, dtype=c.dtype, device=c.device)
        # Lewandowski, Kurowicka and Joe 2009, section 3.2: the onion method.
        return Beta(
            0.5 * (row + 1), c + 0.5 * (self.dim - 2 - row), validate_args=False
        )

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        c = self.concentration
        with no_grad():
            square = self._lengths().sample(sample_shape)
            left = randn(shape, dtype=c.dtype, device=c.device).tril(-1)
            # The first row has nothing left of the diagonal.
            rows = left[..., 1:, :]
            rows *= (square / (rows**2).sum(-1)).sqrt().unsqueeze(-1)
            rest = (1 - (left**2).sum(-1)).clamp(min=finfo(c.dtype).tiny)
            return left + diag_embed(rest.sqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, c = self.dim, self.concentration
        # The Jacobian of L -> L L^T takes part in the powers of the diagonal.
        place = arange(2, n + 1, dtype=c.dtype, device=c.device)
        order = 2 * (c - 1).unsqueeze(-1) + n - place
        logs = value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()
        alpha = c + 0.5 * (n - 1)
        size = 0.5 * (n - 1) * math.log(math.pi) + mvlgamma(alpha - 0.5, n - 1)
        return (order * logs).sum(-1) - size + (n - 1) * alpha.lgamma()
