"""The Free Spoken Digit Dataset: digits in English, 8 kHz, CC BY-SA 4.0."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_audio.datasets._base import DatasetNotFoundError, SoundDataset

__all__ = ["FSDD"]

_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")
_TEST_NUMBERS = 5  # recordings 0 to 4 of each speaker and digit


class FSDD(SoundDataset):
    """Spoken digits: ``recordings/{digit}_{speaker}_{number}.wav``.

    Args:
        root: the folder above ``recordings``; ``$LAMPAS_DATA/fsdd`` if None.
        split: ``"test"`` has the recordings numbered 0 to 4, ``"train"`` the rest, as
            the publishers divide them; ``"all"`` has both.
        transform: called on each waveform ``(1, time)``.

    Attributes:
        classes: the digits as text.
        speakers: who speaks each recording.
        samples: pairs of path and digit.
        targets: digits.

    Raises:
        FileNotFoundError: the recordings are not there; the text says where to get
            them.
        ValueError: another split.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        split: str = "train",
        transform: Callable[[Tensor], Any] | None = None,
    ) -> None:
        if split not in ("train", "test", "all"):
            raise ArgumentError(f"split must be train, test or all, got {split!r}")
        folder = _recordings(root)
        self.speakers: list[str] = []
        samples = []
        for path in sorted(folder.glob("*.wav")):
            match = _NAME.fullmatch(path.name)
            if match is None:
                raise DatasetNotFoundError(
                    f"{path}: expected a name like 7_jackson_32.wav"
                )
            digit, speaker, number = match.groups()
            if split == "all" or (int(number) < _TEST_NUMBERS) == (split == "test"):
                samples.append((path, int(digit)))
                self.speakers.append(speaker)
        if not samples:
            raise DatasetNotFoundError(f"{folder}: there is no recording for {split}")
        super().__init__(samples, list("0123456789"), transform, 8000)


def _recordings(root: str | os.PathLike[str] | None) -> Path:
    if root is None:
        data = os.environ.get("LAMPAS_DATA")
        if not data:
            raise DatasetNotFoundError(
                "FSDD: give root, or set LAMPAS_DATA to the folder that holds fsdd/; "
                "the recordings are at github.com/Jakobovski/free-spoken-digit-dataset"
            )
        root = Path(data) / "fsdd"
    folder = Path(root).expanduser() / "recordings"
    if not folder.is_dir():
        raise DatasetNotFoundError(
            f"FSDD: there is no folder {folder}; the recordings are at "
            "github.com/Jakobovski/free-spoken-digit-dataset"
        )
    return folder
