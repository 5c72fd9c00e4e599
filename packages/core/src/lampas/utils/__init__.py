"""Tools around training: data that feeds it, memory that it saves."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["checkpoint", "data", "tensorboard"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"lampas.utils.{name}")
    raise AttributeError(f"module 'lampas.utils' has no attribute {name!r}")
