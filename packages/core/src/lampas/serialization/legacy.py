"""The checkpoint format of PyTorch before 1.6, in which many weights are published.

Five pickles one after the other (a magic number, a version, facts about the writing
machine, the objects, the names of their storages), then the bytes of each storage.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import numpy as np

from lampas.errors import FileFormatError
from lampas.serialization.names import damaged, shown
from lampas.serialization.plain import PLAIN_NAMES, known_names, rebuild, rebuild_with
from lampas.serialization.reading import read_exactly
from lampas.serialization.stored import (
    ArrayMaker,
    Maker,
    Storage,
    storage_of,
)
from lampas.serialization.unpickle import unpickle

__all__ = ["MAGIC", "read_legacy"]

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_VERSION = 1001


class _Bounded:
    """A file that is never asked for more than it has left."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self.file, self.end = file, end

    def read(self, count: int) -> bytes:
        return self.file.read(min(count, self.end - self.file.tell()))

    def readline(self) -> bytes:
        return self.file.readline()

    def tell(self) -> int:
        return self.file.tell()


class _Reader:
    """One file, read pickle by pickle."""

    def __init__(self, file: BinaryIO, source: str) -> None:
        start = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        file.seek(start)
        self.file = file
        self.stream = _Bounded(file, self.size)
        self.source = source
        self.storages: dict[str, np.ndarray] = {}

    def plain(self) -> object:
        """The next pickle, which must be of plain data."""
        return unpickle(self.stream, PLAIN_NAMES, _no_storage, rebuild, self.source)

    def objects(self, maker: Maker) -> object:
        """The pickle of the objects, over the storages known so far."""
        names, restore = known_names(maker), rebuild_with(maker)
        return unpickle(self.stream, names, self._storage, restore, self.source)

    def _storage(self, identity: object) -> Storage:
        if type(identity) is not tuple or len(identity) != 6 or identity[5] is not None:
            raise damaged(f"the persistent id {shown(identity)} is not a whole storage")
        return storage_of(identity[:5], self._reserve)

    def _reserve(self, key: str, count: int) -> np.ndarray:
        """Memory for a storage; its bytes stand behind the pickle that names it."""
        if key not in self.storages:
            total = count + sum(map(len, self.storages.values()))
            if total > self.size:
                raise damaged(f"its storages take {total} bytes of {self.size}")
            self.storages[key] = np.empty(count, np.uint8)
        if len(self.storages[key]) != count:
            raise damaged(f"storage {key!r} has two sizes")
        return self.storages[key]

    def fill(self, key: object) -> None:
        """Read the bytes of the next storage."""
        if type(key) is not str or key not in self.storages:
            raise FileFormatError(f"{self.source}: {shown(key)} is not a storage")
        what = f"{self.source}: storage {key!r}"
        read_exactly(self.file, 8, what)  # elements, which the pickle has told
        self.storages[key] = read_exactly(self.file, len(self.storages[key]), what)


def _no_storage(identity: object) -> object:
    raise damaged(f"a persistent id where none belongs: {shown(identity)}")


def read_legacy(file: BinaryIO, maker: Maker, source: str) -> object:
    """Read a checkpoint without executing anything.

    Args:
        file: open for reading, seekable, standing at the beginning.
        maker: makes the tensors.
        source: what errors call the file.

    Returns:
        The object that was saved; tensors that shared memory share it again.

    Raises:
        pickle.UnpicklingError: the file asks for something that is not plain data.
        RuntimeError: it is damaged, cut short or of another kind.
    """
    reader = _Reader(file, source)
    _, version, machine = reader.plain(), reader.plain(), reader.plain()
    if version != _VERSION or not isinstance(machine, dict):
        raise FileFormatError(
            f"{source}: expected version {_VERSION} of the format, got {shown(version)}"
        )
    if machine.get("little_endian") is not (sys.byteorder == "little"):
        raise FileFormatError(f"{source}: written on a machine of another byte order")
    begin = file.tell()
    # Once to learn which storages there are, and again when their bytes are known:
    # a tensor may have to be copied to its device at once.
    reader.objects(ArrayMaker(maker))
    keys = reader.plain()
    if type(keys) is not list or len(keys) != len(reader.storages):
        raise FileFormatError(f"{source}: the list of its storages does not fit them")
    for key in keys:
        reader.fill(key)
    file.seek(begin)
    return reader.objects(maker)
