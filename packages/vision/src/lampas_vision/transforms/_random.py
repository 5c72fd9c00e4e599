"""Transforms by chance. Numbers come from a generator, by default lampas' own.

A loader seeds the default generator for each sample, so an augmented image depends on
the seed, the epoch and the sample, and on no worker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import lampas
from lampas import Generator, nn
from lampas.errors import ArgumentError
from lampas_vision.transforms import functional as F
from lampas_vision.transforms._crop import Fill
from lampas_vision.transforms._image import ImageLike, check_image, pair, size_of
from lampas_vision.transforms._resize import InterpolationMode, interpolation_mode

__all__ = [
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
]


def _uniform(low: float, high: float, generator: Generator | None) -> float:
    return low + (high - low) * lampas.rand(1, generator=generator).item()


def _integer(high: int, generator: Generator | None) -> int:
    """One of 0 ... high - 1."""
    return int(lampas.randint(0, high, (1,), generator=generator).item())


def _range(value: float | Sequence[float], name: str) -> tuple[float, float]:
    """Read ``10`` as ``(-10, 10)``."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ArgumentError(f"{name}: one number must not be negative, got {value}")
        return -float(value), float(value)
    if len(value) != 2:
        raise ArgumentError(f"{name}: expected one number or two, got {value!r}")
    return float(value[0]), float(value[1])


def _chance(p: float) -> float:
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"p: expected a probability in [0, 1], got {p}")
    return p


class RandomHorizontalFlip(nn.Module):
    """Mirror left and right now and then.

    Args:
        p: how often.
        generator: where the numbers come from.

    >>> RandomHorizontalFlip(p=1.0)(lampas.tensor([[[1, 2]]]))
    tensor([[[2, 1]]])
    """

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.p, self.generator = _chance(p), generator

    def forward(self, img: ImageLike) -> Any:
        check_image(img, type(self).__name__)
        return self._flip(img) if _uniform(0, 1, self.generator) < self.p else img

    def _flip(self, img: ImageLike) -> Any:
        return F.hflip(img)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomVerticalFlip(RandomHorizontalFlip):
    """Turn upside down now and then.

    Args:
        p: how often.
        generator: where the numbers come from.

    >>> RandomVerticalFlip(p=0.0)(lampas.tensor([[[1, 2]]]))
    tensor([[[1, 2]]])
    """

    def _flip(self, img: ImageLike) -> Any:
        return F.vflip(img)


class RandomCrop(nn.Module):
    """Cut a rectangle of one size out anywhere.

    Args:
        size: height and width, or one number for both.
        padding: a border to put on first, as in :class:`Pad`.
        pad_if_needed: widen the border where the image is smaller than ``size``.
        fill: of the border.
        padding_mode: of the border.
        generator: where the numbers come from.

    Raises:
        ValueError: when called, an image smaller than ``size``.

    >>> RandomCrop(2)(lampas.ones(1, 4, 4)).shape
    lampas.Size([1, 2, 2])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Fill = 0,
        padding_mode: str = "constant",
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.size, self.padding = pair(size, "size"), padding
        self.pad_if_needed, self.fill = pad_if_needed, fill
        self.padding_mode, self.generator = padding_mode, generator

    def _padded(self, img: ImageLike) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        height, width = size_of(img)
        if self.pad_if_needed:
            border = [max(self.size[1] - width, 0), max(self.size[0] - height, 0)]
            if any(border):
                img = F.pad(img, border, self.fill, self.padding_mode)
        return img

    def forward(self, img: ImageLike) -> Any:
        check_image(img, type(self).__name__)
        img = self._padded(img)
        (rows, columns), (height, width) = size_of(img), self.size
        if height > rows or width > columns:
            raise ArgumentError(
                f"RandomCrop: size {self.size} is larger than the image "
                f"({rows}, {columns}); pass padding= or pad_if_needed=True"
            )
        top = _integer(rows - height + 1, self.generator)
        left = _integer(columns - width + 1, self.generator)
        return F.crop(img, top, left, height, width)

    def extra_repr(self) -> str:
        return f"size={self.size}, padding={self.padding}"


class RandomResizedCrop(nn.Module):
    """Cut a rectangle of random area and ratio out, and resize it.

    Args:
        size: height and width of the result, or one number for both.
        scale: smallest and largest share of the image's area.
        ratio: smallest and largest width over height.
        interpolation: how pixels between pixels are found.
        antialias: widen the filter when shrinking a tensor.
        generator: where the numbers come from.

    >>> RandomResizedCrop(2)(lampas.ones(1, 5, 4)).shape
    lampas.Size([1, 2, 2])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("scale", scale), ("ratio", ratio)):
            if len(value) != 2 or not 0.0 < value[0] <= value[1]:
                raise ArgumentError(
                    f"{name}: expected two rising numbers above zero, got {value!r}"
                )
        self.size, self.scale, self.ratio = pair(size, "size"), scale, ratio
        self.interpolation = interpolation_mode(interpolation)
        self.antialias, self.generator = antialias, generator

    def _rectangle(self, rows: int, columns: int) -> tuple[int, int, int, int]:
        low, high = (math.log(r) for r in self.ratio)
        for _ in range(10):
            area = (
                rows * columns * _uniform(self.scale[0], self.scale[1], self.generator)
            )
            ratio = math.exp(_uniform(low, high, self.generator))
            width, height = (
                round(math.sqrt(area * ratio)),
                round(math.sqrt(area / ratio)),
            )
            if 0 < width <= columns and 0 < height <= rows:
                top = _integer(rows - height + 1, self.generator)
                left = _integer(columns - width + 1, self.generator)
                return top, left, height, width
        # none fitted: the largest rectangle of an allowed ratio, in the middle
        height = min(rows, round(columns / self.ratio[0]))
        width = min(columns, round(rows * self.ratio[1]))
        return (rows - height) // 2, (columns - width) // 2, height, width

    def forward(self, img: ImageLike) -> Any:
        check_image(img, type(self).__name__)
        rectangle = self._rectangle(*size_of(img))
        return F.resized_crop(
            img, *rectangle, self.size, self.interpolation, self.antialias
        )

    def extra_repr(self) -> str:
        return f"size={self.size}, scale={self.scale}, ratio={self.ratio}"


