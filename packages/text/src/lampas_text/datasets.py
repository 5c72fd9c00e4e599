"""Text as data: windows for language models, and two published sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from lampas import Tensor, from_numpy
from lampas.errors import ArgumentError, FileFormatError, LampasError
from lampas.utils.data import Dataset

__all__ = [
    "SST2",
    "DatasetNotFoundError",
    "Encoder",
    "TextFile",
    "TextWindows",
    "read_text",
    "tinyshakespeare",
]


class Encoder(Protocol):
    """What turns text into numbers."""

    def encode(self, text: str) -> list[int]: ...


class DatasetNotFoundError(LampasError, FileNotFoundError):
    """Files of a data set are not where they were looked for; the text says where."""


def _find(name: str, file: str, root: str | os.PathLike[str] | None) -> Path:
    """The path of a file of a set: in ``root``, or in LAMPAS_DATA."""
    if root is not None:
        path = Path(root).expanduser() / file
    elif folder := os.environ.get("LAMPAS_DATA"):
        path = Path(folder).expanduser() / name / file
    else:
        raise DatasetNotFoundError(
            f"{name}: set LAMPAS_DATA to the folder that holds {name}/{file}, "
            "or give root="
        )
    if not path.is_file():
        raise DatasetNotFoundError(f"{name}: expected the file {path}, it is not there")
    return path


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a text file in UTF-8.

    Raises:
        DatasetNotFoundError: there is no such file.
        FileFormatError: the file is not UTF-8; the text says where.
    """
    if not Path(path).is_file():
        raise DatasetNotFoundError(f"expected the text file {path}, it is not there")
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{path} is not UTF-8: byte {error.start} is "
            f"0x{error.object[error.start]:02x}"
        ) from None


class TextWindows(Dataset[tuple[Tensor, Tensor]]):
    """Windows of a long row of tokens, each with the same one token later.

    Args:
        ids: the tokens, ``(N,)`` integers.
        length: tokens per window.
        stride: from one window to the next; ``length`` makes windows that do not
            overlap, 1 makes every window there is.

    Raises:
        ArgumentError: there are too few tokens for one window, or ``stride`` < 1.

    >>> inputs, targets = TextWindows([5, 6, 7, 8, 9], length=2, stride=2)[1]
    >>> inputs.tolist(), targets.tolist()
    ([7, 8], [8, 9])
    """

    def __init__(self, ids: npt.ArrayLike, length: int, stride: int = 1) -> None:
        self.ids = np.asarray(ids)
        if self.ids.ndim != 1 or self.ids.dtype.kind not in "iu":
            raise ArgumentError(
                "TextWindows: ids must be one row of integers, got shape "
                f"{self.ids.shape} of {self.ids.dtype}"
            )
        if length < 1 or stride < 1:
            raise ArgumentError(
                "TextWindows: length and stride must be at least 1, "
                f"got {length} and {stride}"
            )
        if len(self.ids) <= length:
            raise ArgumentError(
                f"TextWindows: {len(self.ids)} tokens are too few for a window of "
                f"{length} and the token after it"
            )
        self.length, self.stride = length, stride

    def __len__(self) -> int:
        return (len(self.ids) - 1 - self.length) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        start = index * self.stride
        window = self.ids[start : start + self.length + 1].astype(np.int64)
        return from_numpy(window[:-1]), from_numpy(window[1:])


class TextFile(TextWindows):
    """Windows of a text file.

    Args:
        path: the file, UTF-8.
        tokenizer: anything with ``encode``.
        length: tokens per window.
        stride: from one window to the next.

    Raises:
        DatasetNotFoundError: there is no such file.
        FileFormatError: the file is not UTF-8.
        ArgumentError: the text is too short for one window.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        tokenizer: Encoder,
        length: int,
        stride: int = 1,
    ) -> None:
        super().__init__(tokenizer.encode(read_text(path)), length, stride)


def tinyshakespeare(root: str | os.PathLike[str] | None = None) -> str:
    """Return the 1,115,394 characters of tinyshakespeare (public domain).

    Args:
        root: the folder with ``input.txt``; by default
            ``$LAMPAS_DATA/tinyshakespeare``.

    Raises:
        DatasetNotFoundError: the file is not there; the text says where it should be.
    """
    return read_text(_find("tinyshakespeare", "input.txt", root))


class SST2(Dataset[tuple[str, int]]):
    """Film-review sentences with 0 (negative) or 1 (positive).

    Args:
        root: the folder with ``train.tsv`` and ``dev.tsv``; by default
            ``$LAMPAS_DATA/sst2``.
        split: ``"train"`` (6,920 sentences) or ``"dev"`` (872).

    Raises:
        DatasetNotFoundError: the file is not there.
        FileFormatError: a line is not a sentence, a tab and 0 or 1; the text names it.
        ArgumentError: there is no such split.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        split: Literal["train", "dev"] = "train",
    ) -> None:
        if split not in ("train", "dev"):
            raise ArgumentError(f"SST2: split must be train or dev, got {split!r}")
        path = _find("sst2", f"{split}.tsv", root)
        self.sentences: list[str] = []
        self.labels: list[int] = []
        lines = read_text(path).rstrip("\n").split("\n")
        for number, line in enumerate(lines, start=1):
            sentence, _, label = line.rpartition("\t")
            if label not in ("0", "1") or not sentence:
                raise FileFormatError(
                    f"{path}, line {number}: expected a sentence, a tab and 0 or 1, "
                    f"got {line[:60]!r}"
                )
            self.sentences.append(sentence)
            self.labels.append(int(label))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.sentences[index], self.labels[index]
