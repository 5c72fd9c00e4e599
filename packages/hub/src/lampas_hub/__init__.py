"""Pretrained models by name or by path, and files from the net, checked.

A registry entry is data: a TOML file that a package ships in its ``weights`` folder.
Files are kept once in one cache folder, by hash; a cached file is used without asking
anybody, and ``LAMPAS_OFFLINE=1`` forbids every connection.

>>> import lampas_hub
>>> isinstance(lampas_hub.list_models(), list)
True
"""

from __future__ import annotations

import importlib
from typing import Any

from lampas_hub._version import __version__

# What is loaded when first used: a connection's machinery costs a fifth of a second.
_LAZY = {
    "CachedFile": "_cache",
    "Entry": "_entry",
    "Metric": "_entry",
    "cache_folder": "_cache",
    "download": "_download",
    "errors": "",
    "info": "_registry",
    "list_cache": "_cache",
    "list_models": "_registry",
    "load": "_load",
    "load_file": "_load",
    "load_state_dict": "_load",
    "prune_cache": "_cache",
    "register": "_registry",
}

__all__ = [*sorted(_LAZY), "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lampas_hub' has no attribute {name!r}")
    if not _LAZY[name]:
        return importlib.import_module(f"lampas_hub.{name}")
    return getattr(importlib.import_module(f"lampas_hub.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
