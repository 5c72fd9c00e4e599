"""Multi-head attention as a layer."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError
from lampas.nn import init
from lampas.nn.functional import dropout as drop
from lampas.nn.functional import linear, scaled_dot_product_attention, softmax
from lampas.nn.module import Module
from lampas.nn.modules.linear import Linear
from lampas.nn.parameter import Parameter
from lampas.ops.create import empty, zeros
from lampas.ops.join import cat

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention with several heads, each on a part of the features.

    ``concat(head_1, ..., head_h) W_o`` with ``head_i = attention(q W_q, k W_k, v W_v)``
    (Vaswani et al. 2017). Parameters and their names are PyTorch's.

    Args:
        embed_dim: features of queries and outputs.
        num_heads: heads; they divide ``embed_dim``.
        dropout: of the attention weights, in training.
        bias: of the projections.
        add_bias_kv: append a learned key and value.
        add_zero_attn: append a key and value of zeros.
        kdim, vdim: features of keys and values, if not ``embed_dim``.
        batch_first: (B, L, E) instead of (L, B, E).

    Raises:
        ValueError: sizes are not positive or not divisible.

    >>> import lampas
    >>> layer = lampas.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = lampas.zeros(1, 3, 8)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    (lampas.Size([1, 3, 8]), lampas.Size([1, 3, 3]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ArgumentError(
                "embed_dim must be positive and divisible by num_heads, got "
                f"{embed_dim} and {num_heads}"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads
        same = self.kdim == self.vdim == embed_dim
        self._qkv_same_embed_dim = same

        def make(*shape: int) -> Tensor:
            return Parameter(empty(shape, device=device, dtype=dtype))

        self.in_proj_weight = make(3 * embed_dim, embed_dim) if same else None
        self.q_proj_weight = None if same else make(embed_dim, embed_dim)
        self.k_proj_weight = None if same else make(embed_dim, self.kdim)
        self.v_proj_weight = None if same else make(embed_dim, self.vdim)
        self.in_proj_bias = make(3 * embed_dim) if bias else None
        self.out_proj = Linear(
            embed_dim, embed_dim, bias=bias, device=device, dtype=dtype
        )
        self.bias_k = make(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = make(1, 1, embed_dim) if add_bias_kv else None
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (
            self.in_proj_weight,
            self.q_proj_weight,
            self.k_proj_weight,
            self.v_proj_weight,
        ):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; give the output and, if asked, the weights.

        Args:
            query, key, value: (L, B, E), (S, B, kdim), (S, B, vdim); B may be left out.
            key_padding_mask: (B, S); True (or -inf) leaves a key out.
            need_weights: whether to give the weights.
            attn_mask: (L, S) or (B * heads, L, S); True (or -inf) forbids.
            average_attn_weights: average them over the heads.
            is_causal: a hint that ``attn_mask`` is causal; the mask decides.

        Returns:
            (L, B, E), and (B, L, S), or (B, heads, L, S) if not averaged.
        """
        if query.ndim not in (2, 3):
            raise ShapeError(
                "MultiheadAttention: query must have 2 or 3 dimensions, got shape "
                f"{tuple(query.shape)}"
            )
        batched = query.ndim == 3
        if not batched:
            query, key, value = (x.unsqueeze(1) for x in (query, key, value))
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)
        elif self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        self._check(query, key, value, key_padding_mask, attn_mask)
        if is_causal and attn_mask is None:
            raise ArgumentError("MultiheadAttention: is_causal needs attn_mask too")
        y, weights = self._attend(
            query, key, value, key_padding_mask, attn_mask, need_weights
        )
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            return y.squeeze(1), None if weights is None else weights.squeeze(0)
        return (y.transpose(0, 1) if self.batch_first else y), weights

    def _check(self, q: Tensor, k: Tensor, v: Tensor, padding: Any, mask: Any) -> None:
        """Raise if shapes of (L, B, E), (S, B, kdim), (S, B, vdim) or masks differ."""
        (length, batch), keys = q.shape[:2], k.shape[0]
        wanted = (
            (length, batch, self.embed_dim),
            (keys, batch, self.kdim),
            (keys, batch, self.vdim),
        )
        for name, x, shape in zip(
            ("query", "key", "value"), (q, k, v), wanted, strict=True
        ):
            if tuple(x.shape) != shape:
                raise ShapeError(
                    f"{name} must be {shape} (length, batch, "
                    f"features), got {tuple(x.shape)}"
                )
        heads = batch * self.num_heads
        allowed = {"attn_mask": [(length, keys), (heads, length, keys)]}
        allowed["key_padding_mask"] = [(batch, keys)]
        for (name, shapes), given in zip(allowed.items(), (mask, padding), strict=True):
            if given is None:
                continue
            if tuple(given.shape) not in shapes:
                raise ShapeError(
                    f"{name} must be "
                    f"{' or '.join(map(str, shapes))}, got {tuple(given.shape)}"
                )
            if given.dtype.category not in (0, 2):
                raise ArgumentTypeError(
                    f"{name} must be bool or floating, got {given.dtype}"
                )

    def _projected(self, q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
        weights: list[Any]
        size, bias = self.embed_dim, self.in_proj_bias
        biases: list[Any] = [None] * 3 if bias is None else list(bias.split(size))
        if self.in_proj_weight is None:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        elif q is k and k is v:
            return list(linear(q, self.in_proj_weight, bias).split(size, -1))
        else:
            weights = list(self.in_proj_weight.split(size))
        return [
            linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True)
        ]

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        padding: Tensor | None,
        mask: Tensor | None,
        need_weights: bool,
    ) -> tuple[Tensor, Tensor | None]:
        q, k, v = self._projected(query, key, value)
        length, batch = q.shape[:2]
        extra = 0
        if self.bias_k is not None and self.bias_v is not None:
            k = cat([k, self.bias_k.expand(1, batch, -1)])
            v = cat([v, self.bias_v.expand(1, batch, -1)])
            extra += 1
        q, k, v = (self._heads(x, batch) for x in (q, k, v))
        if self.add_zero_attn:
            shape = (batch, self.num_heads, 1, self.head_dim)
            nothing = zeros(shape, dtype=k.dtype, device=k.device)
            k, v = cat([k, nothing], 2), cat([v, nothing], 2)
            extra += 1
        added = self._mask(q, k, padding, mask, extra)
        drop_p = self.dropout if self.training else 0.0
        if need_weights:
            scores = (q * self.head_dim**-0.5) @ k.transpose(-2, -1)
            weights = softmax(scores if added is None else scores + added, -1)
            context = drop(weights, drop_p, self.training) @ v
        else:
            weights = None
            context = scaled_dot_product_attention(q, k, v, added, drop_p)
        merged = context.permute(2, 0, 1, 3).reshape(length, batch, self.embed_dim)
        return self.out_proj(merged), weights

    def _heads(self, x: Tensor, batch: int) -> Tensor:
        """(L, B, E) to (B, heads, L, E / heads)."""
        return x.reshape(-1, batch, self.num_heads, self.head_dim).permute(1, 2, 0, 3)

    def _mask(
        self,
        q: Tensor,
        k: Tensor,
        padding: Tensor | None,
        mask: Tensor | None,
        extra: int,
    ) -> Tensor | None:
        """Both masks as one to add to scores (B, heads, L, S)."""
        batch, keys = q.shape[0], k.shape[2] - extra
        parts = []
        if mask is not None:
            mask = _additive(mask, q)
            if mask.ndim == 3:
                mask = mask.reshape(batch, self.num_heads, *mask.shape[1:])
            parts.append(mask)
        if padding is not None:
            parts.append(_additive(padding, q).reshape(batch, 1, 1, keys))
        if not parts:
            return None
        total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        if extra:
            kind: dict[str, Any] = {"dtype": total.dtype, "device": total.device}
            seen = zeros((*total.shape[:-1], extra), **kind)
            total = cat([total, seen], -1)
        return total


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask to add: True becomes -inf."""
    if mask.dtype.category != 0:
        return mask
    none = zeros(mask.shape, dtype=like.dtype, device=mask.device)
    return none.masked_fill(mask, float("-inf"))
