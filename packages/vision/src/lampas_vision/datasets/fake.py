"""Images of noise, to try a program without any data."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from lampas.errors import BoundsError
from lampas_vision.datasets._base import Transform, VisionDataset

__all__ = ["FakeData"]


class FakeData(VisionDataset):
    """Random images with random classes; each index always gives the same.

    Args:
        size: how many.
        image_size: channels, height and width; one or three channels.
        num_classes: how many classes.
        transform: called on each PIL image.
        target_transform: called on each class (int).
        random_offset: other images for another offset.

    >>> data = FakeData(size=3, image_size=(3, 8, 8))
    >>> len(data), data[0][0].size
    (3, (8, 8))
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.image_size = size, tuple(image_size)
        self.num_classes, self.random_offset = num_classes, random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.size:
            raise BoundsError(f"index {index} is outside of {self.size} images")
        source = np.random.default_rng(index + self.random_offset)
        channels, height, width = self.image_size
        pixels = source.integers(0, 256, (height, width, channels), dtype=np.uint8)
        image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
        return self._transformed(image, int(source.integers(self.num_classes)))
