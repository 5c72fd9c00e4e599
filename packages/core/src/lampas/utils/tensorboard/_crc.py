"""CRC-32C, the check sum of event files (polynomial 0x1EDC6F41, reflected).

Long inputs are cut into blocks whose remainders NumPy computes side by side. Remainders
are linear over bits: that of two joined blocks is the left one, moved on by the length
of the right one, xor the right one.
"""

from __future__ import annotations

import numpy as np

__all__ = ["crc32c", "masked"]

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_BLOCK_BITS = 7
_BLOCK = 1 << _BLOCK_BITS


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()
_WIDE_TABLE = np.array(_TABLE, np.uint32)


def _short(data: bytes) -> int:
    crc, table = _ONES, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ _ONES


def _apply(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Multiply a matrix over bits, given by its 32 columns, with each value."""
    result = np.zeros_like(values)
    for bit in range(32):
        result ^= columns[bit] * (values >> np.uint32(bit) & np.uint32(1))
    return result


def _one_zero_byte() -> np.ndarray:
    units = np.uint32(1) << np.arange(32, dtype=np.uint32)
    return _WIDE_TABLE[units & np.uint32(255)] ^ units >> np.uint32(8)


def _long(data: bytes) -> int:
    # The first register, all ones, is as good as the first four bytes inverted; from
    # a register of zeros, leading zeros change nothing.
    count = 1 << (-(-len(data) // _BLOCK) - 1).bit_length()
    padded = np.zeros(count * _BLOCK, np.uint8)
    start = padded.size - len(data)
    padded[start:] = np.frombuffer(data, np.uint8)
    padded[start : start + 4] ^= np.uint8(255)
    blocks = np.ascontiguousarray(padded.reshape(count, _BLOCK).T)
    crc = np.zeros(count, np.uint32)
    for row in blocks:
        crc = _WIDE_TABLE[(crc ^ row) & np.uint32(255)] ^ crc >> np.uint32(8)
    move = _one_zero_byte()
    for _ in range(_BLOCK_BITS):
        move = _apply(move, move)
    while crc.size > 1:
        crc = _apply(move, crc[0::2]) ^ crc[1::2]
        move = _apply(move, move)
    return int(crc[0]) ^ _ONES


def crc32c(data: bytes) -> int:
    """The CRC-32C of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    return _short(data) if len(data) < 1024 else _long(data)


def masked(data: bytes) -> int:
    """The check sum as event files store it, so that it differs from its own data."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _ONES
