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
from typing import Any

from _machine import facts

import lampas
from lampas import kernels

Program = Callable[[ModuleType], Callable[[], object]]
Figures = dict[str, float | None]

SHORTEST = 1e-3  # seconds of one measurement: shorter calls are repeated


def peer() -> ModuleType | None:
    """PyTorch, or None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    return importlib.import_module("torch")


def _without_kernels(function: Callable[[], object]) -> Callable[[], object]:
    def go() -> None:
        with kernels.disabled():
            function()

    return go


def timed(function: Callable[[], object], calls: int) -> float:
    """Seconds of a call, the mean of so many."""
    began = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - began) / calls


def sides_of(program: Program) -> dict[str, Callable[[], object]]:
    """What is timed, on lampas and on PyTorch."""
    torch = peer()
    sides = {"ours": program(lampas)}
    if torch is not None:
        sides["torch"] = program(torch)
    return sides


def compare(
    program: Program, rounds: int = 7, seconds: float = 2.0, reference: bool = False
) -> Figures:
    """Median milliseconds of our side, and of the others' over ours.

    The sides take turns, so that the machine's drift hits all alike; rounds end early
    after ``seconds``, but not before the third.

    Args:
        program: makes what is timed, from a module.
        rounds: how many times each side is timed.
        seconds: when to be content with fewer.
        reference: time our side without its kernels too.
    """
    sides = sides_of(program)
    if reference:
        sides["reference"] = _without_kernels(sides["ours"])
    calls = {}
    for name, side in sides.items():  # which also warms up
        side()
        calls[name] = max(1, int(SHORTEST / max(timed(side, 1), 1e-9)))
    times: dict[str, list[float]] = {name: [] for name in sides}
    began = time.perf_counter()
    for done in range(rounds):
        if done >= 3 and time.perf_counter() - began > seconds:
            break
        for name, side in sides.items():
            times[name].append(timed(side, calls[name]))
    found: Figures = {"ms": statistics.median(times["ours"]) * 1e3}
    for name in ("torch", "reference")[: 1 + reference]:
        pairs = zip(times.get(name, []), times["ours"], strict=False)
        ratios = [theirs / ours for theirs, ours in pairs]
        found[f"{name} over ours"] = statistics.median(ratios) if ratios else None
    return found


def parser_of(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--only", help="programs whose name contains this")
    return parser


def chosen(names: Any, options: argparse.Namespace) -> list[str]:
    """The programs that the command line asks for."""
    return [name for name in names if not options.only or options.only in name]


def line(name: str, figures: Figures) -> str:
    """A program's figures on one line."""
    shown = [
        f"{key} {'-' if value is None else format(value, '.3g')}"
        for key, value in figures.items()
    ]
    return f"{name:34s} {'   '.join(shown)}"


def write(options: argparse.Namespace, figures: Any) -> None:
    """Write the figures as JSON where asked to, with what they belong to."""
    if options.json:
        options.json.parent.mkdir(exist_ok=True)
        text = json.dumps({"machine": facts(), "figures": figures}, indent=1)
        options.json.write_text(text + "\n")


def time_all(programs: dict[str, Program], options: argparse.Namespace) -> None:
    """Print a line for each program, and write the figures as JSON where asked to."""
    figures = {}
    for name in chosen(programs, options):
        figures[name] = compare(programs[name])
        print(line(name, figures[name]), flush=True)
    write(options, figures)


def report(description: str, programs: dict[str, Program]) -> None:
    """Time the programs with the options of the command line."""
    time_all(programs, parser_of(description).parse_args())
