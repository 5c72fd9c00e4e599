"""Images for lampas: data sets, transforms, models, recipes."""

from __future__ import annotations

import importlib
from types import ModuleType

from lampas_vision._version import __version__

__all__ = ["__version__", "datasets", "models", "transforms", "utils"]


def __getattr__(name: str) -> ModuleType:
    # transforms import without models, and the package without any of its parts
    if name in __all__:
        return importlib.import_module(f"lampas_vision.{name}")
    raise AttributeError(f"module 'lampas_vision' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
