"""Attention: values averaged by how well their keys fit a query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.arrange import repeat_interleave
from lampas.ops.dropout import dropout
from lampas.ops.mask import masked_fill
from lampas.ops.matmul import matmul
from lampas.ops.softmax import softmax

__all__ = ["scaled_dot_product_attention"]


def _causal_mask(rows: int, columns: int) -> Tensor:
    """True where a key comes after its query."""
    return wrap(np.triu(np.ones((rows, columns), np.bool_), 1))


def _check(query: Tensor, key: Tensor, value: Tensor, attn_mask: Any) -> None:
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim < 2:
            raise ShapeError(
                f"scaled_dot_product_attention: {name} must have two dimensions or "
                f"more, got shape {tuple(x.shape)}"
            )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            "scaled_dot_product_attention: query and key must agree in their last "
            "dimension, key and value in their last but one; got "
            f"{tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}"
        )
    if attn_mask is not None and not (
        attn_mask.dtype.category == 0 or attn_mask.is_floating_point()
    ):
        raise ArgumentError(
            "scaled_dot_product_attention: attn_mask must be bool or floating, got "
            f"{attn_mask.dtype}"
        )


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query @ key^T * scale + mask) @ value`` (Vaswani et al. 2017).

    Args:
        query: (..., L, E). key: (..., S, E). value: (..., S, V).
        attn_mask: broadcasts to (..., L, S); bool (True takes part) or added.
        dropout_p: probability with which weights are dropped.
        is_causal: query i sees keys 0 to i only; excludes ``attn_mask``.
        scale: by default ``1 / sqrt(E)``.
        enable_gqa: fewer heads of keys and values, each serving several of queries.

    Returns:
        (..., L, V). A row that may see no key gives zeros.

    Raises:
        RuntimeError: shapes do not fit, or both kinds of mask are given.

    >>> import lampas
    >>> x = lampas.ones(1, 2, 4)
    >>> lampas.nn.functional.scaled_dot_product_attention(x, x, x).shape
    lampas.Size([1, 2, 4])
    """
    _check(query, key, value, attn_mask)
    if is_causal and attn_mask is not None:
        raise ShapeError(
            "scaled_dot_product_attention: give attn_mask or is_causal, not both"
        )
    if enable_gqa:
        key = repeat_interleave(key, query.shape[-3] // key.shape[-3], -3)
        value = repeat_interleave(value, query.shape[-3] // value.shape[-3], -3)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * factor, key.transpose(-2, -1))
    hidden = None
    if is_causal:
        hidden = _causal_mask(*scores.shape[-2:]).to(scores.device)
    elif attn_mask is not None and attn_mask.dtype.category == 0:
        hidden = attn_mask.logical_not()
    elif attn_mask is not None:
        scores = scores + attn_mask
    if hidden is not None:
        scores = masked_fill(scores, hidden, -math.inf)
    weights = softmax(scores, -1)
    if hidden is not None and not is_causal and bool(hidden.all(-1).any()):
        weights = masked_fill(weights, hidden.all(-1, keepdim=True), 0.0)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value)
