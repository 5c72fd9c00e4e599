"""Sets of matrices; the last two dimensions belong together."""

from __future__ import annotations

from lampas.distributions._constraint import Constraint
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor
from lampas.ops.compare import isclose
from lampas.ops.decompose import cholesky_ex
from lampas.ops.spectral import eigvalsh
from lampas.ops.with_out import full, tril

__all__ = [
    "corr_cholesky",
    "lower_cholesky",
    "lower_triangular",
    "positive_definite",
    "positive_semidefinite",
    "square",
    "symmetric",
]


class _Matrix(Constraint):
    event_dim = 2


class _LowerTriangular(_Matrix):
    def check(self, value: Tensor) -> Tensor:
        return (tril(value) == value).all(-1).all(-1)


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Tensor) -> Tensor:
        positive = (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)
        return super().check(value) & positive


class _CorrCholesky(_LowerCholesky):
    def check(self, value: Tensor) -> Tensor:
        tolerance = 10 * value.shape[-1] * finfo(value.dtype).eps
        lengths = value.detach().square().sum(-1).sqrt()
        unit = ((lengths - 1).abs() <= tolerance).all(-1)
        return super().check(value) & unit


class _Square(_Matrix):
    def check(self, value: Tensor) -> Tensor:
        same = value.shape[-2] == value.shape[-1]
        return full(value.shape[:-2], same, device=value.device)


class _Symmetric(_Square):
    def check(self, value: Tensor) -> Tensor:
        if value.shape[-2] != value.shape[-1]:
            return super().check(value)
        return isclose(value, value.mT, atol=1e-6).all(-1).all(-1)


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        if not found.all().item():
            return found
        return (eigvalsh(value) >= 0).all(-1)


class _PositiveDefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        found = super().check(value)
        if not found.all().item():
            return found
        return cholesky_ex(value).info == 0


lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
