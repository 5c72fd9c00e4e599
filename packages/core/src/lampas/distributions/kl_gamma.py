"""Kullback-Leibler divergences within the gamma and beta families and of counts."""

from __future__ import annotations

import math

from lampas.distributions._chances import times_log, times_log_of_rest
from lampas.distributions.binomial import Binomial
from lampas.distributions.continuous_bernoulli import ContinuousBernoulli
from lampas.distributions.dirichlet import Beta, Dirichlet
from lampas.distributions.distribution import MissingMethodError
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.distributions.gamma import Gamma
from lampas.distributions.geometric import Geometric
from lampas.distributions.kl import register_kl
from lampas.distributions.poisson import Poisson
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import where, xlogy

__all__: list[str] = []


@register_kl(ExponentialFamily, ExponentialFamily)
def _family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The Bregman divergence of the log normalizer."""
    if type(p) is not type(q):
        raise MissingMethodError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} "
            f"and q type {type(q).__name__}"
        )
    natural, slopes = p._expected_statistics()
    found = q._log_normalizer(*q._natural_params) - p._log_normalizer(*natural)
    for theirs, ours, slope in zip(q._natural_params, natural, slopes, strict=True):
        term = (theirs - ours) * slope
        for _ in range(term.ndim - found.ndim):
            term = term.sum(-1)
        found = found - term
    return found


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    c, d = p.concentration, q.concentration
    sizes = d * (p.rate / q.rate).log() + d.lgamma() - c.lgamma()
    return sizes + (c - d) * c.digamma() + (q.rate - p.rate) * (c / p.rate)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    c, d = p.concentration, q.concentration
    mean_log = c.digamma() - c.sum(-1, keepdim=True).digamma()
    sizes = q._log_normalizer(d) - p._log_normalizer(c)
    return sizes + ((c - d) * mean_log).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any().item():
        raise MissingMethodError(
            "KL of two Binomial is not implemented where q.total_count is larger"
        )
    a = p.probs
    each = times_log(a, a) - times_log(a, q.probs)
    each = each + times_log_of_rest(1 - a, a) - times_log_of_rest(1 - a, q.probs)
    return where(p.total_count > q.total_count, math.inf, p.total_count * each)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    sizes = q._log_sinhc(q.logits) - p._log_sinhc(p.logits)
    return p._tilt * (p.logits - q.logits) + sizes


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    crossed = times_log_of_rest(1 - p.probs, q.probs) / p.probs + q.probs.log()
    return -p.entropy() - crossed


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return xlogy(p.rate, p.rate) - xlogy(p.rate, q.rate) - (p.rate - q.rate)
