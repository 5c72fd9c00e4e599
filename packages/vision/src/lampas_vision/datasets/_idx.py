"""Read the IDX format in which MNIST is published."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from lampas.errors import FileFormatError

__all__ = ["read_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# Deflate cannot shrink anything further, so a header that promises more than this
# times the file's size is wrong.
_MAX_RATIO = 1032


def _read(file: IO[bytes], size: int, path: Path) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(
            f"{path}: the gzip file is damaged or cut short ({error}); fetch it again"
        ) from None


def _read_exactly(file: IO[bytes], size: int, path: Path, what: str) -> bytes:
    data = _read(file, size, path)
    if len(data) != size:
        raise FileFormatError(
            f"{path}: expected {size} bytes of {what}, got {len(data)}: the file was "
            "cut short; fetch it again"
        )
    return data


def _header(file: IO[bytes], path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = _read_exactly(file, 4, path, "IDX header")
    zero, code, ndim = struct.unpack(">HBB", magic)
    if zero != 0 or code not in _TYPES or not 1 <= ndim <= 8:
        raise FileFormatError(
            f"{path}: not an IDX file: expected it to begin with 00 00, a type and a "
            f"number of dimensions, got {magic.hex(' ')}"
        )
    sizes = _read_exactly(file, 4 * ndim, path, "IDX header")
    return np.dtype(_TYPES[code]), struct.unpack(f">{ndim}I", sizes)


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an IDX file, packed with gzip if its name ends in ``.gz``.

    Args:
        path: the file.

    Returns:
        The array, of the file's own shape, in the machine's byte order.

    Raises:
        FileFormatError: the file is of another kind, damaged or cut short, or its
            header promises more than the file can hold; nothing was allocated then.
        OSError: the file cannot be opened.

    >>> import tempfile
    >>> name = os.path.join(tempfile.mkdtemp(), "labels")
    >>> _ = Path(name).write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> read_idx(name)
    array([7, 9], dtype=uint8)
    """
    path = Path(path)
    packed = path.suffix == ".gz"
    limit = path.stat().st_size * (_MAX_RATIO if packed else 1)
    source: Any = gzip.open(path, "rb") if packed else open(path, "rb")
    with source as file:
        dtype, shape = _header(file, path)
        size = math.prod(shape) * dtype.itemsize
        if size > limit:
            raise FileFormatError(
                f"{path}: its header promises shape {shape}, {size} bytes, which a "
                f"file of {path.stat().st_size} bytes cannot hold"
            )
        data = _read_exactly(file, size, path, "data")
        # this also makes gzip compare its checksum
        if _read(file, 1, path):
            raise FileFormatError(
                f"{path}: it has bytes left over behind the {size} bytes of data"
            )
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
