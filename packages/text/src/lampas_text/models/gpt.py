"""GPT: a decoder-only transformer as in GPT-2, norms before each part.

Read it in the order block, stage, network, builders. The keys of its state_dict are
those of nanoGPT; ``lm_head.weight`` and ``transformer.wte.weight`` are one tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import lampas
from lampas import Generator, Tensor, nn
from lampas.errors import ArgumentError
from lampas.nn import functional as F

__all__ = [
    "GPT",
    "MLP",
    "Block",
    "CausalSelfAttention",
    "GPTConfig",
    "Transformer",
    "gpt2",
    "gpt_mini",
]


@dataclass(frozen=True)
class GPTConfig:
    """Sizes of a GPT.

    Attributes:
        vocab_size: tokens in the vocabulary.
        block_size: the longest context, in tokens.
        n_layer: blocks.
        n_head: attention heads per block; divides ``n_embd``.
        n_embd: width.
        dropout: probability that a value is dropped while training.
        bias: whether linear layers and norms have biases, as GPT-2's do.

    Raises:
        ArgumentError: the width is not a multiple of the heads.
    """

    vocab_size: int = 50257
    block_size: int = 1024
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True

    def __post_init__(self) -> None:
        if self.n_embd % self.n_head:
            raise ArgumentError(
                f"GPTConfig: n_embd must be a multiple of n_head, got {self.n_embd} "
                f"and {self.n_head}"
            )


# Block


class CausalSelfAttention(nn.Module):
    """Each token looks at itself and those before it."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.n_head, self.dropout = config.n_head, config.dropout
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, time, width)`` to the same shape."""
        batch, time, width = x.shape
        heads = self.c_attn(x).view(batch, time, 3, self.n_head, width // self.n_head)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(
            query,
            key,
            value,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=True,
        )
        y = y.transpose(1, 2).reshape(batch, time, width)
        return self.resid_dropout(self.c_proj(y))


class MLP(nn.Module):
    """The part of a block that works on each token alone."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu = nn.GELU(approximate="tanh")
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, time, width)`` to the same shape."""
        return self.dropout(self.c_proj(self.gelu(self.c_fc(x))))


class Block(nn.Module):
    """Attention, then the MLP, each added to what came in."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, time, width)`` to the same shape."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


# Stage


class Transformer(nn.Module):
    """Embeddings, the blocks, and a last norm."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.drop = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, bias=config.bias)

    def forward(self, ids: Tensor) -> Tensor:
        """Map tokens ``(batch, time)`` to features ``(batch, time, width)``."""
        positions = lampas.arange(ids.shape[1], device=ids.device)
        x = self.drop(self.wte(ids) + self.wpe(positions))
        for block in self.h:
            x = block(x)
        return self.ln_f(x)


# Network


class GPT(nn.Module):
    """A language model.

    Args:
        config: its sizes.
        generator: draws the first weights; the default generator if None.

    >>> model = gpt_mini(vocab_size=65)
    >>> model(lampas.zeros(1, 8, dtype=lampas.int64)).shape
    lampas.Size([1, 8, 65])
    """

    def __init__(self, config: GPTConfig, generator: Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.transformer = Transformer(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Generator | None = None) -> None:
        """Draw weights as GPT-2 does: deviation 0.02, less where paths are added up."""
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                (
                    nn.init.ones_
                    if "ln_" in name and "weight" in name
                    else nn.init.zeros_
                )(parameter)
                continue
            # 2 parts per block add to the path, so its variance would grow with depth
            added = name.endswith("c_proj.weight")
            std = 0.02 / math.sqrt(2 * self.config.n_layer) if added else 0.02
            nn.init.normal_(parameter, 0.0, std, generator=generator)

    def forward(self, ids: Tensor) -> Tensor:
        """Score the token that follows each token.

        Args:
            ids: tokens ``(batch, time)``, integers; at most ``block_size`` long.

        Returns:
            Scores ``(batch, time, vocab_size)``.

        Raises:
            ArgumentError: the context is longer than ``block_size``.
        """
        if ids.shape[1] > self.config.block_size:
            raise ArgumentError(
                f"GPT: ids has {ids.shape[1]} tokens per row, "
                f"expected at most block_size = {self.config.block_size}"
            )
        return self.lm_head(self.transformer(ids))


# Builders


def gpt_mini(**sizes: Any) -> GPT:
    """Build the GPT of the character recipe: 4 layers, 4 heads, width 128, context 64.

    Args:
        sizes: fields of :class:`GPTConfig` that differ.
    """
    mini = {"block_size": 64, "n_layer": 4, "n_head": 4, "n_embd": 128, "bias": False}
    return GPT(GPTConfig(**{**mini, **sizes}))


def gpt2(**sizes: Any) -> GPT:
    """Build a GPT of GPT-2's smallest size: 12 layers, 12 heads, width 768.

    Args:
        sizes: fields of :class:`GPTConfig` that differ.
    """
    return GPT(GPTConfig(**sizes))
