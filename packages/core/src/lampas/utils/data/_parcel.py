"""A dataset on its way to spawned workers: large arrays travel once, files not at all.

Under fork the workers see the parent's memory. Spawned ones are sent a pickle; its
large buffers are written to one anonymous file, which every worker maps copy-on-write,
and an array that lies in a memory-mapped file is opened there again.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import weakref
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

import numpy as np

from lampas.utils.data._transport import HAS_SHARED_MEMORY

__all__ = ["Parcel"]

_LARGE = 1 << 16


def _mapped(array: np.ndarray) -> Any:
    """The array of a file whose memory ``array`` is part of."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(getattr(base, "_mmap", None), mmap.mmap):
            return base
        base = base.base
    return None


def _place_in_file(array: np.ndarray) -> tuple[Any, ...] | None:
    """What :func:`_open_again` needs, if the file has all that the array shows."""
    owner = _mapped(array)
    # Changes to a copy-on-write map are in this process alone.
    if owner is None or owner.mode == "c" or not owner.filename:
        return None
    if array.dtype.hasobject or not os.path.isfile(owner.filename):
        return None
    memory = np.frombuffer(owner._mmap, np.uint8)
    inside = array.__array_interface__["data"][0] - memory.ctypes.data
    start = owner.offset - owner.offset % mmap.ALLOCATIONGRANULARITY
    mode = "r" if owner.mode == "r" else "r+"
    path = os.fspath(owner.filename)
    return (
        path,
        mode,
        start,
        memory.size,
        inside,
        array.dtype,
        array.shape,
        array.strides,
    )


def _open_again(
    path: str,
    mode: Any,
    start: int,
    size: int,
    inside: int,
    dtype: np.dtype,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
) -> np.ndarray:
    memory = np.memmap(path, np.uint8, mode, start, (size,))
    return np.ndarray(shape, dtype, memory, inside, strides)


class _Packer(ForkingPickler):
    """Pickles with buffers apart, and arrays in files as their places there."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            place = _place_in_file(value)
            if place is not None:
                return _open_again, place
        return NotImplemented


class Parcel:
    """Something that arrives in a spawned process as what it holds.

    Args:
        content: what is sent, to any number of processes.
    """

    def __init__(self, content: Any) -> None:
        self._content = content
        self._places: dict[tuple[int, int], int] = {}
        self._file: int | None = None
        self._size = 0

    def __reduce__(self) -> Any:
        buffers: list[pickle.PickleBuffer] = []
        body = io.BytesIO()
        keep = buffers.append if HAS_SHARED_MEMORY else None
        _Packer(body, 5, True, keep).dump(self._content)
        parts = [self._part(buffer) for buffer in buffers]
        file = None if self._file is None else DupFd(self._file)
        return _unpack, (body.getvalue(), parts, file, self._size)

    def _part(self, buffer: pickle.PickleBuffer) -> Any:
        """Where a buffer stands in the file, written now or before; or its bytes."""
        view = buffer.raw()
        if view.nbytes < _LARGE:
            return view.tobytes(), view.readonly
        memory = np.frombuffer(view, np.uint8)
        key = (memory.ctypes.data, view.nbytes)
        if key not in self._places:
            self._places[key] = self._write(view)
        return self._places[key], view.nbytes, view.readonly

    def _write(self, view: memoryview) -> int:
        if self._file is None:
            self._file = os.memfd_create("lampas-dataset", os.MFD_CLOEXEC)
            weakref.finalize(self, os.close, self._file)
        start = -(-self._size // mmap.ALLOCATIONGRANULARITY)
        start *= mmap.ALLOCATIONGRANULARITY
        done = 0
        while done < view.nbytes:
            done += os.pwrite(self._file, view[done:], start + done)
        self._size = start + done
        return start


def _unpack(body: bytes, parts: list[Any], file: Any, size: int) -> Any:
    memory = memoryview(b"")
    if file is not None:
        descriptor = file.detach()
        try:
            # A worker's changes are its own, as under fork.
            memory = memoryview(mmap.mmap(descriptor, size, mmap.MAP_PRIVATE))
        finally:
            os.close(descriptor)
    return pickle.loads(body, buffers=[_buffer(memory, *part) for part in parts])


def _buffer(memory: memoryview, where: Any, *rest: Any) -> Any:
    if isinstance(where, bytes):
        return where if rest[0] else bytearray(where)
    size, readonly = rest
    view = memory[where : where + size]
    return view.toreadonly() if readonly else view
