"""The folder of a run: its settings, its numbers, its pictures, its checkpoints.

::

    runs/digits/
        config.toml      the settings, readable by --config
        metrics.jsonl    one JSON object per line, in the order of training
        curves.png       what metrics.jsonl says, as curves
        samples/         pictures or texts a person can look at
        last.pt          the newest checkpoint, from which --resume goes on
        best.pt          the weights with the best score
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lampas.errors import ArgumentError, MissingExtraError
from lampas.serialization.atomic import atomic_write
from lampas.train.config import config_dict, format_toml
from lampas.train.plots import curves

__all__ = ["Run", "newest_folder", "next_folder"]


def _numbered(root: Path, name: str) -> Iterator[Path]:
    yield root / name
    number = 2
    while True:
        yield root / f"{name}-{number}"
        number += 1


def next_folder(name: str, root: Path = Path("runs")) -> Path:
    """Return the first of ``root/name``, ``root/name-2``, ... that does not exist."""
    return next(path for path in _numbered(root, name) if not path.exists())


def newest_folder(name: str, root: Path = Path("runs")) -> Path:
    """Return the last folder that :func:`next_folder` has given out.

    Raises:
        ArgumentError: there is no run of that name.
    """
    newest = None
    for path in _numbered(root, name):
        if not path.exists():
            break
        newest = path
    if newest is None:
        raise ArgumentError(f"no run of {name} in {root}: name its folder with --run")
    return newest


class Run:
    """A run's folder, made when the run starts and opened again to resume.

    Args:
        folder: where the run lives.
        config: its settings, a dataclass; written to ``config.toml``.
        resume: go on from ``last.pt`` if it is there, else from the start.
        overwrite: start anew in a folder that holds a run.

    Raises:
        ArgumentError: the folder holds a run and neither flag is given.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        config: Any,
        *,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.config = config
        self.last, self.best = self.folder / "last.pt", self.folder / "best.pt"
        self.samples = self.folder / "samples"
        self.resuming = resume and self.last.exists()
        self._metrics = self.folder / "metrics.jsonl"
        if (self.folder / "config.toml").exists() and not (resume or overwrite):
            raise ArgumentError(
                f"run folder {self.folder} holds a run already: "
                "add --resume to go on with it, or --overwrite to start anew"
            )
        self.samples.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(".lampas-*.tmp"):
            path.unlink()  # left by a process that was killed while it wrote
        if not self.resuming:
            for path in (self.last, self.best, self._metrics):
                path.unlink(missing_ok=True)
        text = format_toml(config_dict(config))
        with atomic_write(self.folder / "config.toml") as file:
            file.write(text.encode())

    def log(self, **values: Any) -> None:
        """Append one line to ``metrics.jsonl``; a number that is not finite is null."""
        line = json.dumps({name: _jsonable(value) for name, value in values.items()})
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``, in order."""
        if not self._metrics.exists():
            return []
        lines = self._metrics.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def mark(self) -> int:
        """Put ``metrics.jsonl`` on the disk and return its length in bytes."""
        with self._metrics.open("ab") as file:
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def rewind(self, mark: int) -> None:
        """Forget the lines written after a mark, which will be written again.

        Raises:
            ArgumentError: the file is shorter than the mark.
        """
        size = self._metrics.stat().st_size if self._metrics.exists() else 0
        if size < mark:
            raise ArgumentError(
                f"{self._metrics} has {size} bytes, its checkpoint expects at least "
                f"{mark}: it was edited; start anew with --overwrite"
            )
        if size:
            os.truncate(self._metrics, mark)

    def save_curves(self, *names: str, x: str = "step") -> None:
        """Draw the named metrics into ``curves.png``; say so when that cannot be.

        Args:
            names: metrics to draw, one panel each.
            x: the metric along the horizontal axis.
        """
        try:
            curves(self.metrics(), names, self.folder / "curves.png", x=x)
        except MissingExtraError as error:
            print(f"no curves.png: {error}", file=sys.stderr)


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item) for name, item in value.items()}
    return value
