"""Run a program of ``tests/programs`` in another process and read its losses."""

from __future__ import annotations

import gzip
import os
import re
import struct
import subprocess
import sys
import time
import tomllib
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lampas

FOLDER = Path(__file__).resolve().parent.parent / "programs"
RECORDED = FOLDER / "expected.json"
# Where a curve is read; a noisy one as the mean of up to ten steps ending there.
POINTS = (1, 10, 25, 50)
SEEDS = (1, 2, 3)
WINDOW = 10

_STEP = re.compile(r"step\s+(\d+)\s+(\S+)\s+(\S+)")


class ProgramError(Exception):
    """A program ended with an error, or printed no losses."""


@dataclass(frozen=True)
class Program:
    """A script, and what ``programs.toml`` says about it."""

    path: Path
    data: str | None = None
    noisy: bool = False
    arguments: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def seeds(self) -> tuple[int, ...]:
        return SEEDS if self.noisy else SEEDS[:1]


@dataclass
class Run:
    """What one run printed: the judged figure by step, and its times in seconds.

    ``loop`` is the time between the first line and the last of the training loop,
    ``whole`` that of the process with its imports.
    """

    figure: str
    values: dict[int, float]
    loop: float
    whole: float


def programs() -> list[Program]:
    """All programs, in the order of their numbers."""
    table = tomllib.loads((FOLDER / "programs.toml").read_text(encoding="utf-8"))
    scripts = sorted(FOLDER.glob("[0-9]*.py"))
    unknown = sorted(set(table) - {path.stem for path in scripts})
    if unknown:
        raise ValueError(f"programs.toml: no script named {', '.join(unknown)}")
    return [Program(path, **table.get(path.stem, {})) for path in scripts]


def lampas_command() -> list[str]:
    """What runs a script that says ``import torch`` on lampas."""
    return [sys.executable, "-m", "lampas.compat"]


def _redrawn(name: str, value: Any) -> Any:
    """The state with random weights drawn by NumPy, the same on every machine.

    A tensor whose numbers are all one (a new norm layer's) or are not floats stays.
    """
    if isinstance(value, dict):
        return {key: _redrawn(f"{name}.{key}", part) for key, part in value.items()}
    array = value.numpy()
    if array.dtype.kind != "f" or array.size == 0 or (array == array.flat[0]).all():
        return value
    fan_in = array.size if array.ndim == 1 else array[0].size
    bound = 1 / np.sqrt(fan_in)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    drawn = rng.uniform(-bound, bound, array.shape)
    return lampas.from_numpy(drawn.astype(array.dtype))


def make_init(program: Program, folder: Path, data: Path | None) -> Path:
    """Write the first weights of a program, drawn from its name and theirs."""
    path = folder / f"{program.name}.pt"
    command = [*lampas_command(), str(program.path), *_arguments(program, folder, data)]
    _lines([*command, "--save-init", str(path)])
    state = lampas.load(path)
    lampas.save(_redrawn(program.name, state), path)
    return path


def lay_out_mnist(source: Path, folder: Path) -> Path:
    """The 10,000 digits as torchvision wants them: 9,000 to train on, 1,000 to test."""
    raw = folder / "MNIST" / "raw"
    if raw.is_dir():
        return folder
    raw.mkdir(parents=True)
    for kind, header in (("images-idx3", 16), ("labels-idx1", 8)):
        packed = (source / f"t10k-{kind}-ubyte.gz").read_bytes()
        content = gzip.decompress(packed)
        size = (len(content) - header) // 10_000
        for part, first, last in (("train", 0, 9_000), ("t10k", 9_000, 10_000)):
            head = content[:4] + struct.pack(">I", last - first) + content[8:header]
            body = content[header + size * first : header + size * last]
            (raw / f"{part}-{kind}-ubyte").write_bytes(head + body)
    return folder


def _arguments(program: Program, folder: Path, data: Path | None) -> list[str]:
    if program.data is None:
        return program.arguments
    if data is None:
        raise ProgramError(f"{program.name} needs LAMPAS_DATA")
    place = data / program.data
    if program.data == "mnist":
        place = lay_out_mnist(place, folder / "mnist")
    return [*program.arguments, "--data", str(place)]


def _lines(command: list[str]) -> list[tuple[float, str]]:
    """Run a command; the lines that it printed, each with the time it came."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**threads, **os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        found = [(time.perf_counter(), line) for line in process.stdout or ()]
    if process.returncode != 0:
        tail = "".join(line for _, line in found[-15:])
        raise ProgramError(f"{' '.join(command)}\n{tail}")
    return found


def run(
    command: list[str],
    program: Program,
    init: Path,
    data: Path | None,
    *,
    steps: int,
    seed: int,
) -> Run:
    """Run a program for some steps under the interpreter that ``command`` starts.

    Raises:
        ProgramError: it failed (its last lines are told), or printed fewer losses.
    """
    settings = ["--init", str(init), "--steps", str(steps), "--seed", str(seed)]
    settings += _arguments(program, init.parent, data)
    start = time.perf_counter()
    printed = _lines([*command, str(program.path), *settings])
    whole = time.perf_counter() - start
    found = [(when, match) for when, t in printed if (match := _STEP.match(t))]
    values = {int(match[1]): float(match[3]) for _, match in found}
    if sorted(values) != list(range(1, steps + 1)):
        raise ProgramError(f"{program.name}: expected {steps} steps, got {values}")
    return Run(found[0][1][2], values, found[-1][0] - found[0][0], whole)


def readings(program: Program, values: dict[int, float]) -> dict[str, float]:
    """The curve at the points that it has reached."""
    reached = [point for point in POINTS if point <= max(values)]
    if not program.noisy:
        return {str(point): values[point] for point in reached}
    windows = {p: range(max(1, p - WINDOW + 1), p + 1) for p in reached if p > 1}
    return {
        str(point): float(np.mean([values[step] for step in steps]))
        for point, steps in windows.items()
    }


def allowed(theirs: list[float]) -> tuple[float, float]:
    """The range of PyTorch's values over the seeds, wider by half of it each way."""
    low, high = min(theirs), max(theirs)
    return low - (high - low) / 2, high + (high - low) / 2
