"""Kullback-Leibler divergences between distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.distributions.bernoulli import Bernoulli
from lampas.distributions.categorical import Categorical
from lampas.distributions.cauchy import Cauchy
from lampas.distributions.distribution import Distribution, MissingMethodError
from lampas.distributions.exponential import Exponential
from lampas.distributions.independent import Independent
from lampas.distributions.laplace import Laplace
from lampas.distributions.normal import Normal
from lampas.distributions.one_hot_categorical import OneHotCategorical
from lampas.distributions.uniform import Uniform
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError
from lampas.ops.activation import softplus
from lampas.ops.with_out import where

__all__ = ["kl_divergence", "register_kl"]

_FORMULAS: dict[tuple[type, type], Callable[..., Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """A decorator that makes a function ``kl(p, q)`` the formula for two classes.

    Args:
        type_p, type_q: subclasses of :class:`Distribution`; subclasses of them use
            the formula too, unless a closer one is registered.

    Raises:
        TypeError: one is no subclass of Distribution.
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise ArgumentTypeError(
                f"Expected type_p and type_q to be Distribution types, got {kind}"
            )

    def register(formula: Any) -> Any:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """``E_p[log p(x) - log q(x)]`` in nats, one for each distribution of the batch.

    Args:
        p, q: distributions whose batch shapes broadcast together.

    Raises:
        NotImplementedError: there is no formula for the two classes.

    >>> from lampas.distributions import Normal
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    for type_p in type(p).__mro__:
        for type_q in type(q).__mro__:
            formula = _FORMULAS.get((type_p, type_q))
            if formula is not None:
                return formula(p, q)
    raise MissingMethodError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} "
        f"and q type {type(q).__name__}"
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    shift = ((p.loc - q.loc) / q.scale) ** 2
    return 0.5 * (ratio + shift - 1 - ratio.log())


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio = p.scale / q.scale
    apart = (p.loc - q.loc).abs()
    spread = ratio * (-apart / p.scale).exp()
    return spread + apart / q.scale - 1 - ratio.log()


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    within = (q.low <= p.low) & (q.high >= p.high)
    wider = ((q.high - q.low) / (p.high - p.low)).log()
    return where(within, wider, float("inf"))


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    # A chance of 0 adds nothing, even where q's is 0 too.
    ones = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    ones = where(q.probs == 0, float("inf"), ones)
    zeros = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    zeros = where(q.probs == 1, float("inf"), zeros)
    return where(p.probs == 0, 0.0, ones) + where(p.probs == 1, 0.0, zeros)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = where(q.probs == 0, float("inf"), terms)
    return where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._over, q._over)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    apart = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return (apart / (4 * p.scale * q.scale)).log()


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise MissingMethodError(
            "KL of two Independent needs equal reinterpreted_batch_ndims"
        )
    return p._summed(kl_divergence(p.base_dist, q.base_dist))
