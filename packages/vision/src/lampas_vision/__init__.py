"""Images for lampas: data sets, transforms, models, recipes."""

from lampas_vision._version import __version__

__all__ = ["__version__"]
