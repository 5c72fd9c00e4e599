"""Vectors with labels and pictures, as TensorBoard's projector reads them: in files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from lampas.errors import ShapeError
from lampas.serialization.atomic import atomic_write
from lampas.utils.tensorboard._pictures import pixels_of, png

__all__ = ["write_embedding"]


def _write(path: Path, body: bytes) -> None:
    with atomic_write(path) as file:
        file.write(body)


def _labels(metadata: Sequence[Any], header: Sequence[str] | None) -> bytes:
    if not header:
        lines = [str(label) for label in metadata]
    else:
        rows = [header, *metadata]
        lines = ["\t".join(str(cell) for cell in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _sprite(pictures: np.ndarray) -> bytes:
    """The pictures in a square, row by row."""
    n, channels, height, width = pictures.shape
    side = math.ceil(math.sqrt(n))
    square = np.zeros((side * side, channels, height, width), pictures.dtype)
    square[:n] = pictures
    lines = square.reshape(side, side, channels, height, width)
    joined = lines.transpose(2, 0, 3, 1, 4).reshape(
        channels, side * height, side * width
    )
    return png(pixels_of(joined, "CHW"))


def _entry(tag: str, step: int, place: str, labels: bool, picture: Any) -> str:
    lines = [
        "embeddings {",
        f'tensor_name: "{tag}:{step:05d}"',
        f'tensor_path: "{place}/tensors.tsv"',
    ]
    if labels:
        lines.append(f'metadata_path: "{place}/metadata.tsv"')
    if picture is not None:
        height, width = picture.shape[2:]
        lines += [
            "sprite {",
            f'image_path: "{place}/sprite.png"',
            f"single_image_dim: {width}",
            f"single_image_dim: {height}",
            "}",
        ]
    return "\n".join([*lines, "}", ""])


def write_embedding(
    folder: Path,
    tag: str,
    step: int,
    vectors: np.ndarray,
    metadata: Sequence[Any] | None,
    pictures: np.ndarray | None,
    header: Sequence[str] | None,
) -> None:
    """Write vectors, labels and pictures into a folder, and name them in the config.

    Raises:
        RuntimeError: the vectors are no matrix, or there are not as many labels or
            pictures as vectors.
    """
    if vectors.ndim != 2:
        raise ShapeError(f"mat must have 2 dimensions, got shape {vectors.shape}")
    for name, given in {"metadata": metadata, "label_img": pictures}.items():
        if given is not None and len(given) != len(vectors):
            raise ShapeError(
                f"{name} must have one entry for each of the {len(vectors)} rows of "
                f"mat, got {len(given)}"
            )
    place = f"{step:05d}/{quote(tag, safe='')}"
    home = folder / place
    home.mkdir(parents=True, exist_ok=True)
    rows = ["\t".join(repr(v) for v in row) for row in vectors.tolist()]
    _write(home / "tensors.tsv", ("\n".join(rows) + "\n").encode())
    if metadata is not None:
        _write(home / "metadata.tsv", _labels(metadata, header))
    if pictures is not None:
        _write(home / "sprite.png", _sprite(pictures))
    config = folder / "projector_config.pbtxt"
    before = config.read_text(encoding="utf-8") if config.exists() else ""
    entry = _entry(tag, step, place, metadata is not None, pictures)
    if entry not in before:
        _write(config, (before + entry).encode())
