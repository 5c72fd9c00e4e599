"""Time loading with workers, the memory that they add, and how soon a lost one is told.

    python benchmarks/loader.py [--json FILE] [--only NAME] [--gigabytes 2]

Four workers load 100,000 small samples, beside PyTorch's loader where it is installed;
then they read a dataset of some gigabytes, of which none may hold a copy, and one of
them is killed. A copy or an error later than a second makes the exit status 1.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from _side_by_side import parser_of, time_all

import lampas
from lampas.utils.data import DataLoader, Dataset

SAMPLES = 100_000
MOST_PRIVATE = 50  # megabytes of a large array that a worker may hold for itself


class Pairs:
    """Samples made by NumPy one at a time."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self.features = rng.standard_normal((count, 32), dtype=np.float32)
        self.labels = rng.integers(0, 10, count)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.features[index] * 2, int(self.labels[index])


def tensors(count: int) -> Callable[[ModuleType], Any]:
    """A TensorDataset of either library."""

    def make(m: ModuleType) -> Any:
        pairs = Pairs(count)
        features, labels = m.from_numpy(pairs.features), m.from_numpy(pairs.labels)
        return m.utils.data.TensorDataset(features, labels)

    return make


def epoch_of(make: Callable[[ModuleType], Any]) -> Callable[[ModuleType], Any]:
    """A program that reads all of a dataset once by four workers."""

    def program(m: ModuleType) -> Callable[[], object]:
        dataset = make(m)
        loader = m.utils.data.DataLoader(
            dataset, batch_size=64, shuffle=True, num_workers=4
        )

        def go() -> None:
            seen = sum(len(labels) for _, labels in loader)
            if seen != len(dataset):
                raise RuntimeError(f"{seen} of {len(dataset)} samples arrived")

        return go

    return program


PROGRAMS = {
    "100k tensors, 4 workers": epoch_of(tensors(SAMPLES)),
    "100k arrays, 4 workers": epoch_of(lambda m: Pairs(SAMPLES)),
}


def held_megabytes(field: str) -> float:
    """What this process holds, by the fields of Linux's account of its memory."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines()]
    return sum(int(p[1]) for p in lines if p[0].startswith(field)) / 1024


class Large(Dataset):
    """Rows of one array, with what the worker holds for itself."""

    def __init__(self, rows: np.ndarray, field: str) -> None:
        self.rows, self.field = rows, field

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[np.ndarray, float]:
        every = index % 4096 == 0
        return self.rows[index], held_megabytes(self.field) if every else 0.0


def filled(rows: np.ndarray) -> np.ndarray:
    """Rows of equal numbers."""
    rows[:] = np.arange(len(rows), dtype=np.float32)[:, None]
    return rows


# How the workers start, where the array lies, and what of a worker is its own: after a
# fork the pages that it shares with none; when spawned those that are of no file.
PLACES = [
    ("fork", "memory", "Private_"),
    ("spawn", "memory", "Anonymous:"),
    ("spawn", "file", "Anonymous:"),
]


def most_held(rows: np.ndarray, start: str, field: str) -> float:
    """The most megabytes that one of four workers held in an epoch."""
    loader = DataLoader(
        Large(rows, field),
        batch_size=256,
        shuffle=True,
        num_workers=4,
        multiprocessing_context=start,
    )
    return max(float(held.max()) for _, held in loader)


def growth(start: str, where: str, field: str, gigabytes: float) -> float:
    """Megabytes that a worker holds for a large array, beyond those for a small one."""
    shape = (int(gigabytes * 2**30) // 4096, 1024)
    small = most_held(filled(np.empty((4097, 1024), np.float32)), start, field)
    if where == "memory":
        return most_held(filled(np.empty(shape, np.float32)), start, field) - small
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        filled(np.memmap(path, np.float32, "w+", shape=shape)).flush()
        rows = np.memmap(path, np.float32, "r", shape=shape)
        return most_held(rows, start, field) - small


class _Slow(Dataset):
    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: int) -> int:
        time.sleep(0.005)
        return os.getpid()


def seconds_to_error() -> tuple[float, str]:
    """From the killing of a worker to the error in the program that reads."""
    batches = iter(DataLoader(_Slow(), batch_size=4, num_workers=4))
    os.kill(int(next(batches)[0]), signal.SIGKILL)
    began = time.perf_counter()
    try:
        for _ in batches:
            pass
    except RuntimeError as error:
        return time.perf_counter() - began, str(error).splitlines()[0]
    raise RuntimeError("the loss of a worker went unnoticed")


def main() -> int:
    """Print the figures; 1 where one is missed."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--gigabytes", type=float, default=2.0)
    options = parser.parse_args()
    time_all(PROGRAMS, options)
    if options.only:
        return 0
    grown = []
    for start, where, field in PLACES:
        grown.append(growth(start, where, field, options.gigabytes))
        size = f"{options.gigabytes:g} GB in {where}, 4 workers by {start}"
        print(f"{size}: {grown[-1]:.1f} MB more held by one alone", flush=True)
    seconds, message = seconds_to_error()
    print(f"a worker killed: {seconds * 1e3:.0f} ms to '{message}'")
    return int(max(grown) > MOST_PRIVATE or seconds > 1)


if __name__ == "__main__":
    lampas.set_num_threads(1)
    sys.exit(main())
