"""Models of sound."""

from __future__ import annotations

from lampas_audio.models.keyword_cnn import (
    KeywordCNN,
    keyword_cnn,
    keyword_features,
)

__all__ = ["KeywordCNN", "keyword_cnn", "keyword_features"]
