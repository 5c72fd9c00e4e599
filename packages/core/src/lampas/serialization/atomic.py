"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["atomic_write"]


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode_of(target: Path) -> int | None:
    """Permission bits of the file that will be replaced; None if there is none."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found.st_mode)


def _opened_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """A new file beside the target.

    Its name follows from the target's: what a killed process left behind is used again
    by the next write, instead of filling the disk. It stays locked while it is written;
    whoever finds it taken gets a name of their own.
    """
    # Not the target's name itself, which may be as long as names can be.
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    if fcntl is not None:
        path = target.with_name(f".lampas-{digest}.tmp")
        file = open(path, "wb", opener=_without_truncating)
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one before may have renamed it while we waited to look.
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                file.truncate()
                return path, file
        file.close()
    path = target.with_name(f".lampas-{digest}-{secrets.token_hex(8)}.tmp")
    return path, open(path, "xb")


def _without_truncating(path: str, flags: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _publish(temporary: Path, target: Path, mode: int | None) -> None:
    if mode is not None:
        os.chmod(temporary, mode)
    os.replace(temporary, target)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of ``path`` when the block succeeds.

    The bytes go to a temporary file in the same folder, reach the disk, and only then
    take the name over, so that a reader sees the old file or the new one and never a
    part. If the block or the disk fails, the old file stands and the temporary one is
    removed. A symbolic link keeps pointing where it pointed; a device such as
    ``/dev/null`` is written straight.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        The open temporary file.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.

    >>> import tempfile
    >>> name = os.path.join(tempfile.mkdtemp(), "note")
    >>> with atomic_write(name) as file:
    ...     _ = file.write(b"whole")
    >>> Path(name).read_bytes()
    b'whole'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as device:
            yield device
        return
    mode = _mode_of(target)
    temporary, file = _opened_temporary(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":
                # Before the lock goes with the closing, or another could take it over.
                _publish(temporary, target, mode)
        if os.name == "nt":
            _publish(temporary, target, mode)
    except BaseException:
        # Also Ctrl-C and SystemExit: nothing half-written may stay behind.
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)
