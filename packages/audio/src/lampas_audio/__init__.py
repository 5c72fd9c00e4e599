"""Sound for lampas: files, features, data sets, models, recipes."""

from lampas_audio._version import __version__

__all__ = ["__version__"]
