"""Tools around training: data that feeds it, memory that it saves, what it costs."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["checkpoint", "data", "summary", "tensorboard"]


def __getattr__(name: str) -> Any:
    if name == "summary":
        return importlib.import_module("lampas.utils._summary").summary
    if name in __all__:
        return importlib.import_module(f"lampas.utils.{name}")
    raise AttributeError(f"module 'lampas.utils' has no attribute {name!r}")
