"""``lampas.save`` and ``lampas.load``: tensors and what holds them, in files."""

from __future__ import annotations

from lampas.io._files import load, save
from lampas.io._homes import home_of

__all__ = ["load", "save"]
