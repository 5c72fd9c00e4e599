"""Cases of ``lampas.ops.attention`` and ``lampas.ops.attend``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, normal

ATTENTION = "nn.functional.scaled_dot_product_attention"


def attention(
    query, key, value, mask=None, *, is_causal=False, scale=None, enable_gqa=False
):
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = np.repeat(key, times, -3), np.repeat(value, times, -3)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ np.swapaxes(key, -1, -2) * factor
    seen = np.ones(scores.shape, bool)
    if mask is not None and mask.dtype == bool:
        seen &= mask
    elif mask is not None:
        scores = scores + mask
    if is_causal:
        seen &= np.tril(np.ones(scores.shape[-2:], bool))
    weights = np.where(seen, np.exp(scores - scores.max(-1, keepdims=True)), 0.0)
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1.0, total) @ value


def masked(*shapes, hidden):
    """Operands and a mask whose places in ``hidden`` are false."""

    def make(rng):
        mask = np.ones((shapes[0][-2], shapes[1][-2]), bool)
        for place in hidden:
            mask[place] = False
        return [*(rng.standard_normal(s) for s in shapes), mask]

    return make


SHAPES = (2, 3, 4), (2, 5, 4), (2, 5, 2)
CASES = [
    Case(ATTENTION, normal(*SHAPES), attention),
    Case(ATTENTION, normal(*SHAPES), attention, {"is_causal": True}),
    Case(ATTENTION, normal((3, 4), (3, 4), (3, 4)), attention, {"scale": 0.3}),
    Case(ATTENTION, masked(*SHAPES, hidden=[(0, 1), (2, 4)]), attention),
    # A query that sees nothing.
    Case(ATTENTION, masked(*SHAPES, hidden=[(0, 1), 1]), attention),
    Case(ATTENTION, normal(*SHAPES, (3, 5)), attention),
    Case(
        ATTENTION,
        normal((2, 4, 3, 4), (2, 2, 5, 4), (2, 2, 5, 2)),
        attention,
        {"enable_gqa": True},
    ),
    # Dimensions in front that broadcast.
    Case(ATTENTION, normal((2, 1, 3, 4), (3, 5, 4), (1, 5, 2)), attention),
]
