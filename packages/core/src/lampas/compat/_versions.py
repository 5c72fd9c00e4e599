"""Which version of PyTorch's packages lampas says that it is."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from lampas._version import __version__
from lampas.compat._modules import ROOTS

__all__ = ["Version", "version_of"]

# The versions whose API is followed.
_FOLLOWED = {"torch": "2.13.0", "torchvision": "0.28.0", "torchaudio": "2.11.0"}


def _release(version: Any) -> tuple[int, ...]:
    if isinstance(version, tuple):
        version = ".".join(map(str, version))
    release = re.match(r"\d+(\.\d+)*", str(version))
    if release is None:
        raise TypeError(f"{version!r} is not a version")
    return tuple(map(int, release[0].split(".")))


class Version(str):
    """A version that compares with texts and tuples by its numbers.

    >>> Version("2.13.0+lampas.0.1.0") >= "2.2", Version("2.13.0") < (2, 9)
    (True, False)
    """

    def _pair(self, other: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
        ours, theirs = _release(self), _release(other)
        length = max(len(ours), len(theirs))
        pad = (0,) * length
        return (ours + pad)[:length], (theirs + pad)[:length]

    def __eq__(self, other: object) -> bool:
        if type(other) is str and "+" in other:
            return str(self) == other
        try:
            ours, theirs = self._pair(other)
        except TypeError:
            return False
        return ours == theirs

    def __lt__(self, other: Any) -> bool:
        ours, theirs = self._pair(other)
        return ours < theirs

    def __le__(self, other: Any) -> bool:
        ours, theirs = self._pair(other)
        return ours <= theirs

    def __gt__(self, other: Any) -> bool:
        ours, theirs = self._pair(other)
        return ours > theirs

    def __ge__(self, other: Any) -> bool:
        ours, theirs = self._pair(other)
        return ours >= theirs

    def __hash__(self) -> int:
        return str.__hash__(self)


def version_of(name: str) -> Version | None:
    """The version of ``torch``, ``torchvision`` or ``torchaudio``, if it is here."""
    if name not in ROOTS or importlib.util.find_spec(ROOTS[name][0]) is None:
        return None
    return Version(f"{_FOLLOWED[name]}+lampas.{__version__}")
