"""Rotation, shift, scale and shear: each new pixel is looked up where it came from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_vision.transforms._crop import Fill, _pil_fill, tensor_fill
from lampas_vision.transforms._image import ImageLike, check_image, size_of
from lampas_vision.transforms._resize import (
    PIL_MODES,
    InterpolationMode,
    interpolation_mode,
)

__all__ = ["affine", "rotate"]

_MODES = (InterpolationMode.NEAREST, InterpolationMode.BILINEAR)


# a, b, c, d, e, f of x_old = a x + b y + c, y_old = d x + e y + f: Pillow's order
_Matrix = tuple[float, float, float, float, float, float]


def _matrix(
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
    center: Sequence[float],
) -> _Matrix:
    """From new coordinates (x to the right, y down) to old ones.

    In plain numbers, because arrays of this size cost more than what they hold.
    """
    turn = math.radians(angle)
    cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
    lean, rise = math.tan(math.radians(shear[0])), math.tan(math.radians(shear[1]))
    # forward: shear along x, then along y, then the rotation and scale
    xx, xy = cos + sin * rise, -lean * (cos + sin * rise) - sin
    yx, yy = sin - cos * rise, -lean * (sin - cos * rise) + cos
    area = xx * yy - xy * yx
    a, b, d, e = yy / area, -xy / area, -yx / area, xx / area
    x, y = center[0] + translate[0], center[1] + translate[1]
    return a, b, center[0] - a * x - b * y, d, e, center[1] - d * x - e * y


def _sources(
    matrix: _Matrix, size: tuple[int, int], old: tuple[int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Old coordinates (pixel 0 at 0.0) of every new pixel; both centred."""
    a, b, c, d, e, f = matrix
    x = np.arange(size[1]) + 0.5 - size[1] / 2
    y = np.arange(size[0])[:, None] + 0.5 - size[0] / 2
    old_x, old_y = a * x + b * y + c, d * x + e * y + f
    return old_x + old[1] / 2 - 0.5, old_y + old[0] / 2 - 0.5


