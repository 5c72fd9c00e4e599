"""The handwritten digits that travel with the package."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lampas.errors import ArgumentError
from lampas_vision.datasets._base import Transform, VisionDataset

__all__ = ["Digits", "stratified_split"]

CITATION = (
    "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, "
    "UCI Machine Learning Repository, 1998, CC BY 4.0"
)


def _rank(seed: int, index: int) -> bytes:
    return hashlib.sha256(f"{seed}:{index}".encode()).digest()


def stratified_split(
    labels: Sequence[int] | npt.NDArray[Any], fraction: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Hold out the same fraction of every class.

    Images of a class are ranked by the SHA-256 of seed and index, and the first go to
    the test half: the split depends on no library's random numbers and is the same on
    every machine and in every version.

    Args:
        labels: N class labels.
        fraction: how much of each class is held out, in (0, 1), rounded.
        seed: another seed gives another split.

    Returns:
        Indices to train on and indices to test on, both ascending.

    Raises:
        ValueError: ``fraction`` is outside (0, 1).

    >>> train, test = stratified_split([0, 1] * 10, 0.2, seed=0)
    >>> len(train), len(test)
    (16, 4)
    """
    if not 0.0 < fraction < 1.0:
        raise ArgumentError(f"fraction: expected a number in (0, 1), got {fraction}")
    labels = np.asarray(labels)
    held: list[int] = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label).tolist()
        members.sort(key=lambda index: _rank(seed, index))
        held += members[: round(len(members) * fraction)]
    test = np.sort(np.array(held, dtype=np.int64))
    return np.setdiff1d(np.arange(len(labels)), test), test


def _read() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    source = files("lampas_vision.datasets") / "digits.npz"
    with source.open("rb") as file, np.load(file, allow_pickle=False) as content:
        images, labels = content["images"], content["labels"].astype(np.int64)
    # 16 levels above black, spread over the range of a byte
    return np.rint(images * (255.0 / 16.0)).astype(np.uint8), labels


class Digits(VisionDataset):
    """1,797 grey images of handwritten digits, 8x8 pixels, ten classes.

    The data are in the package (UCI, CC BY 4.0; see ``digits-LICENCE.md`` beside this
    module). A fifth of every class is held out by :func:`stratified_split`.

    Args:
        train: the four fifths to train on (1,438 images), else the fifth to test on
            (359).
        transform: called on each PIL image (mode "L").
        target_transform: called on each label (int).
        seed: of the split.

    Attributes:
        data: images, ``(N, 8, 8)``, uint8 with values 0 to 255.
        targets: labels, ``(N,)``, int64.
        classes: ten names.

    >>> image, label = Digits(train=False)[0]
    >>> image.size, label
    ((8, 8), 7)
    """

    classes = [str(digit) for digit in range(10)]

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        images, labels = _read()
        self.train = train
        # where the images stand in the published order
        self.indices = stratified_split(labels, 0.2, seed)[0 if train else 1]
        self.data, self.targets = images[self.indices], labels[self.indices]

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
