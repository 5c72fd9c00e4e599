"""What can go wrong between a name and a model."""

from __future__ import annotations

from lampas.errors import LampasError

__all__ = [
    "DownloadError",
    "EntryError",
    "HashError",
    "HubError",
    "OfflineError",
    "UnknownModelError",
]


class HubError(LampasError, RuntimeError):
    """Base of the errors of lampas-hub."""


class EntryError(HubError):
    """A registry entry lacks something, or says something impossible."""


class UnknownModelError(HubError):
    """No package that is installed registers this name."""


class DownloadError(HubError, ConnectionError):
    """No mirror gave the file; the text lists what each one said."""


class OfflineError(DownloadError):
    """The file is not in the cache and connections are switched off."""


class HashError(HubError):
    """A file's bytes are not the ones that were promised."""
