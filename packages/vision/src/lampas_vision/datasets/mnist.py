"""MNIST, read from the files in which it is published."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

import lampas_hub
from lampas import from_numpy
from lampas.errors import ArgumentError, FileFormatError
from lampas_vision.datasets._base import (
    DatasetNotFoundError,
    Transform,
    VisionDataset,
)
from lampas_vision.datasets._idx import read_idx

__all__ = ["MNIST", "FashionMNIST"]

T10K_TRAIN = 8_000

_MIRRORS = [
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
]
# sha256 and size of the files as published
_FILES = {
    "train-images-idx3-ubyte": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
    ),
    "train-labels-idx1-ubyte": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
    ),
    "t10k-images-idx3-ubyte": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
    ),
    "t10k-labels-idx1-ubyte": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        4_542,
    ),
}


def _folders(root: Path, kind: str) -> list[Path]:
    """Where the files may stand; the last is torchvision's place."""
    return [root, root / kind.lower(), root / kind / "raw"]


def _find(root: Path, kind: str, name: str) -> Path | None:
    """The file, packed or not."""
    places = (f / n for f in _folders(root, kind) for n in (f"{name}.gz", name))
    return next((path for path in places if path.is_file()), None)


def _fetch(root: Path, name: str) -> None:
    """Bring a file of MNIST from one of the mirrors into torchvision's place."""
    sha256, size = _FILES[name]
    urls = [f"{mirror}/{name}.gz" for mirror in _MIRRORS]
    source = lampas_hub.download(urls, sha256, size)
    target = _folders(root, "MNIST")[-1]
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target / f"{name}.gz")


def _read(root: Path, kind: str, name: str, how: str) -> npt.NDArray[Any]:
    path = _find(root, kind, name)
    if path is None:
        looked = ", ".join(map(str, _folders(root, kind)))
        raise DatasetNotFoundError(
            f"{kind}: expected the file {name}.gz (or {name}) in one of {looked}; {how}"
        )
    return read_idx(path)


def _check(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], kind: str, root: Path
) -> None:
    if images.dtype != np.uint8 or images.ndim != 3:
        raise FileFormatError(
            f"{kind} in {root}: expected images (N, H, W) of bytes, got "
            f"{images.shape} of {images.dtype}"
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise FileFormatError(
            f"{kind} in {root}: expected {len(images)} labels of one byte, got "
            f"{labels.shape} of {labels.dtype}"
        )
    if labels.size and labels.max() > 9:
        raise FileFormatError(
            f"{kind} in {root}: labels must be 0 to 9, got {labels.max()}"
        )


class MNIST(VisionDataset):
    """Grey images of handwritten digits, 28x28 pixels, ten classes.

    Args:
        root: the folder with the four files, or one above ``mnist/`` or
            ``MNIST/raw/``.
        train: the part to train on, else the part to test on.
        transform: called on each PIL image (mode "L").
        target_transform: called on each label (int).
        download: fetch what is missing into ``MNIST/raw/`` from mirrors, its sha256
            checked; nothing is ever fetched without being asked for.
        split: ``"standard"`` is the published one, 60,000 and 10,000 images.
            ``"t10k"`` needs only the two files of the 10,000: the first 8,000 of them
            to train on, the last 2,000 to test on.

    Attributes:
        data: images, a tensor ``(N, 28, 28)``, uint8.
        targets: labels, a tensor ``(N,)``, int64.
        classes: ten names.

    Raises:
        DatasetNotFoundError: a file is missing; the text names it and the folders.
        FileFormatError: a file is damaged, or images and labels do not fit.
        ValueError: an unknown split.

    ::

        MNIST("data", train=False, transform=ToTensor())
    """

    _kind = "MNIST"
    _how = "pass download=True, or put it there by hand"

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
        download: bool = False,
        *,
        split: Literal["standard", "t10k"] = "standard",
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        if split not in ("standard", "t10k"):
            raise ArgumentError(f'split: expected "standard" or "t10k", got {split!r}')
        self.train, self.split = train, split
        part = "train" if train and split == "standard" else "t10k"
        root = Path(root).expanduser()
        names = [f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"]
        kind = self._kind
        if download:
            self._fetch_missing(root, names)
        if not root.is_dir():
            raise DatasetNotFoundError(
                f"{kind}: there is no folder {root}; expected one with {names[0]}.gz "
                f"and {names[1]}.gz; {self._how}"
            )
        images, labels = (_read(root, kind, name, self._how) for name in names)
        _check(images, labels, kind, root)
        if split == "t10k":
            keep = slice(None, T10K_TRAIN) if train else slice(T10K_TRAIN, None)
            images, labels = images[keep], labels[keep]
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))

    def _fetch_missing(self, root: Path, names: list[str]) -> None:
        for name in names:
            if _find(root, "MNIST", name) is None:
                _fetch(root, name)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Number of each class by its name."""
        return {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = Image.fromarray(self.data[index].numpy())
        return self._transformed(image, int(self.targets[index]))

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Grey images of clothes, 28x28 pixels, ten classes: files like MNIST's.

    Args:
        root: the folder with the four files, or one above ``fashionmnist/`` or
            ``FashionMNIST/raw/``.
        train, transform, target_transform, split: as of :class:`MNIST`.
        download: accepted where the files are there; they are not fetched.

    Raises:
        DatasetNotFoundError: a file is missing; the text names it and the folders.

    ::

        FashionMNIST("data", train=False, transform=ToTensor())
    """

    classes = (
        "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
    ).split(",")

    _kind = "FashionMNIST"
    _how = "put it there by hand: it is not fetched"

    def _fetch_missing(self, root: Path, names: list[str]) -> None:
        """Nothing is fetched: reading tells what is missing."""
