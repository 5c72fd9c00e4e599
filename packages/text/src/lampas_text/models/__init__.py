"""Language models."""

from __future__ import annotations

from lampas_text.models.gpt import GPT, GPTConfig, gpt2, gpt_mini

__all__ = ["GPT", "GPTConfig", "gpt2", "gpt_mini"]
