"""The event file: records of one event each, appended as they come.

A record is the length (8 bytes), its check sum (4), the event, and that one's check
sum. Each is written by one call: a program that is killed leaves whole records, and
TensorBoard shows each as soon as it is written.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from itertools import count
from pathlib import Path

from lampas.utils.tensorboard import _wire as wire
from lampas.utils.tensorboard._crc import masked

__all__ = ["EventFile"]

_serial = count()


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    sums = struct.pack("<I", masked(length)), struct.pack("<I", masked(event))
    return length + sums[0] + event + sums[1]


class EventFile:
    """One event file in a folder, which is made where it is missing.

    Args:
        folder: where the file stands.
        suffix: ends its name.
        purge_step: events from this step on, of files before, are to be forgotten.
    """

    def __init__(self, folder: Path, suffix: str, purge_step: int | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = (
            f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}."
            f"{os.getpid()}.{next(_serial)}{suffix}"
        )
        self.path = folder / name
        self._lock = threading.Lock()
        self._file = open(self.path, "ab", buffering=0)
        self._put(wire.data(3, "brain.Event:2"), None, None)
        if purge_step is not None:
            self._put(wire.data(7, wire.integer(1, 1)), purge_step, None)

    def _put(self, body: bytes, step: int | None, walltime: float | None) -> None:
        event = wire.double(1, time.time() if walltime is None else walltime)
        if step is not None:
            event += wire.integer(2, int(step))
        record = memoryview(_record(event + body))
        with self._lock:
            while record:
                record = record[self._file.write(record) :]

    def add(self, value: bytes, step: int | None, walltime: float | None) -> None:
        """Append an event with a summary of one value."""
        self._put(wire.data(5, wire.data(1, value)), step, walltime)

    def flush(self) -> None:
        """Have the system bring to the disk what was written."""
        with self._lock:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()
