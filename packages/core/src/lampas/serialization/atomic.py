"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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
    # Not derived from the target's name, which may be as long as names can be.
    temporary = target.with_name(f".lampas-{secrets.token_hex(8)}.tmp")
    file = open(temporary, "xb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        # Also Ctrl-C and SystemExit: nothing half-written may stay behind.
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)
