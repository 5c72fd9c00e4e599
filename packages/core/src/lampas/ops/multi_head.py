"""Multi-head attention of given weights: projections, masks, heads, projection back."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import HALVES, float32
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops.attention import scaled_dot_product_attention
from lampas.ops.create import zeros
from lampas.ops.dropout import dropout
from lampas.ops.join import cat
from lampas.ops.matmul import linear
from lampas.ops.pad import pad
from lampas.ops.softmax import softmax

__all__ = ["multi_head_attention_forward"]

_NAME = "multi_head_attention_forward"


class HeadsError(ShapeError, AssertionError):
    """Sizes of attention that do not go together; PyTorch asserts them."""


def _check_shapes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int
) -> None:
    shapes = [tuple(x.shape) for x in (query, key, value)]
    if len(shapes[0]) not in (2, 3) or any(len(s) != len(shapes[0]) for s in shapes):
        raise HeadsError(
            f"{_NAME}: query, key and value must all be (L, B, E) or all be (L, E), "
            f"got shapes {', '.join(map(str, shapes))}"
        )
    if shapes[0][-1] != embed_dim:
        raise HeadsError(
            f"{_NAME}: query must have {embed_dim} features (embed_dim_to_check), got "
            f"shape {shapes[0]}"
        )
    if heads < 1 or embed_dim % heads:
        raise HeadsError(
            f"{_NAME}: the {embed_dim} features can't be divided among {heads} heads"
        )
    if shapes[1][:-1] != shapes[2][:-1] or shapes[0][1:-1] != shapes[1][1:-1]:
        raise HeadsError(
            f"{_NAME}: key and value must agree in length, and with query in the "
            f"batch; got shapes {', '.join(map(str, shapes))}"
        )


def _projected(
    inputs: tuple[Tensor, Tensor, Tensor],
    packed: Tensor | None,
    apart: tuple[Tensor | None, ...] | None,
    bias: Tensor | None,
) -> list[Any]:
    query, key, value = inputs
    biases: list[Any] = [None] * 3 if bias is None else list(bias.chunk(3))  # type: ignore[attr-defined]
    weights: list[Any]
    if apart is not None:
        for name, weight in zip("qkv", apart, strict=True):
            if weight is None:
                raise HeadsError(f"{_NAME}: {name}_proj_weight is needed, got None")
        weights = list(apart)
    elif packed is None:
        raise HeadsError(f"{_NAME}: in_proj_weight is needed, got None")
    elif query is key and key is value:
        return list(linear(query, packed, bias).chunk(3, -1))  # type: ignore[attr-defined]
    else:
        weights = list(packed.chunk(3))  # type: ignore[attr-defined]
    pairs = zip(inputs, weights, biases, strict=True)
    return [linear(x, w, b) for x, w, b in pairs]


def _heads(x: Any, heads: int) -> Any:
    """(L, B, E) to (B, heads, L, E / heads)."""
    length, batch, size = x.shape
    return x.reshape(length, batch, heads, size // heads).permute(1, 2, 0, 3)


def _static(name: str, given: Any, own: Any, bias: Any) -> Any:
    """Keys or values given ready, (B * heads, S, E / heads), by batch and head."""
    if given is None:
        return own
    batch, heads, _, size = own.shape
    if bias is not None:
        raise HeadsError(f"{_NAME}: a bias can't be added to {name}")
    if given.ndim != 3 or given.shape[0] != batch * heads or given.shape[2] != size:
        raise HeadsError(
            f"{_NAME}: {name} must have shape {(batch * heads, 'S', size)}, got "
            f"{tuple(given.shape)}"
        )
    return given.reshape(batch, heads, given.shape[1], size)


def _with_more(k: Any, v: Any, bias_k: Any, bias_v: Any, zero: bool) -> tuple[Any, Any]:
    """One more key and value from the biases, and one of zeros."""
    if (bias_k is None) != (bias_v is None):
        raise HeadsError(f"{_NAME}: bias_k and bias_v go together")
    if bias_k is not None:
        batch, heads = k.shape[:2]
        rows = [b.reshape(1, 1, -1) for b in (bias_k, bias_v)]
        more = [_heads(row, heads).expand(batch, -1, -1, -1) for row in rows]
        k, v = cat([k, more[0]], 2), cat([v, more[1]], 2)
    if zero:
        k, v = pad(k, (0, 0, 0, 1)), pad(v, (0, 0, 0, 1))
    return k, v


def _additive(name: str, mask: Any, like: Tensor) -> Any:
    """A mask to add to scores: True becomes -inf."""
    if mask.dtype.category == 0:
        empty: Any = zeros(mask.shape, dtype=like.dtype, device=like.device)
        return empty.masked_fill(mask, float("-inf"))
    if not mask.is_floating_point():
        raise DTypeError(f"{_NAME}: {name} must be bool or floating, got {mask.dtype}")
    return mask.to(like.dtype)


def _mask(like: Any, keys: int, extra: int, padding: Any, mask: Any) -> Tensor | None:
    """Both masks as one to add to scores (B, heads, L, S)."""
    batch, heads, length = like.shape[:3]
    total: Any = None
    if mask is not None:
        allowed = ((length, keys), (batch * heads, length, keys))
        if tuple(mask.shape) not in allowed:
            raise ShapeError(
                f"{_NAME}: attn_mask must have shape {allowed[0]} or {allowed[1]}, got "
                f"{tuple(mask.shape)}"
            )
        total = _additive("attn_mask", mask, like)
        if mask.ndim == 3:
            total = total.reshape(batch, heads, length, keys)
    if padding is not None:
        if tuple(padding.shape) != (batch, keys):
            raise HeadsError(
                f"{_NAME}: key_padding_mask must have shape {(batch, keys)}, got "
                f"{tuple(padding.shape)}"
            )
        hidden = _additive("key_padding_mask", padding, like)
        hidden = hidden.reshape(batch, 1, 1, keys)
        total = hidden if total is None else total + hidden
    return pad(total, (0, extra)) if extra and total is not None else total


def _scores(q: Any, k: Any, mask: Any) -> Any:
    """``q @ k + mask``; in half precision rounded once, after the sum."""
    if mask is None:
        return q @ k
    if q.dtype not in HALVES:
        return q @ k + mask
    return (q.to(float32) @ k.to(float32) + mask).to(q.dtype)


def _attended(
    q: Any, k: Any, v: Any, mask: Any, dropout_p: float, need_weights: bool
) -> tuple[Any, Any]:
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, dropout_p), None
    scores = _scores(q * q.shape[-1] ** -0.5, k.transpose(-2, -1), mask)
    weights = softmax(scores, -1)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return weights @ v, weights


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What :class:`lampas.nn.MultiheadAttention` computes, of given weights.

    Args:
        query, key, value: (L, B, E), (S, B, Ek), (S, B, Ev); B may be left out.
        embed_dim_to_check, num_heads: E, and the heads that divide it.
        in_proj_weight: (3 E, E), unless ``use_separate_proj_weight``.
        in_proj_bias: (3 E,).
        bias_k, bias_v: (1, 1, E), one more key and value.
        add_zero_attn: one more key and value of zeros.
        dropout_p: of the attention weights, if ``training``.
        out_proj_weight, out_proj_bias: (E, E), (E,).
        key_padding_mask: (B, S); True leaves a key out, numbers are added to scores.
        need_weights: whether to give the weights.
        attn_mask: (L, S) or (B heads, L, S); True forbids, numbers are added.
        use_separate_proj_weight: take the next three.
        q_proj_weight, k_proj_weight, v_proj_weight: (E, E), (E, Ek), (E, Ev).
        static_k, static_v: (B heads, S, E / heads), instead of projected ones.
        average_attn_weights: average the weights over the heads.
        is_causal: a hint that ``attn_mask`` is causal; the mask decides.

    Returns:
        (L, B, E); and (B, L, S), (B, heads, L, S) if not averaged, or None.

    Raises:
        RuntimeError: shapes or dtypes that do not fit.

    >>> x, w = lampas.ones(2, 1, 4), lampas.ones(12, 4)
    >>> none = lampas.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, None, None, None, False, 0.0, w[:4], None
    ... )
    >>> none[0].shape, none[1].shape
    (lampas.Size([2, 1, 4]), lampas.Size([1, 2, 2]))
    """
    _check_shapes(query, key, value, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise ShapeError(f"{_NAME}: is_causal is a hint; attn_mask must be given too")
    batched = query.ndim == 3
    inputs: Any = (query, key, value)
    if not batched:
        same = query is key and key is value
        inputs = tuple(x.unsqueeze(1) for x in inputs)
        inputs = inputs[:1] * 3 if same else inputs
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)  # type: ignore[attr-defined]
    apart = (q_proj_weight, k_proj_weight, v_proj_weight)
    separate = apart if use_separate_proj_weight else None
    q, k, v = _projected(inputs, in_proj_weight, separate, in_proj_bias)
    q, k, v = (_heads(x, num_heads) for x in (q, k, v))
    k = _static("static_k", static_k, k, bias_k)
    v = _static("static_v", static_v, v, bias_v)
    keys = k.shape[2]
    k, v = _with_more(k, v, bias_k, bias_v, add_zero_attn)
    extra = k.shape[2] - keys
    mask = _mask(q, keys, extra, key_padding_mask, attn_mask)
    drop = dropout_p if training else 0.0
    context, weights = _attended(q, k, v, mask, drop, need_weights)
    merged = context.permute(2, 0, 1, 3).flatten(2)
    y = linear(merged, out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = weights.mean(1)
    if not batched:
        y = y.squeeze(1)  # type: ignore[attr-defined]
        weights = None if weights is None else weights.squeeze(0)
    return y, weights
