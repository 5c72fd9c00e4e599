"""Values of summaries: what TensorBoard's panels read, as messages.

The numbers are those of the fields in TensorBoard's published message definitions
(event, summary, tensor, and those of its plugins).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lampas.utils.tensorboard import _wire as wire

__all__ = [
    "audio",
    "histogram",
    "image",
    "pr_curve",
    "scalar",
    "tensor_scalar",
    "text",
    "with_plugin",
]

_FLOAT, _DOUBLE, _STRING = 1, 2, 7


def with_plugin(tag: str, plugin: str, content: bytes) -> bytes:
    """A value that only carries the data of a plugin."""
    owner = wire.data(1, plugin) + wire.data(2, content)
    return wire.data(1, tag) + wire.data(9, wire.data(1, owner))


def _shape(sizes: Sequence[int]) -> bytes:
    dims = b"".join(wire.data(2, wire.integer(1, size)) for size in sizes)
    return wire.data(2, dims)


def scalar(tag: str, value: float) -> bytes:
    """One number, in 4 bytes."""
    return wire.data(1, tag) + wire.single(2, value)


def tensor_scalar(tag: str, value: float, wide: bool) -> bytes:
    """One number as a tensor, in 4 or 8 bytes."""
    if wide:
        tensor = wire.integer(1, _DOUBLE) + wire.doubles(6, [value])
    else:
        tensor = wire.integer(1, _FLOAT) + wire.floats(5, [value])
    return with_plugin(tag, "scalars", b"") + wire.data(8, tensor)


def text(tag: str, value: str) -> bytes:
    """A text, which is shown as Markdown."""
    tensor = wire.integer(1, _STRING) + _shape((1,)) + wire.data(8, value)
    return with_plugin(f"{tag}/text_summary", "text", b"") + wire.data(8, tensor)


def image(tag: str, pixels: np.ndarray, png: bytes) -> bytes:
    """A picture: its height, width and channels, and its file."""
    height, width, channels = pixels.shape
    sizes = wire.integer(1, height) + wire.integer(2, width) + wire.integer(3, channels)
    return wire.data(1, tag) + wire.data(4, sizes + wire.data(4, png))


def audio(tag: str, rate: int, frames: int, wav: bytes) -> bytes:
    """A sound of one channel."""
    about = wire.single(1, rate) + wire.integer(2, 1) + wire.integer(3, frames)
    about += wire.data(4, wav) + wire.data(5, "audio/wav")
    return wire.data(1, tag) + wire.data(6, about)


def histogram(
    tag: str, moments: Sequence[float], limits: np.ndarray, counts: np.ndarray
) -> bytes:
    """Counts of values up to each limit; moments: min, max, number, sum, squares."""
    numbers = b"".join(wire.double(i + 1, m) for i, m in enumerate(moments))
    buckets = wire.doubles(6, limits) + wire.doubles(7, counts)
    return wire.data(1, tag) + wire.data(5, numbers + buckets)


def pr_curve(tag: str, rows: np.ndarray) -> bytes:
    """Six rows by threshold: TP, FP, TN, FN, precision and recall."""
    content = wire.integer(2, rows.shape[1])
    tensor = wire.integer(1, _FLOAT) + _shape(rows.shape) + wire.floats(5, rows.ravel())
    return with_plugin(tag, "pr_curves", content) + wire.data(8, tensor)
