"""Pretrained models by name or by path."""

from lampas_hub._version import __version__

__all__ = ["__version__"]
