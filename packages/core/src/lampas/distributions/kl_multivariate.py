"""Kullback-Leibler divergences between multivariate normal distributions."""

from __future__ import annotations

from lampas.distributions._covariance import half_log_det, mahalanobis
from lampas.distributions.kl import register_kl
from lampas.distributions.lowrank_multivariate_normal import (
    LowRankMultivariateNormal,
)
from lampas.distributions.multivariate_normal import MultivariateNormal
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.solve import solve_triangular
from lampas.ops.with_out import eye

__all__: list[str] = []

_Normal = MultivariateNormal | LowRankMultivariateNormal


def _require_one_size(p: _Normal, q: _Normal) -> int:
    if p.event_shape != q.event_shape:
        raise ArgumentError(
            "KL of multivariate normal distributions needs one event shape, got "
            f"{p.event_shape} and {q.event_shape}"
        )
    return p.event_shape[0]


def _square(matrix: Tensor) -> Tensor:
    """The trace of ``X X^T``."""
    return (matrix**2).sum((-2, -1))


def _factor(p: _Normal) -> Tensor:
    """A matrix ``F`` with the covariance ``F F^T``, n x n for dense ones."""
    return p._tril if isinstance(p, MultivariateNormal) else p._factor


def _log_det(p: _Normal) -> Tensor:
    return (
        2 * half_log_det(p._tril) if isinstance(p, MultivariateNormal) else p._log_det()
    )


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _from_dense(p: _Normal, q: MultivariateNormal) -> Tensor:
    n = _require_one_size(p, q)
    trace = _square(solve_triangular(q._tril, _factor(p), upper=False))
    if isinstance(p, LowRankMultivariateNormal):
        unit = eye(n, dtype=p.loc.dtype, device=p.loc.device)
        roots = unit * p._diag.sqrt().unsqueeze(-1)
        trace = trace + _square(solve_triangular(q._tril, roots, upper=False))
    apart = mahalanobis(q._tril, q.loc - p.loc)
    return 0.5 * (_log_det(q) - _log_det(p) + trace + apart - n)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _from_low_rank(p: _Normal, q: LowRankMultivariateNormal) -> Tensor:
    n = _require_one_size(p, q)
    # The inverse of q's covariance is diag(1 / d) - A^T A.
    a = solve_triangular(q._capacitance, q._scaled, upper=False)
    factor = _factor(p)
    trace = _square(factor * q._diag.rsqrt().unsqueeze(-1)) - _square(a @ factor)
    if isinstance(p, LowRankMultivariateNormal):
        trace = trace + (p._diag / q._diag).sum(-1)
        trace = trace - _square(a * p._diag.sqrt().unsqueeze(-2))
    apart = q._square(q.loc - p.loc)
    return 0.5 * (_log_det(q) - _log_det(p) + trace + apart - n)
