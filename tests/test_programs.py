"""Programs that say ``import torch`` give PyTorch's losses on lampas.

The first ten steps of each, against what PyTorch 2.13 gave from the same weights;
``nox -s programs`` runs all fifty.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tools.program_runs import (
    RECORDED,
    Program,
    allowed,
    lampas_command,
    make_init,
    programs,
    readings,
    run,
)

STEPS = 10
PROGRAMS = programs()


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RECORDED.read_text(encoding="utf-8"))["programs"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("programs")


def curves(program: Program, folder: Path, steps: int) -> dict[int, dict[str, float]]:
    """What the program gives on lampas, by seed and step."""
    data = os.environ.get("LAMPAS_DATA")
    if program.data and not data:
        pytest.skip(f"{program.name} reads {program.data}: set LAMPAS_DATA")
    place = Path(data) if data else None
    init = make_init(program, folder, place)
    runs = {
        seed: run(lampas_command(), program, init, place, steps=steps, seed=seed)
        for seed in program.seeds
    }
    return {seed: readings(program, r.values) for seed, r in runs.items()}


def check(program: Program, ours: dict, theirs: dict, tolerance: float) -> None:
    if program.noisy:
        point = list(ours[1])[-1]
        low, high = allowed([curve[point] for curve in theirs.values()])
        mean = sum(curve[point] for curve in ours.values()) / len(ours)
        assert low <= mean <= high, (point, ours, theirs)
        return
    known = {point: theirs["1"][point] for point in ours[1]}
    assert ours[1] == pytest.approx(known, rel=tolerance)


@pytest.mark.parametrize("program", PROGRAMS, ids=[p.name for p in PROGRAMS])
def test_first_steps_are_pytorchs(program, folder, recorded):
    check(program, curves(program, folder, STEPS), recorded[program.name], 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=[p.name for p in PROGRAMS])
def test_fifty_steps_are_pytorchs(program, folder, recorded):
    check(program, curves(program, folder, 50), recorded[program.name], 1e-2)


def test_every_program_is_recorded_and_no_other(recorded):
    assert sorted(recorded) == [program.name for program in PROGRAMS]
