"""Attention: values averaged by how well their keys fit a query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.dtypes import HALVES, float32
from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import Tracer
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops.arrange import repeat_interleave
from lampas.ops.attend import attend
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
    if query.dtype is not key.dtype or query.dtype is not value.dtype:
        raise DTypeError(
            "scaled_dot_product_attention: query, key and value must have one dtype, "
            f"got {query.dtype}, {key.dtype}, {value.dtype}"
        )
    if not query.is_floating_point():
        raise DTypeError(
            f"scaled_dot_product_attention: query must be floating, got {query.dtype}"
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


def _for_each_query(query: Tensor, x: Tensor) -> Tensor:
    """The heads of keys or values, each as often as it serves a head of queries."""
    heads = query.shape[-3] if query.ndim > 2 else 1
    own = x.shape[-3] if x.ndim > 2 else 1
    if not own or heads % own:
        raise ShapeError(
            "scaled_dot_product_attention: with enable_gqa the heads of query must be "
            f"a multiple of those of key and of value, got {heads} and {own}"
        )
    return repeat_interleave(x, heads // own, -3) if heads != own else x


def _masked(scores: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """Scores under a mask, and which rows, if any, see no key.

    The scores of those rows are left finite, so that no gradient of theirs is nan.
    """
    if mask.dtype.category == 0:
        hidden = mask.logical_not()
    else:
        hidden = mask == -math.inf
        scores = scores + mask.to(scores.dtype)  # type: ignore[attr-defined]
    blind = hidden.all(-1, keepdim=True)
    if bool(blind.any()):
        seen = masked_fill(scores, blind, 0.0)
        return masked_fill(seen, hidden & ~blind, -math.inf), blind
    if mask.dtype.category == 0:
        scores = masked_fill(scores, hidden, -math.inf)
    return scores, None


def _follows(mask: Any) -> bool:
    """Whether a derivative with respect to the mask may be asked for."""
    if mask is None or mask.dtype.category == 0:
        return False
    return mask.requires_grad or isinstance(mask, Tracer)


def _without_weights(
    query: Tensor, key: Tensor, value: Tensor, mask: Any, causal: bool, factor: float
) -> Tensor:
    """The path without dropout and without a gradient of the mask."""
    front = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    query, key, value = (
        x if x.shape[:-2] == front else x.expand(*front, *x.shape[-2:])  # type: ignore[attr-defined]
        for x in (query, key, value)
    )
    if mask is None:
        mask = wrap(namespace_of(query._data).ones((), np.bool_))
    elif mask.dtype.category:
        mask = mask.to(query.dtype)
    return attend(query, key, value, mask, causal, float(factor))


@computes_in("half")
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
        is_causal: query i sees keys 0 to i only, and of those what ``attn_mask`` lets
            it see.
        scale: by default ``1 / sqrt(E)``.
        enable_gqa: fewer heads of keys and values, each serving several of queries.

    Returns:
        (..., L, V). A row that may see no key gives zeros.

    Raises:
        RuntimeError: shapes do not fit.

    >>> import lampas
    >>> x = lampas.ones(1, 2, 4)
    >>> lampas.nn.functional.scaled_dot_product_attention(x, x, x).shape
    lampas.Size([1, 2, 4])
    """
    _check(query, key, value, attn_mask)
    if enable_gqa:
        key, value = _for_each_query(query, key), _for_each_query(query, value)
    dtype = query.dtype
    if dtype in HALVES:
        # In between half precision would be rounded four times.
        query, key, value = (x.to(float32) for x in (query, key, value))  # type: ignore[attr-defined]
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    if not dropout_p and not _follows(attn_mask):
        return _without_weights(query, key, value, attn_mask, is_causal, factor).to(
            dtype
        )
    scores = matmul(query * factor, key.transpose(-2, -1))
    blind = None
    if is_causal:
        hidden = _causal_mask(*scores.shape[-2:]).to(scores.device)
        if attn_mask is None:
            scores = masked_fill(scores, hidden, -math.inf)
        elif attn_mask.dtype.category == 0:
            attn_mask = masked_fill(attn_mask, hidden, False)
        else:
            attn_mask = masked_fill(attn_mask, hidden, -math.inf)
    if attn_mask is not None:
        scores, blind = _masked(scores, attn_mask)
    weights = softmax(scores, -1)
    if blind is not None:
        weights = masked_fill(weights, blind, 0.0)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value).to(dtype)