def _pick(
    image: Tensor, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[Tensor, npt.NDArray[np.float64]]:
    """Pixels at whole coordinates, and 1.0 where there is one."""
    height, width = size_of(image)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = np.where(inside, y * width + x, 0).astype(np.int64)
    index = lampas.from_numpy(place.reshape(-1)).to(image.device)
    flat = image.reshape(*image.shape[:-2], height * width)
    found = flat.index_select(-1, index).reshape(*image.shape[:-2], *place.shape)
    return found, inside.astype(np.float64)


def _like(values: npt.NDArray[np.float64], image: Tensor) -> Tensor:
    return lampas.tensor(values, dtype=image.dtype, device=image.device)


def _sample(
    image: Tensor,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    mode: InterpolationMode,
    fill: Fill | None,
) -> Tensor:
    """Pixels at any coordinates; outside of the image they are ``fill``."""
    work = image if image.is_floating_point() else image.to(lampas.float32)
    if mode is InterpolationMode.NEAREST:
        out, cover = _pick(work, np.rint(x), np.rint(y))
        out = out * _like(cover, work)
    else:
        left, top = np.floor(x), np.floor(y)
        out = lampas.zeros((), dtype=work.dtype, device=work.device)
        cover = np.zeros_like(x)
        for dx in (0.0, 1.0):
            for dy in (0.0, 1.0):
                share = np.abs(1.0 - dx - (x - left)) * np.abs(1.0 - dy - (y - top))
                part, inside = _pick(work, left + dx, top + dy)
                out = out + part * _like(share * inside, work)
                cover += share * inside
    if fill is not None:
        # torchvision weighs by the cover a second time here, which the border shows
        mask = _like(cover, work)
        out = out * mask + (1.0 - mask) * tensor_fill(work, fill)
    if image.is_floating_point():
        return out
    return out.round().to(image.dtype)


def _checked_mode(interpolation: InterpolationMode) -> InterpolationMode:
    mode = interpolation_mode(interpolation)
    if mode not in _MODES:
        raise ArgumentError(
            f"interpolation: tensors know nearest and bilinear here, got {mode.value}"
        )
    return mode


def affine(
    img: ImageLike,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    fill: Fill | None = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Rotate, scale, shear and shift an image around its centre; its size stays.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        angle: degrees, clockwise.
        translate: pixels to the right and down.
        scale: above zero.
        shear: degrees along x, or along x and y.
        interpolation: tensors know nearest and bilinear.
        fill: what stands outside of the image; black when None.
        center: x and y that stay; the middle when None.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        ValueError: an argument that makes no sense.

    >>> affine(lampas.tensor([[[1.0, 2.0]]]), 0.0, [1, 0], 1.0, 0.0)
    tensor([[[0., 1.]]])
    """
    check_image(img, "affine")
    if scale <= 0:
        raise ArgumentError(f"scale: expected a number above zero, got {scale}")
    if len(translate) != 2:
        raise ArgumentError(f"translate: expected two numbers, got {translate!r}")
    lean = (shear, 0.0) if isinstance(shear, (int, float)) else tuple(shear)
    lean = lean if len(lean) == 2 else (*lean, 0.0)
    height, width = size_of(img)
    if isinstance(img, Image.Image):
        middle = center or (width * 0.5, height * 0.5)
        matrix = _matrix(angle, translate, scale, lean, middle)
        return img.transform(
            img.size,
            Image.Transform.AFFINE,
            matrix,
            PIL_MODES[interpolation_mode(interpolation)],
            fillcolor=_pil_fill(img, fill),
        )
    middle = _from_middle(center, width, height)
    matrix = _matrix(angle, translate, scale, lean, middle)
    x, y = _sources(matrix, (height, width), (height, width))
    return _sample(img, x, y, _checked_mode(interpolation), fill)


def _from_middle(
    center: Sequence[float] | None, width: int, height: int
) -> tuple[float, float]:
    if center is None:
        return 0.0, 0.0
    return center[0] - width * 0.5, center[1] - height * 0.5


def _expanded(angle: float, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width that hold the whole image after a turn about its middle."""
    height, width = size
    # the inverse of the inverse: where the old corners go
    a, b, _, d, e, _ = _matrix(-angle, (0.0, 0.0), 1.0, (0.0, 0.0), (0.0, 0.0))
    x, y = np.array([-1, -1, 1, 1]) * width / 2, np.array([-1, 1, 1, -1]) * height / 2
    # counted from the corner of the old image, as Pillow does
    corners = np.stack([a * x + b * y + width / 2, d * x + e * y + height / 2])
    # a corner that lies on a border up to rounding needs no pixel of its own
    high = np.ceil(corners.max(axis=1) - 1e-4)
    low = np.floor(corners.min(axis=1) + 1e-4)
    return int(high[1] - low[1]), int(high[0] - low[0])


def rotate(
    img: ImageLike,
    angle: float,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Fill | None = None,
) -> Any:
    """Turn an image around its centre.

    Args:
        img: a PIL image, or a tensor ``(..., H, W)``.
        angle: degrees, counter-clockwise.
        interpolation: tensors know nearest and bilinear.
        expand: make the result large enough for the whole turned image.
        center: x and y that stay; the middle when None.
        fill: what stands outside of the image; black when None.

    Raises:
        TypeError: neither a PIL image nor a tensor.
        ValueError: an argument that makes no sense.

    >>> rotate(lampas.tensor([[[1, 2], [3, 4]]]), 90)
    tensor([[[2, 4],
             [1, 3]]])
    """
    check_image(img, "rotate")
    if center is not None and len(center) != 2:
        raise ArgumentError(f"center: expected two numbers, got {center!r}")
    if isinstance(img, Image.Image):
        return img.rotate(
            angle,
            PIL_MODES[interpolation_mode(interpolation)],
            expand=expand,
            center=None if center is None else (center[0], center[1]),
            fillcolor=_pil_fill(img, fill),
        )
    height, width = size_of(img)
    middle = _from_middle(None if expand else center, width, height)
    matrix = _matrix(-angle, (0.0, 0.0), 1.0, (0.0, 0.0), middle)
    size = _expanded(-angle, (height, width)) if expand else (height, width)
    x, y = _sources(matrix, size, (height, width))
    return _sample(img, x, y, _checked_mode(interpolation), fill)
