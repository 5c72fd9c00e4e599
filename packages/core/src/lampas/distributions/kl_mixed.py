"""Kullback-Leibler divergences between distributions of different families."""

from __future__ import annotations

import math
from typing import Any

from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.binomial import Binomial
from lampas.distributions.continuous_bernoulli import ContinuousBernoulli
from lampas.distributions.dirichlet import Beta
from lampas.distributions.distribution import Distribution
from lampas.distributions.exponential import Exponential
from lampas.distributions.gamma import Gamma
from lampas.distributions.gumbel import Gumbel
from lampas.distributions.kl import register_kl
from lampas.distributions.laplace import Laplace
from lampas.distributions.normal import Normal
from lampas.distributions.pareto import Pareto
from lampas.distributions.poisson import Poisson
from lampas.distributions.uniform import Uniform
from lampas.engine.tensor import Tensor
from lampas.ops.like import full_like
from lampas.ops.views import broadcast_tensors
from lampas.ops.with_out import where

__all__: list[str] = []

_LOG_2PI = math.log(2 * math.pi)

# What the first draws with some chance, the second never does.
_ENDLESS: list[tuple[type[Distribution], tuple[type[Distribution], ...]]] = [
    (Beta, (Pareto,)),
    (ContinuousBernoulli, (Pareto,)),
    (Exponential, (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Laplace, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)),
    (Pareto, (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, (Bernoulli, Binomial)),
]


def _infinite(p: Any, q: Any) -> Tensor:
    like, _ = broadcast_tensors(p.mean, q.mean)
    return full_like(like, math.inf)


for _first, _seconds in _ENDLESS:
    for _second in _seconds:
        register_kl(_first, _second)(_infinite)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    product = p.rate * q.scale
    shift = q.loc / q.scale
    reached = shift.exp() * product / (product + 1)
    return product.log() - shift + product.reciprocal() - 1 + reached


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Normal) -> Tensor:
    # E (x - loc)^2, from the mean and the variance of x.
    apart = (p.mean - q.loc) ** 2 + p.variance
    return q.scale.log() + 0.5 * (_LOG_2PI + apart / q.variance) - p.entropy()


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Normal, q: Gumbel) -> Tensor:
    shift = (p.loc - q.loc) / q.scale
    # E exp(-z) of a normal z.
    grown = (0.5 * (p.scale / q.scale) ** 2 - shift).exp()
    return q.scale.log() + shift + grown - p.entropy()


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    apart = p.loc - q.loc
    standard = apart / p.scale
    # E |x - q.loc|: the mean of a folded normal draw.
    density = (-0.5 * standard**2).exp() * math.sqrt(2 / math.pi)
    distance = p.scale * density + apart * (standard / math.sqrt(2)).erf()
    return (2 * q.scale).log() + distance / q.scale - p.entropy()


@register_kl(Pareto, Normal)
def _pareto_normal(p: Pareto, q: Normal) -> Tensor:
    return where(p.alpha > 2, _to_normal(p, q), math.inf)


@register_kl(Beta, Exponential)
@register_kl(ContinuousBernoulli, Exponential)
@register_kl(Gamma, Exponential)
@register_kl(Pareto, Exponential)
def _to_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate * p.mean - q.rate.log() - p.entropy()


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return where(p.low >= 0, _to_exponential(p, q), math.inf)


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    low, high = (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    # E exp(-z) and E z of a uniform z.
    grown = ((-low).exp() - (-high).exp()) / (high - low)
    return q.scale.log() + (low + high) / 2 + grown - p.entropy()


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    ends = p.high * p.high.log() - p.low * p.low.log()
    mean_log = ends / (p.high - p.low) - 1
    density = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * mean_log
    return where(p.low >= q.scale, -density - p.entropy(), math.inf)
