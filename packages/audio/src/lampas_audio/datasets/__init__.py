"""Data sets of sound: folders of classes, and spoken digits."""

from __future__ import annotations

from lampas_audio.datasets._base import DatasetNotFoundError
from lampas_audio.datasets.folder import SoundFolder
from lampas_audio.datasets.fsdd import FSDD

__all__ = ["FSDD", "DatasetNotFoundError", "SoundFolder"]
