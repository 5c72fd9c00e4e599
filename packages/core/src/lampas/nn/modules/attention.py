"""Multi-head attention as a layer."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn import init
from lampas.nn.functional import multi_head_attention_forward
from lampas.nn.module import Module
from lampas.nn.modules.linear import Linear
from lampas.nn.parameter import Parameter
from lampas.ops.create import empty

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
        flip = self.batch_first and query.ndim == 3
        if flip:
            # One tensor stays one: its projections are then one product.
            same = query is key and key is value
            query = query.transpose(0, 1)
            key = query if same else key.transpose(0, 1)
            value = query if same else value.transpose(0, 1)
        separate = self.in_proj_weight is None
        y, weights = multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            self.training,
            key_padding_mask,
            need_weights,
            attn_mask,
            use_separate_proj_weight=separate,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (y.transpose(0, 1) if flip else y), weights
