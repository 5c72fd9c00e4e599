"""Send Python objects between processes; large arrays go through shared memory.

The memory is an anonymous file (``memfd``) whose descriptor travels over the socket:
it has no name that could stay behind when a process is killed, and does not count
against the size of ``/dev/shm``. Where the system has none, arrays go over the pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

__all__ = ["receive", "send"]

# Below this a copy through the socket is cheaper than mapping memory.
_LARGE = 1 << 16
_ALIGN = 64
HAS_SHARED_MEMORY = hasattr(os, "memfd_create")


def send(connection: Connection, message: Any) -> None:
    """Send a message; buffers of its arrays are not copied into the pickle."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, 5, buffer_callback=buffers.append)
    parts: list[Any] = [body, *(buffer.raw() for buffer in buffers)]
    sizes = [memoryview(part).nbytes for part in parts]
    shared = HAS_SHARED_MEMORY and sum(sizes) >= _LARGE
    connection.send_bytes(pickle.dumps((shared, sizes)))
    if shared:
        _send_shared(connection, parts)
        return
    for part, size in zip(parts, sizes, strict=True):
        if size:
            connection.send_bytes(part)


def receive(connection: Connection) -> Any:
    """Receive a message; its arrays are writable.

    Raises:
        EOFError: the other side is gone.
    """
    shared, sizes = pickle.loads(connection.recv_bytes())
    if shared:
        parts = _receive_shared(connection, sizes)
    else:
        parts = [_receive_part(connection, size) for size in sizes]
    return pickle.loads(parts[0], buffers=parts[1:])


def _receive_part(connection: Connection, size: int) -> memoryview:
    memory = np.empty(size, np.uint8)
    if size:
        connection.recv_bytes_into(memory.data)
    return memory.data


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _send_shared(connection: Connection, parts: list[Any]) -> None:
    descriptor = os.memfd_create("lampas-batch", os.MFD_CLOEXEC)
    try:
        for part in parts:
            view = memoryview(part).cast("B")
            padding = bytes(_padded(view.nbytes) - view.nbytes)
            while view.nbytes:
                view = view[os.write(descriptor, view) :]
            os.write(descriptor, padding)
        send_handle(connection, descriptor, None)
    finally:
        os.close(descriptor)


def _receive_shared(connection: Connection, sizes: list[int]) -> list[memoryview]:
    descriptor = recv_handle(connection)
    try:
        # The map lives as long as an array points into it.
        memory = memoryview(mmap.mmap(descriptor, sum(map(_padded, sizes))))
    finally:
        os.close(descriptor)
    parts, start = [], 0
    for size in sizes:
        parts.append(memory[start : start + size])
        start += _padded(size)
    return parts
