"""The safetensors format: a JSON header, then the bytes of every tensor.

Written here rather than through the ``safetensors`` package, so that a checkpoint is
streamed into an atomic file without a second copy in memory, and so that every error
names the file.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from lampas.errors import ArgumentError, ArgumentTypeError, FileFormatError
from lampas.serialization.names import shown
from lampas.serialization.reading import read_exactly

__all__ = ["check_writable", "read_safetensors", "write_safetensors"]

_NAMES = {
    np.dtype(np.bool_): "BOOL",
    np.dtype(np.uint8): "U8",
    np.dtype(np.int8): "I8",
    np.dtype(np.int16): "I16",
    np.dtype(np.uint16): "U16",
    np.dtype(np.int32): "I32",
    np.dtype(np.uint32): "U32",
    np.dtype(np.int64): "I64",
    np.dtype(np.uint64): "U64",
    np.dtype(np.float16): "F16",
    np.dtype(ml_dtypes.bfloat16): "BF16",
    np.dtype(np.float32): "F32",
    np.dtype(np.float64): "F64",
    np.dtype(np.complex64): "C64",
}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()}

# The format's own limit on its header, which keeps a hostile length from allocating.
_MAX_HEADER = 100_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where one tensor stands, its header already found consistent."""

    key: str
    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _entry(key: str, record: object, source: str) -> _Entry:
    """Check one header record by itself."""
    where = f"{source}: tensor {key!r}"
    if not isinstance(record, dict):
        raise FileFormatError(f"{where}: expected a record, got {shown(record)}")
    name, shape = record.get("dtype"), record.get("shape")
    offsets = record.get("data_offsets")
    dtype = _DTYPES.get(name) if isinstance(name, str) else None
    if dtype is None:
        known = " ".join(_DTYPES)
        raise FileFormatError(f"{where}: dtype {shown(name)} is none of {known}")
    if (
        not isinstance(shape, list)
        or len(shape) > 64
        or not all(map(_is_count, shape))
        or math.prod(shape) >= 2**63
    ):
        raise FileFormatError(f"{where}: {shown(shape)} is not a shape")
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(map(_is_count, offsets))
    ):
        raise FileFormatError(f"{where}: {shown(offsets)} is not a pair of offsets")
    begin, end = offsets
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise FileFormatError(
            f"{where}: {name} of shape {tuple(shape)} takes "
            f"{math.prod(shape) * dtype.itemsize} bytes, its offsets span {end - begin}"
        )
    return _Entry(key, dtype, tuple(shape), begin, end)


def _refuse_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key appears twice")
    return dict(pairs)


def _parse_header(
    raw: bytes, data_size: int, source: str
) -> tuple[list[_Entry], dict[str, str]]:
    """Entries in file order, and metadata, of a header that fits its file."""
    try:
        header = json.loads(raw, object_pairs_hook=_refuse_doubles)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{source}: the safetensors header is not JSON: {error}"
        ) from error
    if not isinstance(header, dict):
        raise FileFormatError(f"{source}: the safetensors header is not an object")
    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) for value in metadata.values()
    ):
        raise FileFormatError(f"{source}: __metadata__ must map strings to strings")
    entries = [_entry(key, record, source) for key, record in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = 0
    for entry in entries:
        # A gap hides bytes and an overlap multiplies them: the format forbids both.
        if entry.begin != position:
            raise FileFormatError(
                f"{source}: tensor {entry.key!r} begins at byte {entry.begin} of the "
                f"data, expected {position}"
            )
        position = entry.end
    if position != data_size:
        start = 8 + len(raw)
        kind = "was cut short" if position > data_size else "has bytes left over"
        raise FileFormatError(
            f"{source}: the file {kind}: its header expects {start + position} bytes, "
            f"there are {start + data_size}"
        )
    return entries, metadata


def _read_header(file: BinaryIO, source: str) -> tuple[list[_Entry], dict, int]:
    """Entries, metadata and where the data begins; ``file`` is left there."""
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(size - 8, _MAX_HEADER):
        raise FileFormatError(
            f"{source}: not a safetensors file, or one cut short: it has {size} bytes "
            f"and announces a header of {length}"
        )
    raw = file.read(length)
    entries, metadata = _parse_header(raw, size - 8 - length, source)
    return entries, metadata, start + 8 + length


def _native(array: np.ndarray) -> np.ndarray:
    """Little-endian bytes, as the file holds them, in the machine's order."""
    return array if sys.byteorder == "little" else array.byteswap()


def _array(entry: _Entry, buffer: Any, offset: int) -> np.ndarray:
    return _native(np.ndarray(entry.shape, entry.dtype, buffer=buffer, offset=offset))


def read_safetensors(
    file: BinaryIO, source: str = "file", *, map_file: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read every tensor and the metadata.

    All sizes in the header are checked against the file before anything is allocated.

    Args:
        file: open for reading, seekable, standing at the header.
        source: what errors call the file.
        map_file: map the file instead of reading it (``file`` must be a real one);
            pages are then copied when written to, the file itself never changes.

    Returns:
        Arrays by name in file order, and the metadata.

    Raises:
        RuntimeError: the file is damaged, cut short or of another kind.

    >>> import io
    >>> file = io.BytesIO()
    >>> write_safetensors(file, {"w": np.ones(2, np.float32)})
    >>> _ = file.seek(0)
    >>> read_safetensors(file)[0]["w"]
    array([1., 1.], dtype=float32)
    """
    entries, metadata, start = _read_header(file, source)
    if map_file and entries:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        mapped = {e.key: _array(e, pages, start + e.begin) for e in entries}
        # Files of other writers may place a tensor at an odd byte: those are copied.
        arrays = {key: np.require(a, requirements="A") for key, a in mapped.items()}
    else:
        arrays = {}
        for entry in entries:
            what = f"{source}: tensor {entry.key!r}"
            raw = read_exactly(file, entry.end - entry.begin, what)
            arrays[entry.key] = _array(entry, raw, 0)
    return arrays, metadata


def check_writable(
    tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Raise what :func:`write_safetensors` would raise, before a file is opened."""
    for key, array in tensors.items():
        if not isinstance(key, str) or key == "__metadata__":
            raise ArgumentError(f"{key!r} cannot name a tensor in a safetensors file")
        if array.dtype not in _NAMES:
            raise ArgumentTypeError(
                f"tensor {key!r}: safetensors cannot hold {array.dtype}; it takes "
                + " ".join(str(dtype) for dtype in _NAMES)
            )
    for key, value in (metadata or {}).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ArgumentTypeError(
                f"metadata must map strings to strings, got {key!r}: {shown(value)}"
            )


def write_safetensors(
    file: BinaryIO,
    tensors: Mapping[str, np.ndarray],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write arrays by name, the widest types first so that all are aligned.

    Args:
        file: open for writing.
        tensors: arrays of the types that the format knows, any strides.
        metadata: strings by string.

    Raises:
        ValueError: a name that the format reserves.
        TypeError: an array's dtype or a metadata value that the format cannot hold;
            nothing has been written then.
    """
    metadata = metadata or {}
    check_writable(tensors, metadata)
    order = sorted(tensors, key=lambda key: (-tensors[key].dtype.itemsize, key))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for key in order:
        array = tensors[key]
        header[key] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    file.write(len(raw).to_bytes(8, "little"))
    file.write(raw)
    for key in order:
        contiguous = _native(np.ascontiguousarray(tensors[key]))
        file.write(contiguous.reshape(-1).view(np.uint8).data)
