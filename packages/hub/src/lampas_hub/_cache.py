"""The cache folder: one copy of every file, found by its hash."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lampas_hub.errors import HashError

__all__ = [
    "CachedFile",
    "cache_folder",
    "check_hash",
    "is_offline",
    "list_cache",
    "prune_cache",
    "sha256_of",
]


def cache_folder() -> Path:
    """The folder that holds everything downloaded.

    ``LAMPAS_HOME`` if set, else ``lampas`` in ``XDG_CACHE_HOME`` or ``~/.cache``.
    """
    home = os.environ.get("LAMPAS_HOME")
    if home:
        return Path(home)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lampas"


def is_offline() -> bool:
    """Whether ``LAMPAS_OFFLINE`` forbids connections."""
    return os.environ.get("LAMPAS_OFFLINE", "0").lower() not in ("", "0", "no", "false")


def _files_folder() -> Path:
    return cache_folder() / "files"


def place_of(sha256: str, filename: str) -> Path:
    """Where a file of this hash stands once it is there."""
    return _files_folder() / sha256 / filename


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hash(path: Path, expected: str, advice: str) -> None:
    """Raise unless a file has the hash that was promised.

    Raises:
        HashError: it names both hashes and ends with ``advice``.
    """
    found = sha256_of(path)
    if found != expected:
        raise HashError(
            f"{path}: sha256 is {found}, expected {expected}: the file is damaged or "
            f"is another one; {advice}"
        )


@dataclass(frozen=True, slots=True)
class CachedFile:
    """One file of the cache.

    Attributes:
        path: where it stands.
        size: its bytes; 0 for a second name of the same ones.
        used: when it was last used, in seconds since 1970.
        partial: whether it is a download that was interrupted.
    """

    path: Path
    size: int
    used: float
    partial: bool


def touch(path: Path) -> None:
    """Note that a file was used now; a cache that is read-only keeps no such note."""
    if os.access(path, os.W_OK):
        os.utime(path)


def list_cache() -> list[CachedFile]:
    """The files of the cache, the largest first.

    >>> all(file.size >= 0 for file in list_cache())
    True
    """
    found, seen = [], set()
    for path in sorted(_files_folder().glob("*/*")):
        if path.suffix == ".lock" or not path.is_file():
            continue
        status = path.stat()
        # A second name of the same bytes takes no room.
        size = 0 if status.st_ino in seen else status.st_size
        seen.add(status.st_ino)
        found.append(
            CachedFile(path, size, status.st_mtime, partial=path.suffix == ".part")
        )
    return sorted(found, key=lambda file: (-file.size, file.path))


def _remove(files: Iterable[CachedFile]) -> None:
    for file in files:
        file.path.unlink(missing_ok=True)
        rest = list(file.path.parent.iterdir())
        if all(path.suffix == ".lock" for path in rest):
            for path in rest:
                path.unlink(missing_ok=True)
            file.path.parent.rmdir()


def prune_cache(days: float = 30.0, *, dry_run: bool = False) -> list[CachedFile]:
    """Remove what was not used for some time.

    Args:
        days: files used within so many days stay; 0 removes everything.
        dry_run: only say what would be removed.

    Returns:
        The files that are gone, or would be.
    """
    limit = time.time() - days * 86400
    old = [file for file in list_cache() if file.used <= limit]
    if not dry_run:
        _remove(old)
    return old
