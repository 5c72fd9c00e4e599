"""Read an exact number of bytes from any file object."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from lampas.errors import FileFormatError

__all__ = ["read_exactly"]


def read_exactly(file: BinaryIO, count: int, what: str) -> np.ndarray:
    """Read ``count`` bytes into an array of their own.

    Args:
        file: open for reading; ``readinto`` is used where it has one.
        count: how many bytes, already found to be possible.
        what: what errors call these bytes.

    Raises:
        RuntimeError: the file ends before.

    >>> import io
    >>> read_exactly(io.BytesIO(b"abc"), 2, "two bytes").tolist()
    [97, 98]
    """
    data = np.empty(count, np.uint8)
    space = memoryview(data.data)
    done = 0
    # One call may give less than it was asked for: Linux stops at 2 GB.
    while done < count:
        got = _read_some(file, space[done:])
        if not got:
            raise FileFormatError(
                f"{what} was cut short: it has {done} bytes, expected {count}"
            )
        done += got
    return data


def _read_some(file: Any, space: memoryview) -> int:
    if hasattr(file, "readinto"):
        return file.readinto(space) or 0
    part = file.read(len(space))
    space[: len(part)] = part
    return len(part)
