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
from typing import TYPE_CHECKING, Any

from lampas_hub._version import __version__

if TYPE_CHECKING:
    from lampas_hub import errors
    from lampas_hub._cache import CachedFile, cache_folder, list_cache, prune_cache
    from lampas_hub._download import download
    from lampas_hub._entry import Entry, Metric
    from lampas_hub._load import load, load_file, load_state_dict
    from lampas_hub._registry import info, list_models, register

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

__all__ = [
    "CachedFile",
    "Entry",
    "Metric",
    "__version__",
    "cache_folder",
    "download",
    "errors",
    "info",
    "list_cache",
    "list_models",
    "load",
    "load_file",
    "load_state_dict",
    "prune_cache",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'lampas_hub' has no attribute {name!r}")
    if not _LAZY[name]:
        return importlib.import_module(f"lampas_hub.{name}")
    return getattr(importlib.import_module(f"lampas_hub.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
