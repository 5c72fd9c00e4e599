"""MNIST, read from the files in which it is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from lampas.errors import ArgumentError, FileFormatError
from lampas_vision.datasets._base import (
    DatasetNotFoundError,
    Transform,
    VisionDataset,
)
from lampas_vision.datasets._idx import read_idx

__all__ = ["MNIST"]

T10K_TRAIN = 8_000


def _find(root: Path, name: str) -> Path:
    """The file, packed or not, in the folder or where torchvision puts it."""
    folders = [root, root / "mnist", root / "MNIST" / "raw"]
    for folder in folders:
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return path
    looked = ", ".join(map(str, folders))
    raise DatasetNotFoundError(
        f"MNIST: expected the file {name}.gz (or {name}) in one of {looked}; "
        "fetch MNIST's four files by hand and put them into one of these folders"
    )


def _check(images: npt.NDArray[Any], labels: npt.NDArray[Any], root: Path) -> None:
    if images.dtype != np.uint8 or images.ndim != 3:
        raise FileFormatError(
            f"MNIST in {root}: expected images (N, H, W) of bytes, got "
            f"{images.shape} of {images.dtype}"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise FileFormatError(
            f"MNIST in {root}: expected {len(images)} labels of one byte, got "
            f"{labels.shape} of {labels.dtype}"
        )
    if labels.size and labels.max() > 9:
        raise FileFormatError(
            f"MNIST in {root}: labels must be 0 to 9, got {labels.max()}"
        )


class MNIST(VisionDataset):
    """Grey images of handwritten digits, 28x28 pixels, ten classes.

    Args:
        root: the folder with the four files, or one above ``mnist/`` or
            ``MNIST/raw/``.
        train: the part to train on, else the part to test on.
        transform: called on each PIL image (mode "L").
        target_transform: called on each label (int).
        split: ``"standard"`` is the published one, 60,000 and 10,000 images.
            ``"t10k"`` needs only the two files of the 10,000: the first 8,000 of them
            to train on, the last 2,000 to test on.

    Attributes:
        data: images, ``(N, 28, 28)``, uint8.
        targets: labels, ``(N,)``, int64.
        classes: ten names.

    Raises:
        DatasetNotFoundError: a file is missing; the text names it and the folders.
        FileFormatError: a file is damaged, or images and labels do not fit.
        ValueError: an unknown split.

    ::

        MNIST("data", train=False, transform=ToTensor())
    """

    classes = [
        f"{digit} - {name}"
        for digit, name in enumerate(
            "zero one two three four five six seven eight nine".split()
        )
    ]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        split: Literal["standard", "t10k"] = "standard",
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if split not in ("standard", "t10k"):
            raise ArgumentError(f'split: expected "standard" or "t10k", got {split!r}')
        self.train, self.split = train, split
        part = "train" if train and split == "standard" else "t10k"
        root = Path(root).expanduser()
        if not root.is_dir():
            raise DatasetNotFoundError(
                f"MNIST: there is no folder {root}; expected one with "
                f"{part}-images-idx3-ubyte.gz and {part}-labels-idx1-ubyte.gz"
            )
        images = read_idx(_find(root, f"{part}-images-idx3-ubyte"))
        labels = read_idx(_find(root, f"{part}-labels-idx1-ubyte"))
        _check(images, labels, root)
        if split == "t10k":
            keep = slice(None, T10K_TRAIN) if train else slice(T10K_TRAIN, None)
            images, labels = images[keep], labels[keep]
        self.data, self.targets = images, labels.astype(np.int64)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Number of each class by its name."""
        return {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = Image.fromarray(self.data[index])
        return self._transformed(image, int(self.targets[index]))

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"
