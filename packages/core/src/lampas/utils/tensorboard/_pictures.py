"""Pictures for TensorBoard: any order of dimensions to bytes, and those to PNG."""

from __future__ import annotations

import struct
import sys
import zlib
from typing import Any

import numpy as np

from lampas.errors import ArgumentError, MissingExtraError, ShapeError

__all__ = ["figure_pixels", "pixels_of", "png"]

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(pixels: np.ndarray) -> bytes:
    """The PNG file of bytes ``(height, width, channels)`` with 1 to 4 channels.

    >>> png(np.zeros((1, 1, 3), np.uint8))[1:4]
    b'PNG'
    """
    height, width, channels = pixels.shape
    header = struct.pack(">IIBB3x", width, height, 8, _COLOUR_TYPES[channels])
    # Each row begins with the number of its filter: none.
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + _chunk(b"IEND", b"")
    )


def _grid(batch: np.ndarray, columns: int = 8) -> np.ndarray:
    """Pictures ``(n, height, width, channels)`` side by side, as one."""
    n, height, width, channels = batch.shape
    columns = min(n, columns)
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width, channels), batch.dtype)
    cells[:n] = batch
    lines = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return lines.reshape(rows * height, columns * width, channels)


def pixels_of(array: np.ndarray, dataformats: str) -> np.ndarray:
    """Values in ``[0, 1]``, or bytes, as bytes ``(height, width, channels)``.

    Args:
        array: a picture, or a batch of them, which become one.
        dataformats: what its dimensions are: H, W, and C or N where they are there.

    Raises:
        RuntimeError: the array has another number of dimensions.
        ValueError: ``dataformats`` makes no sense.
    """
    letters = dataformats.upper()
    if len(set(letters)) != len(letters) or not {"H", "W"} <= set(letters) <= set(
        "NCHW"
    ):
        raise ArgumentError(
            f"dataformats must be H, W, and maybe C and N, in any order, once each; "
            f"got {dataformats!r}"
        )
    if array.ndim != len(letters):
        raise ShapeError(
            f"dataformats {dataformats!r} needs {len(letters)} dimensions, got shape "
            f"{array.shape}"
        )
    missing = [letter for letter in "NC" if letter not in letters]
    array = array.reshape(array.shape + (1,) * len(missing))
    order = [(letters + "".join(missing)).index(letter) for letter in "NHWC"]
    joined = _grid(array.transpose(order))
    if joined.shape[-1] not in _COLOUR_TYPES:
        raise ShapeError(f"a picture has 1 to 4 channels, got {joined.shape[-1]}")
    if joined.shape[-1] == 1:
        joined = np.repeat(joined, 3, axis=-1)
    if joined.dtype == np.uint8:
        return joined
    return (joined.astype(np.float32) * 255).clip(0, 255).astype(np.uint8)


def figure_pixels(figure: Any, close: bool) -> np.ndarray:
    """The pixels of a Matplotlib figure, red, green, blue and opacity.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "add_figure needs Matplotlib: pip install 'lampas[plot]'"
        ) from error
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.array(canvas.buffer_rgba())
    # Only a figure that pyplot made, if anybody did load it, is known to it.
    pyplot = sys.modules.get("matplotlib.pyplot")
    if close and pyplot is not None:
        pyplot.close(figure)
    return pixels
