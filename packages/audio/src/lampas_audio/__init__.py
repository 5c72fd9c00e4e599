"""Sound for lampas: files, features, data sets, models, recipes.

Names follow torchaudio. Submodules load when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from lampas_audio._version import __version__

_SUBMODULES = ("datasets", "functional", "io", "models", "recipes", "transforms")
_LAZY = dict.fromkeys(("AudioMetaData", "info", "load", "save"), "io")

__all__ = [*sorted(_LAZY), *_SUBMODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"lampas_audio.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(f"lampas_audio.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'lampas_audio' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_LAZY})
