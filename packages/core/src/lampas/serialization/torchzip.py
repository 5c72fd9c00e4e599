"""PyTorch's checkpoint archive: a zip of one pickle and the bytes of its storages.

::

    archive/data.pkl      the objects; storages are named by persistent ids
    archive/byteorder     little or big
    archive/data/0 ...    the storages, not compressed, each aligned to 64 bytes
    archive/version
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from lampas.dtypes import DType
from lampas.errors import FileFormatError, UnsafeFileError
from lampas.serialization.legacy import MAGIC, read_legacy
from lampas.serialization.plain import known_names, rebuild_with
from lampas.serialization.reading import read_exactly
from lampas.serialization.stored import Maker, Storage, storage_of
from lampas.serialization.unpickle import unpickle

__all__ = ["read_archive", "write_archive"]

_ALIGNMENT = 64
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")


class _Archive:
    """The entries of a zip file whose sizes have been found to be possible."""

    def __init__(self, file: BinaryIO, source: str, map_file: bool) -> None:
        self.file = file
        self.source = source
        self.entries = _entries(file, source)
        self.root = self._root()
        _check_sizes(self.entries.values(), file.seek(0, os.SEEK_END), source)
        self.pages = (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if map_file else None
        )
        self.swapped = self._byte_order() != sys.byteorder

    def _root(self) -> str:
        """The folder inside the archive, which is named after the file when saved."""
        found = [name for name in self.entries if name.endswith("/data.pkl")]
        if len(found) != 1 or found[0].count("/") != 1:
            raise FileFormatError(f"{self.source}: {_other_zip(self.entries)}")
        root = found[0].removesuffix("data.pkl")
        if f"{root}constants.pkl" in self.entries:
            raise UnsafeFileError(
                f"{self.source}: refused, nothing was executed: a TorchScript archive "
                "holds a program; save its state_dict() instead"
            )
        return root

    def _byte_order(self) -> str:
        name = f"{self.root}byteorder"
        return (
            self.small(name).decode("ascii", "replace")
            if name in self.entries
            else "little"
        )

    def _begin(self, info: zipfile.ZipInfo) -> int:
        """Where the bytes of an entry stand."""
        self.file.seek(info.header_offset)
        raw = self.file.read(_LOCAL_HEADER.size)
        fields = _LOCAL_HEADER.unpack(raw) if len(raw) == _LOCAL_HEADER.size else (b"",)
        if fields[0] != b"PK\x03\x04":
            raise FileFormatError(f"{self.source}: {info.filename} has no header")
        return info.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1]

    def _checked(self, info: zipfile.ZipInfo, data: np.ndarray) -> np.ndarray:
        checksum = zlib.crc32(data.data)
        if checksum != info.CRC:
            raise FileFormatError(
                f"{self.source}: {info.filename} is damaged: its checksum is "
                f"{checksum:08x}, expected {info.CRC:08x}"
            )
        return data

    def bytes_of(self, name: str) -> np.ndarray:
        """The bytes of one entry, read or mapped."""
        info = self.entries.get(name)
        if info is None:
            raise FileFormatError(f"{self.source}: {name} is missing")
        begin = self._begin(info)
        if self.pages is not None and begin + info.file_size <= len(self.pages):
            # Not checked: that would read every page, which mapping is to avoid.
            return np.frombuffer(self.pages, np.uint8, info.file_size, begin)
        self.file.seek(begin)
        data = read_exactly(self.file, info.file_size, f"{self.source}: {name}")
        return self._checked(info, data)

    def in_native_order(self, storage: Storage) -> Storage:
        """The storage, its elements in this machine's byte order."""
        if not self.swapped:
            return storage
        length = storage.count * storage.dtype.itemsize
        elements = storage.data[:length].view(storage.dtype.numpy)
        return replace(storage, data=elements.byteswap().view(np.uint8))

    def small(self, name: str) -> bytes:
        return self.bytes_of(name).tobytes()


def _entries(file: BinaryIO, source: str) -> dict[str, zipfile.ZipInfo]:
    """The directory of the archive."""
    size = file.seek(0, os.SEEK_END)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        OverflowError,
    ) as error:
        raise FileFormatError(
            f"{source}: the archive of {size} bytes has no readable directory at its "
            f"end; it was cut short or damaged ({error})"
        ) from error
    entries = {info.filename: info for info in infos}
    if len(entries) != len(infos):
        raise FileFormatError(f"{source}: the archive has two entries of one name")
    return entries


