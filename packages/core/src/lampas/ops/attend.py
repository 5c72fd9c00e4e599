"""Attention as records of its own: memory linear in the length where a kernel runs it.

What is kept for the gradient are the operands, the result and, for each query, the
logarithm of the sum that its weights were divided by; the weights are made again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.batching import aligned, all_batched
from lampas.engine.infer import Spec
from lampas.engine.record import OPAQUE, op

__all__ = ["attend"]


def _attention_specs(specs: Any, **params: Any) -> Any:
    query, _, value, _ = specs
    shape = (*query.shape[:-1], value.shape[-1])
    return Spec(shape, query.dtype), Spec((*query.shape[:-1], 1), query.dtype)


def _backward_specs(specs: Any, **params: Any) -> Any:
    return tuple(specs[1:4])


def _weights_specs(specs: Any, **params: Any) -> Any:
    query, key = specs[:2]
    return Spec((*query.shape[:-1], key.shape[-2]), query.dtype)


_attention = op(
    "attention",
    outputs=2,
    kind=OPAQUE,
    saves="query key value mask y0 y1",
    fresh=True,
    infer=_attention_specs,
)
_attention_backward = op(
    "attention_backward",
    outputs=3,
    kind=OPAQUE,
    saves="g query key value mask log_sum",
    fresh=True,
    infer=_backward_specs,
)
_attention_weights = op(
    "attention_weights",
    kind=OPAQUE,
    saves="y query key",
    fresh=True,
    infer=_weights_specs,
)


def _scores(
    xp: Any, query: Any, key: Any, mask: Any, causal: bool, factor: float
) -> Any:
    scores = xp.matmul(query * factor, xp.swapaxes(key, -1, -2))
    if mask.dtype == np.bool_:
        if mask.ndim or not mask:
            scores = xp.where(mask, scores, scores.dtype.type(-math.inf))
    else:
        scores += mask
    if causal:
        later = xp.triu(xp.ones(scores.shape[-2:], np.bool_), 1)
        scores = xp.where(later, scores.dtype.type(-math.inf), scores)
    return scores


def _weights(xp: Any, scores: Any, log_sum: Any) -> Any:
    """``exp(scores - log_sum)``; a query that sees no key has weights of zero."""
    blind = log_sum == -math.inf
    return xp.exp(scores - xp.where(blind, log_sum.dtype.type(0), log_sum))


@_attention.forward
def attention_forward(
    xp: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    *,
    causal: bool,
    factor: float,
) -> Any:
    scores = _scores(xp, query, key, mask, causal, factor)
    top = xp.max(scores, axis=-1, keepdims=True)
    total = _weights(xp, scores, top).sum(-1, keepdims=True)
    log_sum = xp.where(total == 0, -math.inf, top + xp.log(total)).astype(scores.dtype)
    return xp.matmul(_weights(xp, scores, log_sum), value), log_sum


@_attention.vjp
def attention_vjp(
    F: Any,
    g: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    y: Any,
    log_sum: Any,
    *,
    need: Any,
    causal: bool,
    factor: float,
) -> Any:
    # The sum of the weights serves the gradient only: nothing depends on it.
    return (
        *F.attention_backward(
            g[0], query, key, value, mask, y, log_sum, causal=causal, factor=factor
        ),
        None,
    )


@_attention_backward.forward
def attention_backward_forward(
    xp: Any,
    g: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    y: Any,
    log_sum: Any,
    *,
    causal: bool,
    factor: float,
) -> Any:
    weights = _weights(xp, _scores(xp, query, key, mask, causal, factor), log_sum)
    slopes = xp.matmul(g, xp.swapaxes(value, -1, -2))
    slopes -= (g * y).sum(-1, keepdims=True)
    slopes *= weights
    slopes *= factor
    return (
        xp.matmul(slopes, key),
        xp.matmul(xp.swapaxes(slopes, -1, -2), query),
        xp.matmul(xp.swapaxes(weights, -1, -2), g),
    )


@_attention_backward.vjp
def attention_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    log_sum: Any,
    *,
    need: Any,
    causal: bool,
    factor: float,
) -> Any:
    hq, hk, hv = h
    weights = F.attention_weights(
        query, key, mask, log_sum, causal=causal, factor=factor
    )
    slopes = F.matmul(g, F.matrix_transpose(value))
    centre = F.sum(slopes * weights, dim=(g.ndim - 1,), keepdim=True)
    score_slopes = weights * (slopes - centre)
    # What the slopes of the scores are weighted by in dq and dk.
    h_scores = (
        F.matmul(hq, F.matrix_transpose(key)) + F.matmul(query, F.matrix_transpose(hk))
    ) * factor
    inner = F.sum(h_scores * weights, dim=(g.ndim - 1,), keepdim=True)
    h_slopes = weights * (h_scores - inner)
    h_weights = h_scores * (slopes - centre) - slopes * inner
    h_weights = h_weights + F.matmul(g, F.matrix_transpose(hv))
    back = F.sum(h_weights * weights, dim=(g.ndim - 1,), keepdim=True)
    back = weights * (h_weights - back)
    dq = F.matmul(back, key) + F.matmul(score_slopes, hk)
    dk = F.matmul(F.matrix_transpose(back), query) + F.matmul(
        F.matrix_transpose(score_slopes), hq
    )
    dg = F.matmul(weights, hv) + F.matmul(h_slopes, value)
    dv = F.matmul(F.matrix_transpose(h_slopes), g)
    return dg, dq * factor, dk * factor, dv, None, None, None


@_attention_weights.forward
def attention_weights_forward(
    xp: Any,
    query: Any,
    key: Any,
    mask: Any,
    log_sum: Any,
    *,
    causal: bool,
    factor: float,
) -> Any:
    return _weights(xp, _scores(xp, query, key, mask, causal, factor), log_sum)


@_attention_weights.vjp
def attention_weights_vjp(
    F: Any,
    g: Any,
    y: Any,
    query: Any,
    key: Any,
    *,
    need: Any,
    causal: bool,
    factor: float,
) -> Any:
    # With the sum following the scores, as in a softmax.
    slopes = y * (g - F.sum(g * y, dim=(g.ndim - 1,), keepdim=True))
    dq = F.matmul(slopes, key) * factor
    dk = F.matmul(F.matrix_transpose(slopes), query) * factor
    return dq, dk, None, None


def _batched(record: Any) -> None:
    """Batch a record whose operands have any dimensions in front."""

    def rule(F: Any, size: int, batched: Any, /, *values: Any, **params: Any) -> Any:
        values = all_batched(F, size, batched, values)
        return record.call(*aligned(F, (True,) * len(values), values), **params)

    record.batch(rule)


_batched(_attention)
_batched(_attention_backward)
_batched(_attention_weights)


def attend(
    query: Any, key: Any, value: Any, mask: Any, causal: bool, factor: float
) -> Any:
    """``softmax(query @ key^T * factor + mask) @ value`` without keeping the weights.

    The dimensions in front are the same for query, key and value. ``mask`` broadcasts
    to (..., L, S): bool, true where a key is seen, or added; no gradient reaches it.
    """
    return _attention(query, key, value, mask, causal=causal, factor=factor)[0]
