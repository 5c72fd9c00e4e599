"""Time one program on lampas and, where it is installed, on PyTorch."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import lampas

Program = Callable[[ModuleType], Callable[[], object]]


def peer() -> ModuleType | None:
    """PyTorch, or None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    return importlib.import_module("torch")


def compare(program: Program, rounds: int = 7) -> tuple[float, float | None]:
    """Median milliseconds of our side and the median ratio of the peer's time to it."""
    torch = peer()
    ours = program(lampas)
    theirs = program(torch) if torch is not None else None
    mine, ratios = [], []
    for i in range(rounds + 1):
        began = time.perf_counter()
        ours()
        middle = time.perf_counter()
        if theirs is not None:
            theirs()
        if i:  # the first round warms up
            mine.append(middle - began)
            ratios.append((time.perf_counter() - middle) / (middle - began))
    ratio = statistics.median(ratios) if theirs is not None else None
    return statistics.median(mine) * 1e3, ratio


def parser_of(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--only", help="programs whose name contains this")
    return parser


def time_all(programs: dict[str, Program], options: argparse.Namespace) -> None:
    """Print a line for each program, and write the figures as JSON where asked to."""
    figures = {}
    for name, program in programs.items():
        if options.only and options.only not in name:
            continue
        ms, ratio = compare(program)
        figures[name] = {"ms": ms, "torch over ours": ratio}
        shown = "-" if ratio is None else f"{ratio:.2f}"
        print(f"{name:28s} {ms:9.2f} ms   torch over ours {shown}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def report(description: str, programs: dict[str, Program]) -> None:
    """Time the programs with the options of the command line."""
    time_all(programs, parser_of(description).parse_args())
