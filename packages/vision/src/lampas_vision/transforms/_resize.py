"""Resampling: each output pixel is a weighted sum over a row, then over a column."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_vision.transforms._image import ImageLike, check_image, size_of

__all__ = ["InterpolationMode", "interpolation_mode", "resize"]


class InterpolationMode(enum.Enum):
    """How pixels between pixels are found."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_MODES = {
    InterpolationMode.NEAREST: Image.Resampling.NEAREST,
    InterpolationMode.NEAREST_EXACT: Image.Resampling.NEAREST,
    InterpolationMode.BILINEAR: Image.Resampling.BILINEAR,
    InterpolationMode.BICUBIC: Image.Resampling.BICUBIC,
    InterpolationMode.BOX: Image.Resampling.BOX,
    InterpolationMode.HAMMING: Image.Resampling.HAMMING,
    InterpolationMode.LANCZOS: Image.Resampling.LANCZOS,
}


def interpolation_mode(value: InterpolationMode | int) -> InterpolationMode:
    """Accept Pillow's numbers as well as our names."""
    if isinstance(value, InterpolationMode):
        return value
    for mode, number in PIL_MODES.items():
        if number == value and mode is not InterpolationMode.NEAREST_EXACT:
            return mode
    raise ArgumentError(f"interpolation: expected an InterpolationMode, got {value!r}")


def _triangle(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _cubic(a: float, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' cubic convolution with parameter ``a``."""
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


# The two libraries that torchvision calls differ in the cubic's parameter: -0.5 where
# the filter widens with the scale, -0.75 where it does not.
_Filter = tuple[Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], float]
_FILTERS: dict[tuple[InterpolationMode, bool], _Filter] = {
    (InterpolationMode.BILINEAR, True): (_triangle, 1.0),
    (InterpolationMode.BILINEAR, False): (_triangle, 1.0),
    (InterpolationMode.BICUBIC, True): (functools.partial(_cubic, -0.5), 2.0),
    (InterpolationMode.BICUBIC, False): (functools.partial(_cubic, -0.75), 2.0),
}


@functools.lru_cache(maxsize=64)
def _weights(
    old: int, new: int, mode: InterpolationMode, antialias: bool, coarse: bool
) -> npt.NDArray[np.float32]:
    """The matrix ``(new, old)`` that resamples one axis."""
    kernel, support = _FILTERS[mode, antialias]
    scale = old / new
    stretch = max(scale, 1.0) if antialias else 1.0
    reach = math.ceil(support * stretch) + 1
    centre = (np.arange(new) + 0.5) * scale - 0.5
    taps = np.floor(centre)[:, None] + np.arange(-reach, reach + 1)
    weight = kernel((taps - centre[:, None]) / stretch)
    if antialias:
        # pixels outside of the image have no say
        weight[(taps < 0) | (taps >= old)] = 0.0
        weight /= weight.sum(axis=1, keepdims=True)
    matrix = np.zeros((new, old))
    rows = np.broadcast_to(np.arange(new)[:, None], taps.shape)
    # without antialiasing the border pixel is repeated outside
    np.add.at(matrix, (rows, np.clip(taps, 0, old - 1).astype(int)), weight)
    if coarse:
        # 16-bit weights, as the libraries use for bytes; exact in float32
        unit = 2.0 ** math.floor(math.log2((2**15 - 0.5) / matrix.max()))
        matrix = np.floor(matrix * unit + 0.5) / unit
    return matrix.astype(np.float32)


def _nearest(old: int, new: int, exact: bool) -> npt.NDArray[np.int64]:
    offset = 0.5 if exact else 0.0
    # float32, as the libraries compute it: at borders between pixels it decides
    scale = np.float32(old / new)
    place = np.floor((np.arange(new, dtype=np.float32) + np.float32(offset)) * scale)
    return np.minimum(place.astype(np.int64), old - 1)


def _index(values: npt.NDArray[np.int64], like: Tensor) -> Tensor:
    return lampas.from_numpy(values).to(like.device)


def _rounded(image: Tensor, dtype: Any) -> Tensor:
    """Whole numbers in the range of an integer type, halves rounded up."""
    limits = lampas.iinfo(dtype)
    return (image + 0.5).floor().clamp(limits.min, limits.max)


def _resize_tensor(
    image: Tensor, size: tuple[int, int], mode: InterpolationMode, antialias: bool
) -> Tensor:
    height, width = size_of(image)
    if mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        exact = mode is InterpolationMode.NEAREST_EXACT
        rows = _index(_nearest(height, size[0], exact), image)
        columns = _index(_nearest(width, size[1], exact), image)
        return image.index_select(-2, rows).index_select(-1, columns)
    if (mode, antialias) not in _FILTERS:
        raise ArgumentError(
            "interpolation: tensors know nearest, nearest-exact, bilinear and bicubic, "
            f"got {mode.value}"
        )
    whole = not image.is_floating_point()
    work = image.to(lampas.float32) if whole else image
    like: dict[str, Any] = {"dtype": work.dtype, "device": work.device}
    how = (mode, antialias, image.dtype == lampas.uint8)
    horizontal = lampas.tensor(_weights(width, size[1], *how), **like)
    vertical = lampas.tensor(_weights(height, size[0], *how), **like)
    work = lampas.matmul(work, horizontal.t())
    # rounded after each of the two passes, as Pillow does
    work = _rounded(work, image.dtype) if whole else work
    work = lampas.matmul(vertical, work)
    return _rounded(work, image.dtype).to(image.dtype) if whole else work


def _new_size(
    old: tuple[int, int], size: int | Sequence[int], max_size: int | None
) -> tuple[int, int]:
    """The output's height and width."""
    sizes = (size,) if isinstance(size, int) else tuple(size)
    if len(sizes) not in (1, 2) or any(int(s) < 1 for s in sizes):
        raise ArgumentError(
            f"size: expected a positive int or two (height, width), got {size!r}"
        )
    if len(sizes) == 2:
        if max_size is not None:
            raise ArgumentError("max_size: only an int size takes it, got two sizes")
        return int(sizes[0]), int(sizes[1])
    short, long = min(old), max(old)
    new_short, new_long = sizes[0], int(sizes[0] * long / short)
    if max_size is not None:
        if max_size <= sizes[0]:
            raise ArgumentError(
                f"max_size: expected more than size ({sizes[0]}), got {max_size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_short, new_long) if old[0] <= old[1] else (new_long, new_short)


def resize(
    img: ImageLike,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Change the size of an image.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        size: height and width; one number is the shorter side, the other keeps the
            ratio.
        interpolation: tensors know nearest, nearest-exact, bilinear, bicubic.
        max_size: the longer side is not made larger than this.
        antialias: widen the filter when shrinking. PIL images always are.

    Returns:
        The same kind and type, of the new size.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        ValueError: a size or mode that makes no sense.

    >>> resize(lampas.ones(1, 4, 8), 2).shape
    lampas.Size([1, 2, 4])
    """
    check_image(img, "resize")
    mode = interpolation_mode(interpolation)
    new = _new_size(size_of(img), size, max_size)
    if new == size_of(img):
        return img
    if isinstance(img, Image.Image):
        return img.resize(new[::-1], PIL_MODES[mode])
    return _resize_tensor(img, new, mode, bool(antialias))
