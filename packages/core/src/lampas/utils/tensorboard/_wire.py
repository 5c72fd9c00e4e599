"""Fields of protocol buffer messages, as bytes.

A message is the concatenation of its fields; a field is a key, ``number << 3 | kind``,
and a value: a number of variable length (kind 0), 8 bytes (1), a length and that many
bytes (2), or 4 bytes (5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

__all__ = ["data", "double", "doubles", "floats", "integer", "single", "varint"]


def varint(value: int) -> bytes:
    """A whole number, seven bits to a byte, the low ones first.

    >>> varint(300).hex()
    'ac02'
    """
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def integer(number: int, value: int) -> bytes:
    """A field of a whole number, bool or enum."""
    return varint(number << 3) + varint(value)


def double(number: int, value: float) -> bytes:
    """A field of 8 bytes."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def single(number: int, value: float) -> bytes:
    """A field of 4 bytes; a number that float32 does not hold is infinite."""
    try:
        return varint(number << 3 | 5) + struct.pack("<f", value)
    except OverflowError:
        return varint(number << 3 | 5) + struct.pack("<f", value * float("inf"))


def data(number: int, value: bytes | str) -> bytes:
    """A field of bytes, text or another message."""
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def doubles(number: int, values: Iterable[float]) -> bytes:
    """A field of many numbers of 8 bytes."""
    packed = [float(v) for v in values]
    return data(number, struct.pack(f"<{len(packed)}d", *packed))


def floats(number: int, values: Iterable[float]) -> bytes:
    """A field of many numbers of 4 bytes."""
    packed = [float(v) for v in values]
    return data(number, struct.pack(f"<{len(packed)}f", *packed))
