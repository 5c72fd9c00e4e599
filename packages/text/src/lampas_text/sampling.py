"""Let a language model go on with a text."""

from __future__ import annotations

import math

import lampas
from lampas import Generator, Tensor, nn
from lampas.errors import ArgumentError

__all__ = ["filter_scores", "generate", "next_token"]


def filter_scores(
    scores: Tensor, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Leave only likely tokens; the scores of the others become minus infinity.

    Args:
        scores: ``(batch, vocab_size)``.
        top_k: keep this many of the highest scores (ties with the last stay too).
        top_p: keep the fewest tokens whose probabilities reach this sum.

    Returns:
        Scores of the same shape.

    Raises:
        ArgumentError: ``top_k`` < 1, or ``top_p`` is not in (0, 1].

    >>> filter_scores(lampas.tensor([[1.0, 3.0, 2.0]]), top_k=2)
    tensor([[-inf, 3., 2.]])
    """
    if top_k is not None:
        if top_k < 1:
            raise ArgumentError(f"top_k must be at least 1, got {top_k}")
        kept = min(top_k, scores.shape[-1])
        least = lampas.topk(scores, kept, dim=-1).values[..., -1:]
        scores = scores.masked_fill(scores < least, -math.inf)
    if top_p is not None:
        if not 0.0 < top_p <= 1.0:
            raise ArgumentError(f"top_p must be above 0 and at most 1, got {top_p}")
        ordered, order = lampas.sort(scores, dim=-1, descending=True)
        probabilities = lampas.softmax(ordered, dim=-1)
        # what stands before a token must not have reached the sum: the first stays
        before = lampas.cumsum(probabilities, dim=-1) - probabilities
        ordered = ordered.masked_fill(before >= top_p, -math.inf)
        scores = lampas.zeros_like(scores).scatter(-1, order, ordered)
    return scores


def next_token(
    scores: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Choose a token per row.

    Args:
        scores: ``(batch, vocab_size)``.
        temperature: scores are divided by it; 0 takes the highest score (greedy).
        top_k: see :func:`filter_scores`.
        top_p: see :func:`filter_scores`.
        generator: where chance comes from; the default generator if None.

    Returns:
        Tokens ``(batch, 1)``.

    Raises:
        ArgumentError: ``temperature`` is negative, or see :func:`filter_scores`.

    >>> next_token(lampas.tensor([[0.1, 0.9]]), temperature=0.0)
    tensor([[1]])
    """
    if temperature < 0.0:
        raise ArgumentError(f"temperature must be at least 0, got {temperature}")
    if temperature == 0.0:
        return scores.argmax(dim=-1, keepdim=True)
    kept = filter_scores(scores / temperature, top_k, top_p)
    return lampas.multinomial(lampas.softmax(kept, dim=-1), 1, generator=generator)


@lampas.no_grad()
def generate(
    model: nn.Module,
    ids: Tensor,
    max_new_tokens: int,
    *,
    block_size: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Append tokens to a context, one after the other, in evaluation mode.

    Args:
        model: maps ``(batch, time)`` tokens to ``(batch, time, vocab_size)`` scores.
        ids: the context ``(batch, time)``, at least one token.
        max_new_tokens: how many to append.
        block_size: the longest context that the model takes; older tokens are left out.
        temperature: see :func:`next_token`.
        top_k: see :func:`filter_scores`.
        top_p: see :func:`filter_scores`.
        generator: where chance comes from; the default generator if None.

    Returns:
        The context and what follows, ``(batch, time + max_new_tokens)``.

    Raises:
        ArgumentError: the context is empty, or see :func:`next_token`.
    """
    if ids.ndim != 2 or ids.shape[1] == 0:
        raise ArgumentError(
            "generate: ids must be (batch, time) with time >= 1, "
            f"got {tuple(ids.shape)}"
        )
    training = model.training
    model.eval()
    try:
        for _ in range(max_new_tokens):
            scores = model(ids[:, -block_size:])[:, -1]
            token = next_token(
                scores,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                generator=generator,
            )
            ids = lampas.cat([ids, token], dim=1)
    finally:
        model.train(training)
    return ids
