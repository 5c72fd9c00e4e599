"""The command line: ``lampas train``, ``eval``, ``predict``, ``doctor`` and more."""

from __future__ import annotations

from lampas.cli._main import main

__all__ = ["main"]
