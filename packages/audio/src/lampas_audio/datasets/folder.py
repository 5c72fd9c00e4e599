"""Sound files sorted into one folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lampas import Tensor
from lampas_audio.datasets._base import DatasetNotFoundError, SoundDataset

__all__ = ["SoundFolder"]

_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")


class SoundFolder(SoundDataset):
    """Sounds in folders: ``root/yes/1.wav``, ``root/no/1.wav``.

    Args:
        root: the folder above the class folders.
        transform: called on each waveform ``(channels, time)``.
        sample_rate: what every file must have; None allows any.
        extensions: endings of the files to take, in any case.

    Attributes:
        classes: names of the folders, sorted.
        class_to_idx: number of each class by its name.
        samples: pairs of path and class number.
        targets: class numbers.

    Raises:
        FileNotFoundError: no such folder, no class folder, or one without a sound; the
            text names it and the layout that was expected.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Tensor], Any] | None = None,
        sample_rate: int | None = None,
        extensions: Sequence[str] = _ENDINGS,
    ) -> None:
        self.root = folder = Path(root).expanduser()
        layout = f"expected {folder}/CLASS/SOUND, such as {folder}/yes/1.wav"
        if not folder.is_dir():
            raise DatasetNotFoundError(f"there is no folder {folder}; {layout}")
        classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        if not classes:
            raise DatasetNotFoundError(
                f"there is no class folder in {folder}; {layout}"
            )
        self.class_to_idx = {name: number for number, name in enumerate(classes)}
        samples = []
        for name, number in self.class_to_idx.items():
            found = [
                path
                for path in sorted((folder / name).rglob("*"))
                if path.suffix.lower() in extensions
            ]
            if not found:
                raise DatasetNotFoundError(
                    f"no sound for class {name}: expected files ending in "
                    f"{' '.join(extensions)} in {folder / name}"
                )
            samples += [(path, number) for path in found]
        super().__init__(samples, classes, transform, sample_rate)