def _check_sizes(infos: Iterable[zipfile.ZipInfo], size: int, source: str) -> None:
    """Refuse entries that could grow to more than the file holds."""
    total = 0
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise FileFormatError(
                f"{source}: {info.filename} is compressed or encrypted; checkpoints "
                "hold their entries plainly, and one of unknown size is not unpacked"
            )
        if not 0 <= info.header_offset < size:
            raise FileFormatError(
                f"{source}: {info.filename} begins at byte {info.header_offset}, the "
                f"file has {size}"
            )
        total += info.file_size
    if total > size:
        raise FileFormatError(
            f"{source}: the entries announce {total} bytes, the file has {size}"
        )


def _other_zip(entries: dict[str, zipfile.ZipInfo]) -> str:
    if any(name.endswith(".npy") for name in entries):
        return "a NumPy .npz archive; read it with numpy.load"
    names = ", ".join(list(entries)[:3]) or "nothing"
    return f"a zip archive of something else than a checkpoint: it holds {names}"


def _refuse_other(start: bytes, size: int, source: str) -> None:
    """Name what arrived if it is no zip archive."""
    if start.startswith(b"PK\x03\x04"):
        return
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        raise UnsafeFileError(
            f"{source}: refused, nothing was executed: a bare pickle, not a checkpoint "
            "archive"
        )
    raise FileFormatError(
        f"{source}: neither a safetensors file nor a PyTorch archive: {size} bytes "
        f"that begin with {start[:8]!r}"
    )


def _read_old(
    file: BinaryIO, start: int, maker: Maker, source: str, map_file: bool
) -> object:
    if map_file:
        raise FileFormatError(
            f"{source}: mmap=True needs the format of PyTorch 1.6 and later"
        )
    file.seek(start)
    return read_legacy(file, maker, source)


def read_archive(
    file: BinaryIO, maker: Maker, source: str = "file", *, map_file: bool = False
) -> object:
    """Read a checkpoint without executing anything; also one of the older format.

    Args:
        file: open for reading, seekable.
        maker: makes the tensors.
        source: what errors call the file.
        map_file: map storages instead of reading them; written pages are copied, the
            file itself never changes.

    Returns:
        The object that was saved; tensors that shared memory share it again.

    Raises:
        pickle.UnpicklingError: the file asks for something that is not plain data.
        RuntimeError: it is damaged, cut short or of another kind.
    """
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    head = file.read(len(MAGIC))
    if head == MAGIC:
        return _read_old(file, start, maker, source, map_file)
    _refuse_other(head, size, source)
    archive = _Archive(file, source, map_file)
    raw: dict[str, np.ndarray] = {}
    storages: dict[tuple[str, DType], Storage] = {}

    def fetch(key: str, count: int) -> np.ndarray:
        if key not in raw:
            raw[key] = archive.bytes_of(f"{archive.root}data/{key}")
        if raw[key].size < count:
            raise FileFormatError(
                f"{source}: storage {key!r} should have {count} bytes, the file has "
                f"{raw[key].size}"
            )
        return raw[key]

    def persistent(identity: object) -> Storage:
        storage = storage_of(identity, fetch)
        if (storage.key, storage.dtype) not in storages:
            storages[storage.key, storage.dtype] = archive.in_native_order(storage)
        return storages[storage.key, storage.dtype]

    return unpickle(
        archive.small(f"{archive.root}data.pkl"),
        known_names(maker),
        persistent,
        rebuild_with(maker),
        source,
    )


def _add(
    archive: zipfile.ZipFile, out: BinaryIO, name: str, data: bytes | memoryview
) -> None:
    """Add one entry whose bytes begin at a multiple of the alignment."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.file_size = memoryview(data).nbytes
    # The padding hides in an extra field, whose own head takes four bytes; zipfile
    # adds 20 bytes of its own where sizes may need 64 bits.
    wide = 20 if info.file_size * 1.05 > zipfile.ZIP64_LIMIT else 0
    begin = out.tell() + _LOCAL_HEADER.size + len(name.encode()) + wide + 4
    padding = -begin % _ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
    with archive.open(info, "w") as entry:
        entry.write(data)


def write_archive(
    out: BinaryIO, pickled: bytes, storages: Sequence[np.ndarray]
) -> None:
    """Write the archive that :func:`read_archive` and ``torch.load`` read.

    Args:
        out: open for writing, seekable, empty.
        pickled: the objects, as :func:`lampas.serialization.pickling.pickle_plain`
            gives them.
        storages: the storages that they name "0", "1", ..., as contiguous bytes.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, out, "archive/data.pkl", pickled)
        _add(archive, out, "archive/.format_version", b"1")
        _add(archive, out, "archive/.storage_alignment", str(_ALIGNMENT).encode())
        _add(archive, out, "archive/byteorder", sys.byteorder.encode())
        for number, storage in enumerate(storages):
            _add(archive, out, f"archive/data/{number}", storage.data)
        _add(archive, out, "archive/version", b"3\n")