class RandomRotation(nn.Module):
    """Turn an image by a random angle.

    Args:
        degrees: the range, or one number for minus to plus that.
        interpolation: tensors know nearest and bilinear.
        expand: make the result large enough for the whole turned image.
        center: x and y that stay; the middle when None.
        fill: what stands outside of the image.
        generator: where the numbers come from.

    >>> RandomRotation(10)(lampas.ones(1, 4, 4)).shape
    lampas.Size([1, 4, 4])
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Fill = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _range(degrees, "degrees")
        self.interpolation = interpolation_mode(interpolation)
        self.expand, self.center, self.fill = expand, center, fill
        self.generator = generator

    def forward(self, img: ImageLike) -> Any:
        angle = _uniform(*self.degrees, self.generator)
        return F.rotate(
            img, angle, self.interpolation, self.expand, self.center, self.fill
        )

    def extra_repr(self) -> str:
        return f"degrees={self.degrees}, interpolation={self.interpolation.value}"


class RandomAffine(nn.Module):
    """Turn, shift, scale and shear an image at random; its size stays.

    Args:
        degrees: range of the angle, or one number for minus to plus that.
        translate: largest shift as a share of width and of height.
        scale: smallest and largest scale.
        shear: range of degrees along x, or four numbers for x and y; one number for
            minus to plus that along x.
        interpolation: tensors know nearest and bilinear.
        fill: what stands outside of the image.
        center: x and y that stay; the middle when None.
        generator: where the numbers come from.

    >>> RandomAffine(10, translate=(0.1, 0.1))(lampas.ones(1, 4, 4)).shape
    lampas.Size([1, 4, 4])
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = 0,
        center: Sequence[float] | None = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _range(degrees, "degrees")
        if translate is not None and (
            len(translate) != 2 or not all(0.0 <= t <= 1.0 for t in translate)
        ):
            raise ArgumentError(
                f"translate: expected two shares in [0, 1], got {translate!r}"
            )
        if scale is not None and (len(scale) != 2 or min(scale) <= 0):
            raise ArgumentError(
                f"scale: expected two numbers above zero, got {scale!r}"
            )
        self.translate, self.scale, self.shear = translate, scale, _shears(shear)
        self.interpolation = interpolation_mode(interpolation)
        self.fill, self.center, self.generator = fill, center, generator

    def _draw(self, size: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
        """Angle, shift, scale and shear of one image, from six numbers drawn."""
        drawn = lampas.rand(6, generator=self.generator).tolist()

        def between(low: float, high: float) -> float:
            return low + (high - low) * drawn.pop()

        angle = between(*self.degrees)
        shift = [0, 0]
        if self.translate is not None:
            reach = [t * s for t, s in zip(self.translate, size[::-1], strict=True)]
            shift = [round(between(-r, r)) for r in reach]
        scale = between(self.scale[0], self.scale[1]) if self.scale else 1.0
        return angle, shift, scale, [between(*limits) for limits in self.shear]

    def forward(self, img: ImageLike) -> Any:
        check_image(img, type(self).__name__)
        drawn = self._draw(size_of(img))
        return F.affine(img, *drawn, self.interpolation, self.fill, self.center)

    def extra_repr(self) -> str:
        return (
            f"degrees={self.degrees}, translate={self.translate}, scale={self.scale}, "
            f"shear={self.shear}, interpolation={self.interpolation.value}"
        )


def _shears(
    shear: float | Sequence[float] | None,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of degrees along x and along y."""
    if shear is None:
        return (0.0, 0.0), (0.0, 0.0)
    if isinstance(shear, (int, float)) or len(shear) == 2:
        return _range(shear, "shear"), (0.0, 0.0)
    if len(shear) != 4:
        raise ArgumentError(f"shear: expected 1, 2 or 4 numbers, got {shear!r}")
    return _range(shear[:2], "shear"), _range(shear[2:], "shear")
