"""Crops, borders, flips and grey: each pixel of the result is one of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas_vision.transforms._image import (
    ImageLike,
    channels_of,
    check_image,
    pair,
    size_of,
)

__all__ = ["center_crop", "crop", "hflip", "pad", "rgb_to_grayscale", "vflip"]

_PAD_MODES = {"edge": "edge", "reflect": "reflect", "symmetric": "symmetric"}

Fill = int | float | Sequence[int] | Sequence[float]


def _borders(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    values = (padding,) if isinstance(padding, int) else tuple(padding)
    if len(values) not in (1, 2, 4) or any(int(v) < 0 for v in values):
        raise ArgumentError(
            "padding: expected 1, 2 (left/right, top/bottom) or 4 (left, top, right, "
            f"bottom) numbers that are not negative, got {padding!r}"
        )
    left, top, right, bottom = (values * 4)[:4]
    return left, top, right, bottom


def _pil_fill(image: Image.Image, fill: Fill | None) -> Any:
    """The fill as Pillow wants it: one number per channel."""
    if fill is None:
        fill = 0
    if isinstance(fill, (int, float)):
        values: tuple[Any, ...] = (fill,) * channels_of(image)
    else:
        values = tuple(fill) * (channels_of(image) if len(fill) == 1 else 1)
    if len(values) != channels_of(image):
        raise ArgumentError(
            f"fill: expected 1 or {channels_of(image)} numbers for mode {image.mode}, "
            f"got {len(values)}"
        )
    if image.mode != "F":
        values = tuple(int(value) for value in values)
    return values[0] if len(values) == 1 else values


def tensor_fill(image: Tensor, fill: Fill | None) -> Tensor | float:
    """The fill as something that broadcasts against ``(..., C, H, W)``."""
    if fill is None:
        return 0.0
    if isinstance(fill, (int, float)):
        return fill
    if len(fill) not in (1, channels_of(image)):
        raise ArgumentError(
            f"fill: expected 1 or {channels_of(image)} numbers, got {len(fill)}"
        )
    like: dict[str, Any] = {"dtype": image.dtype, "device": image.device}
    return lampas.tensor(list(fill), **like).view(-1, 1, 1)


def _sources(size: int, before: int, after: int, mode: str) -> npt.NDArray[np.int64]:
    """Which old row stands in each new one."""
    if mode == "reflect" and max(before, after) >= size:
        raise ArgumentError(
            f"padding: mode reflect needs less than the image's size {size}, "
            f"got {max(before, after)}"
        )
    keywords: Any = {"mode": _PAD_MODES[mode]}
    return np.pad(np.arange(size), (before, after), **keywords)


def _pad_constant(
    image: Tensor, borders: tuple[int, int, int, int], fill: Fill | None
) -> Tensor:
    left, top, right, bottom = borders
    height, width = size_of(image)
    shape = (*image.shape[:-2], height + top + bottom, width + left + right)
    out = lampas.zeros(shape, dtype=image.dtype, device=image.device)
    value = tensor_fill(image, fill)
    if isinstance(value, Tensor) or value != 0:
        out = out + value if isinstance(value, Tensor) else out.fill_(value)
    out[..., top : top + height, left : left + width] = image
    return out


def pad(
    img: ImageLike,
    padding: int | Sequence[int],
    fill: Fill | None = 0,
    padding_mode: str = "constant",
) -> Any:
    """Put a border around an image.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        padding: one width for all sides; or left/right and top/bottom; or left, top,
            right and bottom.
        fill: a number, or one per channel, for the mode "constant".
        padding_mode: "constant"; "edge" repeats the last pixel; "reflect" mirrors the
            image without its edge, "symmetric" with it.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        ValueError: a padding, fill or mode that makes no sense.

    >>> pad(lampas.ones(1, 1, 1), [1, 0])
    tensor([[[0., 1., 0.]]])
    """
    check_image(img, "pad")
    borders = _borders(padding)
    if padding_mode != "constant" and padding_mode not in _PAD_MODES:
        raise ArgumentError(
            "padding_mode: expected constant, edge, reflect or symmetric, "
            f"got {padding_mode!r}"
        )
    if isinstance(img, Image.Image) and padding_mode == "constant":
        return ImageOps.expand(img, borders, _pil_fill(img, fill))
    if isinstance(img, Tensor) and padding_mode == "constant":
        return _pad_constant(img, borders, fill)
    left, top, right, bottom = borders
    height, width = size_of(img)
    rows = _sources(height, top, bottom, padding_mode)
    columns = _sources(width, left, right, padding_mode)
    if isinstance(img, Image.Image):
        return Image.fromarray(np.asarray(img)[rows][:, columns])
    rows_, columns_ = (lampas.from_numpy(v).to(img.device) for v in (rows, columns))
    return img.index_select(-2, rows_).index_select(-1, columns_)


def crop(img: ImageLike, top: int, left: int, height: int, width: int) -> Any:
    """Cut a rectangle out; what lies outside of the image is black.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        top: first row; may be negative.
        left: first column; may be negative.
        height: rows of the result.
        width: columns of the result.

    Raises:
        TypeError: neither a PIL image nor a tensor.

    >>> crop(lampas.arange(9).reshape(1, 3, 3), 1, 1, 1, 2)
    tensor([[[4, 5]]])
    """
    check_image(img, "crop")
    if isinstance(img, Image.Image):
        return img.crop((left, top, left + width, top + height))
    rows, columns = size_of(img)
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if top >= 0 and left >= 0 and bottom <= rows and right <= columns:
        return inside
    found = size_of(inside)
    before_y, before_x = min(max(-top, 0), height), min(max(-left, 0), width)
    after_y = height - found[0] - before_y
    after_x = width - found[1] - before_x
    return _pad_constant(inside, (before_x, before_y, after_x, after_y), 0)


def center_crop(img: ImageLike, output_size: int | Sequence[int]) -> Any:
    """Cut out the middle; a smaller image gets a black border first.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        output_size: height and width, or one number for both.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        ValueError: a size that makes no sense.

    >>> center_crop(lampas.arange(9).reshape(1, 3, 3), 1)
    tensor([[[4]]])
    """
    check_image(img, "center_crop")
    height, width = pair(output_size, "output_size")
    rows, columns = size_of(img)
    if height > rows or width > columns:
        missing_y, missing_x = max(height - rows, 0), max(width - columns, 0)
        borders = (missing_x // 2, missing_y // 2)
        img = pad(img, (*borders, missing_x - borders[0], missing_y - borders[1]))
        rows, columns = size_of(img)
    top, left = round((rows - height) / 2.0), round((columns - width) / 2.0)
    return crop(img, top, left, height, width)


def hflip(img: ImageLike) -> Any:
    """Mirror left and right.

    >>> hflip(lampas.tensor([[[1, 2]]]))
    tensor([[[2, 1]]])
    """
    check_image(img, "hflip")
    if isinstance(img, Image.Image):
        return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return img.flip(-1)


def vflip(img: ImageLike) -> Any:
    """Turn upside down.

    >>> vflip(lampas.tensor([[[1], [2]]]))
    tensor([[[2],
             [1]]])
    """
    check_image(img, "vflip")
    if isinstance(img, Image.Image):
        return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return img.flip(-2)


def rgb_to_grayscale(img: ImageLike, num_output_channels: int = 1) -> Any:
    """Weigh red, green and blue as the eye does: 0.2989, 0.587, 0.114.

    Args:
        img: a PIL image, or a tensor ``(..., 1 or 3, H, W)``.
        num_output_channels: 1, or 3 equal ones.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        RuntimeError: a tensor with another number of channels.
        ValueError: ``num_output_channels`` is neither 1 nor 3.
    """
    check_image(img, "rgb_to_grayscale")
    if num_output_channels not in (1, 3):
        raise ArgumentError(
            f"num_output_channels: expected 1 or 3, got {num_output_channels}"
        )
    if isinstance(img, Image.Image):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else Image.merge("RGB", (grey,) * 3)
    if img.ndim < 3 or img.shape[-3] not in (1, 3):
        raise ShapeError(
            f"rgb_to_grayscale: expected (..., 1 or 3, H, W), got {tuple(img.shape)}"
        )
    out = img
    if img.shape[-3] == 3:
        red, green, blue = img.unbind(-3)
        mixed = red * 0.2989 + green * 0.587 + blue * 0.114
        out = mixed.to(img.dtype).unsqueeze(-3)
    if num_output_channels == 3:
        out = out.expand(*img.shape[:-3], 3, *img.shape[-2:])
    return out
