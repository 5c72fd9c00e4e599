"""What is done to an image before a model sees it, stored with the model's weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from PIL import Image

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_vision.transforms import functional as F
from lampas_vision.transforms._image import ImageLike, channels_of, check_image

__all__ = ["Preprocess"]


@dataclasses.dataclass(frozen=True)
class Preprocess:
    """Resize, crop, set the channels, scale to [0, 1], normalise.

    One object serves evaluation during training, ``eval``, ``predict`` and serving, so
    that they cannot disagree. It is plain data: :meth:`to_dict` goes into a checkpoint
    or a weights file, and :meth:`from_dict` brings it back.

    Args:
        size: height and width of the result.
        channels: 1 turns images grey, 3 repeats the grey of grey ones.
        mean: one number per channel, or one for all, subtracted after scaling.
        std: one number per channel, or one for all, divided by.
        crop_ratio: what share of the shorter side stays after the crop of the middle
            (torchvision's 224 of 256 is 0.875); 0 stretches the image to ``size``.

    >>> preprocess = Preprocess(size=(8, 8), channels=1, mean=(0.5,), std=(0.5,))
    >>> preprocess(Image.new("RGB", (20, 10), "white")).shape
    lampas.Size([1, 8, 8])
    >>> Preprocess.from_dict(preprocess.to_dict()) == preprocess
    True
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    crop_ratio: float = 0.0

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ArgumentError(f"channels: expected 1 or 3, got {self.channels}")
        if not 0.0 <= self.crop_ratio <= 1.0:
            raise ArgumentError(f"crop_ratio: expected [0, 1], got {self.crop_ratio}")

    def _sized(self, image: ImageLike) -> Any:
        if self.crop_ratio == 0.0:
            return F.resize(image, self.size)
        shorter = round(min(self.size) / self.crop_ratio)
        return F.center_crop(F.resize(image, shorter), self.size)

    def _channels(self, image: ImageLike) -> Any:
        if isinstance(image, Image.Image):
            return image.convert("L" if self.channels == 1 else "RGB")
        if channels_of(image) == self.channels:
            return image
        return F.rgb_to_grayscale(image, self.channels)

    def __call__(self, image: ImageLike) -> Tensor:
        """Prepare one image, or a batch given as a tensor.

        Args:
            image: a PIL image, or a tensor ``(..., 1 or 3, H, W)``.

        Returns:
            float32, ``(..., channels, *size)``.

        Raises:
            TypeError: neither a PIL image nor a tensor.
        """
        check_image(image, "Preprocess")
        image = self._sized(self._channels(image))
        if isinstance(image, Image.Image):
            image = F.pil_to_tensor(image)
        image = F.convert_image_dtype(image, lampas.float32)
        return F.normalize(image, self.mean, self.std)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: numbers and lists."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Rebuild what :meth:`to_dict` gave.

        Raises:
            ValueError: a key is missing or unknown; the text names it.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        odd = sorted(set(values) ^ names)
        if odd:
            raise ArgumentError(
                f"preprocess: expected {', '.join(sorted(names))}, got "
                f"{', '.join(sorted(values))}: {', '.join(odd)} missing or unknown"
            )
        fields: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**fields)
