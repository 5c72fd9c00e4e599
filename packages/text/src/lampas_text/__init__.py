"""Text for lampas: tokenizers, data sets, language models, recipes."""

from lampas_text._version import __version__

__all__ = ["__version__"]
