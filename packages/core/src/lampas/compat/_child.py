"""How a child process comes to find lampas under PyTorch's names."""

from __future__ import annotations

import importlib
import sys

from lampas.compat._install import install

__all__ = ["take_over"]


def take_over(name: str) -> None:
    """Put lampas in the place of the module that is just being imported."""
    del sys.modules[name]
    install()
    importlib.import_module(name)
