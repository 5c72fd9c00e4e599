"""Between PIL images, arrays and tensors, and between data types."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

__all__ = [
    "convert_image_dtype",
    "normalize",
    "pil_to_tensor",
    "to_pil_image",
    "to_tensor",
]

# Pillow's modes whose values do not fit a byte
_WIDE = {"I": np.int32, "I;16": np.int16, "F": np.float32}


def _planes(image: Image.Image) -> npt.NDArray[Any]:
    """The pixels as ``(C, H, W)``, freshly allocated."""
    array = np.array(image, dtype=_WIDE.get(image.mode, np.uint8))
    array = array[:, :, None] if array.ndim == 2 else array
    return np.ascontiguousarray(array.transpose(2, 0, 1))


def pil_to_tensor(pic: Image.Image) -> Tensor:
    """Turn a PIL image into a tensor with the same values.

    Args:
        pic: the image.

    Returns:
        ``(C, H, W)``, uint8 (int32, int16 and float32 for modes "I", "I;16" and "F").

    Raises:
        TypeError: not a PIL image.

    >>> pil_to_tensor(Image.new("L", (3, 2), 255)).shape
    lampas.Size([1, 2, 3])
    """
    if not isinstance(pic, Image.Image):
        raise ArgumentTypeError(f"pic: expected a PIL image, got {type(pic).__name__}")
    return lampas.from_numpy(_planes(pic))


def to_tensor(pic: Image.Image | npt.NDArray[Any]) -> Tensor:
    """Turn a PIL image or an array into a tensor; bytes become floats in [0, 1].

    Args:
        pic: a PIL image, or an array ``(H, W)`` or ``(H, W, C)``.

    Returns:
        ``(C, H, W)``; float32 in [0, 1] where the input holds bytes, else of the
        input's own type and values.

    Raises:
        TypeError: another type.
        ValueError: an array of another number of dimensions.

    >>> to_tensor(np.full((1, 2, 1), 255, np.uint8))
    tensor([[[1., 1.]]])
    """
    if isinstance(pic, Image.Image):
        planes = _planes(pic)
        # a bilevel image has the values 0 and 1
        planes = planes * np.uint8(255) if pic.mode == "1" else planes
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ArgumentError(
                f"pic: expected an array (H, W) or (H, W, C), got shape {pic.shape}"
            )
        array = pic[:, :, None] if pic.ndim == 2 else pic
        planes = np.ascontiguousarray(array.transpose(2, 0, 1))
        planes = planes.copy() if np.shares_memory(planes, pic) else planes
    else:
        raise ArgumentTypeError(
            f"pic: expected a PIL image or an array, got {type(pic).__name__}"
        )
    if planes.dtype == np.uint8:
        planes = planes.astype(np.float32) / np.float32(255)
    return lampas.from_numpy(planes)


def to_pil_image(
    pic: Tensor | npt.NDArray[Any], mode: str | None = None
) -> Image.Image:
    """Turn a tensor or an array into a PIL image.

    Args:
        pic: a tensor ``(C, H, W)`` or ``(H, W)``, or an array ``(H, W, C)`` or
            ``(H, W)``, with 1 to 4 channels; floats in [0, 1] become bytes.
        mode: Pillow's mode; by default L, LA, RGB or RGBA by the channels.

    Raises:
        TypeError: another type.
        ValueError: another number of dimensions or channels.
    """
    if isinstance(pic, Tensor):
        array = pic.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise ArgumentTypeError(
            f"pic: expected a Tensor or an array, got {type(pic).__name__}"
        )
    if array.ndim not in (2, 3) or (
        array.ndim == 3 and array.shape[2] not in range(1, 5)
    ):
        raise ArgumentError(
            "pic: expected an image of two or three dimensions with 1 to 4 channels, "
            f"got shape {tuple(pic.shape)}"
        )
    if array.dtype.kind == "f" and mode != "F":
        array = (array * 255).astype(np.uint8)
    array = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    image = Image.fromarray(np.ascontiguousarray(array))
    return image if mode is None or image.mode == mode else image.convert(mode)


def convert_image_dtype(image: Tensor, dtype: Any = None) -> Tensor:
    """Change the data type and scale the values to the new type's range.

    Floats run from 0 to 1, integers from 0 to the largest of their type.

    Args:
        image: any shape.
        dtype: the new type; float32 when None.

    Raises:
        RuntimeError: floats whose values the integer type cannot tell apart safely
            (float32 to int32 or int64).

    >>> convert_image_dtype(lampas.tensor([0, 255], dtype=lampas.uint8))
    tensor([0., 1.])
    """
    dtype = lampas.float32 if dtype is None else dtype
    if image.dtype == dtype:
        return image
    if image.dtype.is_floating_point:
        return image.to(dtype) if dtype.is_floating_point else _to_int(image, dtype)
    top = lampas.iinfo(image.dtype).max
    if dtype.is_floating_point:
        return image.to(dtype) / top
    new = lampas.iinfo(dtype).max
    if top > new:
        factor = (top + 1) // (new + 1)
        return lampas.div(image, factor, rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((new + 1) // (top + 1))


def _to_int(image: Tensor, dtype: Any) -> Tensor:
    wide = (lampas.int32, lampas.int64)
    if dtype in wide and (image.dtype == lampas.float32 or dtype == lampas.int64):
        raise DTypeError(
            f"dtype: {image.dtype} has too few digits to be scaled to {dtype}; "
            "expected a narrower integer type"
        )
    # a little under one more than the largest, so that 1.0 stays in range
    return (image * (lampas.iinfo(dtype).max + 1.0 - 1e-3)).to(dtype)


@functools.lru_cache(maxsize=32)
def _column(values: tuple[float, ...], dtype: Any, device: Any) -> Tensor:
    """One number per channel; kept, because a loader asks for it per image."""
    return lampas.tensor(values, dtype=dtype, device=device).view(-1, 1, 1)


def normalize(
    tensor: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    inplace: bool = False,
) -> Tensor:
    """Subtract a mean and divide by a standard deviation, channel by channel.

    Args:
        tensor: floats, ``(..., C, H, W)``.
        mean: C numbers, or one.
        std: C numbers, or one.
        inplace: write into ``tensor``.

    Raises:
        TypeError: not a tensor.
        RuntimeError: not floats, or ``mean`` or ``std`` does not fit C.
        ValueError: fewer than three dimensions, or a zero in ``std``.

    >>> normalize(lampas.ones(1, 1, 1), [0.5], [0.25])
    tensor([[[2.]]])
    """
    if not isinstance(tensor, Tensor):
        raise ArgumentTypeError(
            f"tensor: expected a Tensor, got {type(tensor).__name__}; "
            "put ToTensor() before Normalize()"
        )
    if not tensor.is_floating_point():
        raise DTypeError(
            f"tensor: expected floats, got {tensor.dtype}; put "
            "ConvertImageDtype() before Normalize()"
        )
    if tensor.ndim < 3:
        raise ArgumentError(
            f"tensor: expected (..., C, H, W), got shape {tuple(tensor.shape)}"
        )
    channels = tensor.shape[-3]
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels):
            raise ShapeError(
                f"{name}: expected 1 or {channels} numbers for an image of shape "
                f"{tuple(tensor.shape)}, got {len(values)}"
            )
    if any(float(value) == 0.0 for value in std):
        raise ArgumentError(f"std: expected no zero, got {list(std)}")
    centre = _column(tuple(mean), tensor.dtype, tensor.device)
    spread = _column(tuple(std), tensor.dtype, tensor.device)
    if inplace:
        return tensor.sub_(centre).div_(spread)
    return (tensor - centre) / spread
