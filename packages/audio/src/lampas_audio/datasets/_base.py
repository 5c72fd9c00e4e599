"""What the data sets share: reading items, and the error when files are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lampas import Tensor
from lampas.errors import LampasError
from lampas.utils.data import Dataset
from lampas_audio.io import load

__all__ = ["DatasetNotFoundError", "SoundDataset"]


class DatasetNotFoundError(LampasError, FileNotFoundError, RuntimeError):
    """Files of a data set are not where they were looked for; the text says where."""


class SoundDataset(Dataset[tuple[Any, int]]):
    """Sound files with a class number each.

    Args:
        samples: pairs of path and class number.
        classes: the names of the classes.
        transform: called on each waveform ``(channels, time)``.
        sample_rate: what every file must have; None allows any.

    Attributes:
        samples, classes: as given.
        targets: class numbers.
    """

    def __init__(
        self,
        samples: list[tuple[Path, int]],
        classes: list[str],
        transform: Callable[[Tensor], Any] | None,
        sample_rate: int | None,
    ) -> None:
        self.samples, self.classes = samples, classes
        self.targets = [target for _, target in samples]
        self.transform, self.sample_rate = transform, sample_rate

    def __len__(self) -> int:
        return len(self.samples)

    def waveform(self, index: int) -> Tensor:
        """The samples of one file, ``(channels, time)``, as they are.

        Raises:
            RuntimeError: the file has another sample rate than the data set.
        """
        path, _ = self.samples[index]
        wave, rate = load(path)
        if self.sample_rate not in (None, rate):
            raise DatasetNotFoundError(
                f"{path}: expected a sample rate of {self.sample_rate}, got {rate}; "
                "resample the file, or pass sample_rate=None"
            )
        return wave

    def __getitem__(self, index: int) -> tuple[Any, int]:
        wave = self.waveform(index)
        if self.transform is not None:
            wave = self.transform(wave)
        return wave, self.targets[index]
