"""Transforms without chance, as modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
from PIL import Image

from lampas import Tensor, nn
from lampas.errors import ArgumentTypeError
from lampas_vision.transforms import functional as F
from lampas_vision.transforms._crop import Fill
from lampas_vision.transforms._image import ImageLike, pair
from lampas_vision.transforms._resize import InterpolationMode, interpolation_mode

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "Grayscale",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "Resize",
    "ToPILImage",
    "ToTensor",
]


class Compose:
    """Call one transform after the other.

    Args:
        transforms: what to call, in order.

    >>> Compose([abs, float])(-2)
    2.0
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        for transform in transforms:
            if not callable(transform):
                raise ArgumentTypeError(
                    "transforms: expected things to call, got "
                    f"{type(transform).__name__}"
                )
        self.transforms = list(transforms)

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"    {transform!r}\n" for transform in self.transforms)
        return f"{type(self).__name__}(\n{lines})"


class ToTensor:
    """Turn a PIL image or an array ``(H, W, C)`` into floats ``(C, H, W)`` in [0, 1].

    See :func:`lampas_vision.transforms.functional.to_tensor`.

    >>> ToTensor()(Image.new("L", (1, 1), 255))
    tensor([[[1.]]])
    """

    def __call__(self, pic: Image.Image | npt.NDArray[Any]) -> Tensor:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class PILToTensor:
    """Turn a PIL image into a tensor ``(C, H, W)`` with the same values.

    >>> PILToTensor()(Image.new("L", (1, 1), 7))
    tensor([[[7]]], dtype=lampas.uint8)
    """

    def __call__(self, pic: Image.Image) -> Tensor:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return "PILToTensor()"


class ToPILImage:
    """Turn a tensor ``(C, H, W)`` or an array ``(H, W, C)`` into a PIL image.

    Args:
        mode: Pillow's mode; by default from the channels.

    >>> import lampas
    >>> ToPILImage()(lampas.zeros(3, 2, 2)).mode
    'RGB'
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Tensor | npt.NDArray[Any]) -> Image.Image:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"ToPILImage(mode={self.mode})"


class ConvertImageDtype(nn.Module):
    """Change a tensor's type and scale its values to the new type's range.

    Args:
        dtype: the new type.

    >>> import lampas
    >>> ConvertImageDtype(lampas.float32)(lampas.tensor([255], dtype=lampas.uint8))
    tensor([1.])
    """

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)

    def extra_repr(self) -> str:
        return f"dtype={self.dtype}"


class Normalize(nn.Module):
    """Subtract a mean and divide by a standard deviation, channel by channel.

    Args:
        mean: one number per channel, or one for all.
        std: one number per channel, or one for all; none is zero.
        inplace: write into the input.

    >>> import lampas
    >>> Normalize([0.5], [0.5])(lampas.ones(1, 1, 1))
    tensor([[[1.]]])
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], inplace: bool = False
    ) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


class Resize(nn.Module):
    """Change the size; one number is the shorter side, and the ratio is kept.

    Args:
        size: height and width, or the shorter side.
        interpolation: how pixels between pixels are found.
        max_size: the longer side is not made larger than this.
        antialias: widen the filter when shrinking a tensor; PIL images always are.

    >>> Resize(2)(Image.new("L", (8, 4))).size
    (4, 2)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = interpolation_mode(interpolation)

    def forward(self, img: ImageLike) -> Any:
        return F.resize(
            img, self.size, self.interpolation, self.max_size, self.antialias
        )

    def extra_repr(self) -> str:
        return (
            f"size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias}"
        )


class CenterCrop(nn.Module):
    """Cut out the middle; a smaller image gets a black border first.

    Args:
        size: height and width, or one number for both.

    >>> CenterCrop(2)(Image.new("L", (8, 4))).size
    (2, 2)
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = pair(size, "size")

    def forward(self, img: ImageLike) -> Any:
        return F.center_crop(img, self.size)

    def extra_repr(self) -> str:
        return f"size={self.size}"


class Pad(nn.Module):
    """Put a border around an image.

    Args:
        padding: one width; or left/right and top/bottom; or left, top, right, bottom.
        fill: a number, or one per channel, for the mode "constant".
        padding_mode: "constant", "edge", "reflect" or "symmetric".

    >>> Pad(1)(Image.new("L", (8, 4))).size
    (10, 6)
    """

    def __init__(
        self,
        padding: int | Sequence[int],
        fill: Fill = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: ImageLike) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def extra_repr(self) -> str:
        return (
            f"padding={self.padding}, fill={self.fill}, "
            f"padding_mode={self.padding_mode}"
        )


class Grayscale(nn.Module):
    """Weigh red, green and blue as the eye does.

    Args:
        num_output_channels: 1, or 3 equal ones.

    >>> Grayscale()(Image.new("RGB", (8, 4))).mode
    'L'
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: ImageLike) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def extra_repr(self) -> str:
        return f"num_output_channels={self.num_output_channels}"


class Lambda:
    """Call a function of your own.

    Args:
        lambd: takes an image. A loader with worker processes needs one that pickles.

    >>> Lambda(abs)(-1)
    1
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise ArgumentTypeError(
                f"lambd: expected something to call, got {type(lambd).__name__}"
            )
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"
