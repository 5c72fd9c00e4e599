"""Kullback-Leibler divergences from or to gamma, beta and other such families."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.continuous_bernoulli import ContinuousBernoulli
from lampas.distributions.dirichlet import Beta
from lampas.distributions.exponential import Exponential
from lampas.distributions.gamma import Gamma
from lampas.distributions.gumbel import EULER_GAMMA, Gumbel
from lampas.distributions.kl import register_kl
from lampas.distributions.pareto import Pareto
from lampas.distributions.poisson import Poisson
from lampas.distributions.uniform import Uniform
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import where, xlogy

__all__: list[str] = []


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - xlogy(p.probs, q.rate) - p.entropy()


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _to_uniform(p: Any, q: Uniform) -> Tensor:
    found = (q.high - q.low).log() - p.entropy()
    return where((q.low <= 0) & (q.high >= 1), found, math.inf)


def _to_gamma(p: Any, q: Gamma, mean_log: Tensor) -> Tensor:
    """From the mean of p, and that of its logarithm."""
    c = q.concentration
    size = c.lgamma() - xlogy(c, q.rate)
    return size - (c - 1) * mean_log + q.rate * p.mean - p.entropy()


@register_kl(Beta, Gamma)
def _beta_gamma(p: Beta, q: Gamma) -> Tensor:
    total = p.concentration1 + p.concentration0
    return _to_gamma(p, q, p.concentration1.digamma() - total.digamma())


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma) -> Tensor:
    return _to_gamma(p, q, -p.rate.log() - EULER_GAMMA)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Pareto, q: Gamma) -> Tensor:
    return _to_gamma(p, q, p.scale.log() + p.alpha.reciprocal())


def _mean_log(low: Tensor, high: Tensor) -> Tensor:
    """Of a uniform draw."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    inside = p.low >= 0
    low = where(inside, p.low, 0.0)
    high = where(inside, p.high, 1.0)
    return where(inside, _to_gamma(p, q, _mean_log(low, high)), math.inf)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    inside = (p.low >= 0) & (p.high <= 1)
    low = where(inside, p.low, 0.0)
    high = where(inside, p.high, 1.0)
    found = q._log_normalizer(*q._natural_params) - p.entropy()
    found = found - (q.concentration1 - 1) * _mean_log(low, high)
    found = found - (q.concentration0 - 1) * _mean_log(1 - high, 1 - low)
    return where(inside, found, math.inf)


def _to_continuous(p: Any, q: ContinuousBernoulli) -> Tensor:
    size = q._log_sinhc(q.logits)
    return size - q.logits * (p.mean - 0.5) - p.entropy()


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous(p: Beta, q: ContinuousBernoulli) -> Tensor:
    return _to_continuous(p, q)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    inside = (p.low >= 0) & (p.high <= 1)
    return where(inside, _to_continuous(p, q), math.inf)


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    shift = q.loc / q.scale
    # E exp(-x / scale) is the gamma distribution's Laplace transform.
    reached = (shift - p.concentration * (1 / (p.rate * q.scale)).log1p()).exp()
    return q.scale.log() + p.mean / q.scale - shift + reached - p.entropy()
