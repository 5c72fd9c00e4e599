"""The transforms as plain functions, under torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas_vision.transforms._affine import affine, rotate
from lampas_vision.transforms._convert import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from lampas_vision.transforms._crop import (
    center_crop,
    crop,
    hflip,
    pad,
    rgb_to_grayscale,
    vflip,
)
from lampas_vision.transforms._image import ImageLike, channels_of, size_of
from lampas_vision.transforms._resize import InterpolationMode, resize

__all__ = [
    "InterpolationMode",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "get_dimensions",
    "hflip",
    "horizontal_flip",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "to_pil_image",
    "to_tensor",
    "vertical_flip",
    "vflip",
]

horizontal_flip = hflip
vertical_flip = vflip


def get_dimensions(img: ImageLike) -> list[int]:
    """Return channels, height and width.

    >>> from PIL import Image
    >>> get_dimensions(Image.new("RGB", (4, 3)))
    [3, 3, 4]
    """
    return [channels_of(img), *size_of(img)]


def resized_crop(
    img: ImageLike,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """Cut a rectangle out by :func:`crop`, then :func:`resize` it.

    >>> import lampas
    >>> resized_crop(lampas.ones(1, 4, 4), 1, 1, 2, 2, [3, 3]).shape
    lampas.Size([1, 3, 3])
    """
    cut = crop(img, top, left, height, width)
    return resize(cut, size, interpolation, antialias=antialias)
