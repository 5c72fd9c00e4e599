"""Transforms of real numbers into triangular and positive definite matrices."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from lampas.distributions import constraints
from lampas.distributions.transforms.base import Parameterless
from lampas.dtypes import finfo
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError
from lampas.ops.activation import logsigmoid
from lampas.ops.create import tensor
from lampas.ops.pad import pad
from lampas.ops.with_out import atanh, cholesky, diag, tril

__all__ = [
    "CorrCholeskyTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
]


def _side(entries: int) -> int:
    """The n whose strictly lower triangle has ``entries`` entries."""
    n = (1 + math.isqrt(1 + 8 * entries)) // 2
    if n * (n - 1) // 2 != entries:
        raise ArgumentError(
            f"Input is not a flattened lower-diagonal number: {entries} is none of "
            "0, 1, 3, 6, 10, ..."
        )
    return n


@functools.cache
def _places(n: int) -> np.ndarray:
    """For each entry of an n x n matrix its place in the flat lower triangle.

    The entries outside share the place behind the last.
    """
    places = np.full((n, n), n * (n - 1) // 2)
    places[np.tril_indices(n, -1)] = np.arange(n * (n - 1) // 2)
    return places


def _square(shape: Any) -> Size:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ArgumentError(f"Input is not square: its shape is {tuple(shape)}")
    return Size(shape)


class CorrCholeskyTransform(Parameterless):
    """n (n - 1) / 2 real numbers into the Cholesky factor of a correlation matrix.

    The numbers fill the strictly lower triangle row by row. ``tanh`` makes partial
    correlations z of them, and each row of the factor is a vector of length 1:
    ``y[i, j] = z[i, j] sqrt(prod_{k<j} (1 - z[i, k]^2))``, its diagonal the rest.

    >>> import lampas
    >>> CorrCholeskyTransform()(lampas.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        n = _side(x.shape[-1])
        limit = 1 - finfo(x.dtype).eps
        flat = pad(x.tanh().clamp(-limit, limit), (0, 1))
        z = flat[..., tensor(_places(n), device=x.device)]
        rests = (1 - z**2).sqrt().cumprod(-1)[..., :-1]
        ones = diag(rests.new_ones(n))
        return (z + ones) * pad(rests, (1, 0), value=1.0)

    def _inverse(self, y: Tensor) -> Tensor:
        n = _square(y.shape)[-1]
        # What the entries from here on leave for themselves, summed from the end.
        rests = (y * y).flip(-1).cumsum(-1).flip(-1)
        row, column = np.tril_indices(n, -1)
        rows = tensor(row, device=y.device), tensor(column, device=y.device)
        return atanh(y[..., rows[0], rows[1]] / rests[..., rows[0], rows[1]].sqrt())

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # z[i, k] scales itself once and the n - 1 - k entries behind it by a root.
        row, column = np.tril_indices(_side(x.shape[-1]), -1)
        weights = tensor((row - column + 1) / 2, dtype=x.dtype, device=x.device)
        shrunk = math.log(4.0) + logsigmoid(2 * x) + logsigmoid(-2 * x)
        return (weights * shrunk).sum(-1)

    def forward_shape(self, shape: Any) -> Size:
        if len(shape) < 1:
            raise ArgumentError("Too few dimensions on input: a vector is expected")
        n = _side(shape[-1])
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Any) -> Size:
        n = _square(shape)[-1]
        return Size((*shape[:-2], n * (n - 1) // 2))


class LowerCholeskyTransform(Parameterless):
    """A square matrix into a lower triangular one whose diagonal is positive.

    The diagonal's exponential is taken; what stands above it is dropped.

    >>> import lampas
    >>> LowerCholeskyTransform()(lampas.ones(2, 2))
    tensor([[2.7183, 0.0000],
            [1.0000, 2.7183]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return tril(x, -1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return tril(y, -1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Parameterless):
    """A square matrix into a positive definite one, ``L L^T``.

    L is the result of :class:`LowerCholeskyTransform`.

    >>> import lampas
    >>> PositiveDefiniteTransform()(lampas.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))
