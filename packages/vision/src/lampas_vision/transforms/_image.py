"""What counts as an image, and its size: shared by all transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from lampas import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError

__all__ = ["ImageLike", "channels_of", "check_image", "pair", "size_of"]

ImageLike: TypeAlias = Image.Image | Tensor


def _name(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def check_image(image: Any, what: str) -> None:
    """Refuse what is neither a PIL image nor a tensor ``(..., C, H, W)``.

    Raises:
        TypeError: another type; the text says how to convert an array.
        RuntimeError: a tensor of fewer than two dimensions.
    """
    if isinstance(image, Image.Image):
        return
    if not isinstance(image, Tensor):
        array = isinstance(image, np.ndarray)
        hint = "; ToTensor() turns an array (H, W, C) into a tensor" if array else ""
        raise ArgumentTypeError(
            f"{what}: expected a PIL image or a Tensor, got {_name(image)}{hint}"
        )
    if image.ndim < 2:
        raise ShapeError(
            f"{what}: expected a tensor (..., C, H, W), got shape {tuple(image.shape)}"
        )


def size_of(image: ImageLike) -> tuple[int, int]:
    """Height and width."""
    if isinstance(image, Image.Image):
        return image.height, image.width
    return int(image.shape[-2]), int(image.shape[-1])


def channels_of(image: ImageLike) -> int:
    """Number of channels; a tensor ``(H, W)`` has one."""
    if isinstance(image, Image.Image):
        return len(image.getbands())
    return int(image.shape[-3]) if image.ndim > 2 else 1


def pair(value: int | Sequence[int], name: str) -> tuple[int, int]:
    """Read ``3`` as ``(3, 3)``, and check two positive numbers (height, width)."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values = values * 2
    if len(values) != 2 or any(v < 1 for v in values):
        raise ArgumentError(
            f"{name}: expected a positive int or two (height, width), got {value!r}"
        )
    return int(values[0]), int(values[1])
