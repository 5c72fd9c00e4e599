"""Text for lampas: tokenizers, data sets, language models, recipes.

Submodules load when first used; tokenizers load no model.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from lampas_text._version import __version__

_SUBMODULES = ("datasets", "models", "sampling", "tokenizers")

__all__ = ["__version__", *_SUBMODULES]


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"lampas_text.{name}")
    raise AttributeError(f"module 'lampas_text' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
