"""Tools around training: :mod:`lampas.utils.data` feeds it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["data"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"lampas.utils.{name}")
    raise AttributeError(f"module 'lampas.utils' has no attribute {name!r}")
