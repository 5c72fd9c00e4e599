"""Text to numbers and back. Importing this loads no model."""

from __future__ import annotations

from lampas_text.tokenizers._byte import ByteTokenizer
from lampas_text.tokenizers._char import CharTokenizer
from lampas_text.tokenizers._subword import SubwordTokenizer

__all__ = ["ByteTokenizer", "CharTokenizer", "SubwordTokenizer"]
