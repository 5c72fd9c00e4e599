"""``torch.nn.modules``: all layers, by the names of ``torch.nn``."""

from __future__ import annotations

from typing import Any

from lampas import nn


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(nn, name)
