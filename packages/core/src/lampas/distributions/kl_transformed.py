"""Kullback-Leibler divergences between transformed distributions."""

from __future__ import annotations

from lampas.distributions.distribution import MissingMethodError
from lampas.distributions.gumbel import EULER_GAMMA, Gumbel
from lampas.distributions.half_normal import HalfNormal
from lampas.distributions.kl import kl_divergence, register_kl
from lampas.distributions.pareto import Pareto
from lampas.distributions.transformed_distribution import TransformedDistribution
from lampas.engine.tensor import Tensor
from lampas.ops.with_out import lgamma, where

__all__: list[str] = []


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    # What one and the same bijection does to both changes nothing between them.
    if p.transforms != q.transforms:
        raise MissingMethodError(
            "KL of two TransformedDistribution needs equal transforms, got "
            f"{p.transforms} and {q.transforms}"
        )
    if p.event_shape != q.event_shape:
        raise MissingMethodError(
            "KL of two TransformedDistribution needs equal event shapes, got "
            f"{p.event_shape} and {q.event_shape}"
        )
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio = p.scale / q.scale
    apart = (p.loc - q.loc) / q.scale
    grown = (lgamma(1 + ratio) - apart).exp()
    return apart - ratio.log() + (ratio - 1) * EULER_GAMMA - 1 + grown


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale >= q.scale, found, float("inf"))
