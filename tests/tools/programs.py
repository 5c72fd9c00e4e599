"""Run the programs of ``tests/programs`` on PyTorch and on lampas, and compare.

    python -m tools.programs [NAME ...] [--steps 50] [--python COMMAND] [--record]

``--python`` is an interpreter that has PyTorch, or the start of a command that takes
a script and its arguments; ``--record`` writes what PyTorch gives to
``expected.json``. Without it lampas is judged by what that file holds.

A program's loss must be within 1 % of PyTorch's at steps 1, 10, 25 and 50. One that
draws from torch's own random stream runs with seeds 1, 2 and 3, and its figure is the
mean over the last ten steps: the mean of ours over the seeds must lie between the
least and the greatest of PyTorch's three, widened by half of that range at both ends.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from tools.program_runs import (
    POINTS,
    RECORDED,
    Program,
    ProgramError,
    Run,
    allowed,
    lampas_command,
    make_init,
    programs,
    readings,
    run,
)

TOLERANCE = 0.01
Curves = dict[str, dict[str, float]]  # by seed, then by step


def difference(ours: float, theirs: float) -> float:
    """How far our value is from theirs, as a part of theirs."""
    return abs(ours - theirs) / max(abs(theirs), 1e-12)


def judge_noisy(ours: Curves, theirs: Curves) -> tuple[bool, str]:
    """Whether the mean of ours is in PyTorch's range at the last point, and a text."""
    point = list(next(iter(ours.values())))[-1]
    mine = fmean(curve[point] for curve in ours.values())
    low, high = allowed([curve[point] for curve in theirs.values()])
    return low <= mine <= high, f"{point}: {mine:.4g} in {low:.4g}..{high:.4g}"


def judge(program: Program, ours: Curves, theirs: Curves) -> tuple[bool, str]:
    """Whether our curves agree with PyTorch's, and a text about it."""
    if program.noisy:
        return judge_noisy(ours, theirs)
    (mine,), (others,) = ours.values(), theirs.values()
    apart = {point: difference(mine[point], others[point]) for point in mine}
    text = "; ".join(f"{point}: {value:.1e}" for point, value in apart.items())
    return max(apart.values()) <= TOLERANCE, text


def curves(program: Program, runs: dict[int, Run]) -> Curves:
    """What is compared and recorded of the runs, by seed."""
    return {str(seed): readings(program, r.values) for seed, r in runs.items()}


def run_seeds(
    command: list[str], program: Program, init: Path, data: Path | None, steps: int
) -> dict[int, Run]:
    """One run for each seed of the program."""
    return {
        seed: run(command, program, init, data, steps=steps, seed=seed)
        for seed in program.seeds
    }


def ratio(theirs: dict[int, Run], ours: dict[int, Run], part: str) -> str:
    """PyTorch's time over ours: above one where lampas is quicker."""
    if not theirs:
        return "-"
    total = [sum(getattr(r, part) for r in runs.values()) for runs in (theirs, ours)]
    return f"{total[0] / total[1]:.2f}"


def compare(
    program: Program, options: argparse.Namespace, folder: Path, recorded: dict
) -> bool:
    """Run one program on both systems and print its line; whether it agrees."""
    data = Path(os.environ["LAMPAS_DATA"]) if "LAMPAS_DATA" in os.environ else None
    steps = options.steps
    try:
        init = make_init(program, folder, data)
        theirs = {}
        if options.python:
            command = shlex.split(options.python)
            theirs = run_seeds(command, program, init, data, steps)
        ours = run_seeds(lampas_command(), program, init, data, steps)
    except ProgramError as error:
        print(f"{program.name:32} FAILED\n{error}", flush=True)
        return False
    known = curves(program, theirs) or recorded["programs"].get(program.name)
    if known is None:
        print(f"{program.name:32} has no recorded curve; use --python", flush=True)
        return False
    if options.record:
        recorded["programs"][program.name] = known
    fine, text = judge(program, curves(program, ours), known)
    last = str(max(point for point in POINTS if point <= steps))
    figure = next(iter(ours.values())).figure
    print(
        f"{program.name:32} {figure:8}"
        f"{fmean(curve[last] for curve in known.values()):11.5f}"
        f"{fmean(readings(program, r.values)[last] for r in ours.values()):11.5f}"
        f"{ratio(theirs, ours, 'loop'):>7}{ratio(theirs, ours, 'whole'):>7}  "
        f"{'ok  ' if fine else 'MISS'} {text}",
        flush=True,
    )
    return fine


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Programs on PyTorch and on lampas")
    parser.add_argument("names", nargs="*", help="parts of names; all by default")
    parser.add_argument("--steps", type=int, default=POINTS[-1])
    parser.add_argument("--python", help="an interpreter that has PyTorch")
    parser.add_argument("--record", action="store_true", help="write expected.json")
    options = parser.parse_args()
    if options.record and (not options.python or options.steps < POINTS[-1]):
        parser.error(f"--record: expected --python and --steps of {POINTS[-1]} or more")
    return options


def main() -> int:
    """Compare the programs that were asked for; the number of those that miss."""
    options = parse()
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    chosen = [
        program
        for program in programs()
        if not options.names or any(name in program.name for name in options.names)
    ]
    print(
        f"{'program':32} {'figure':8}{'PyTorch':>11}{'lampas':>11}"
        f"{'loop':>7}{'whole':>7}  (times: PyTorch's over ours)"
    )
    with tempfile.TemporaryDirectory() as folder:
        missed = [
            program.name
            for program in chosen
            if not compare(program, options, Path(folder), recorded)
        ]
    if options.record:
        text = json.dumps(recorded, indent=1, sort_keys=True)
        RECORDED.write_text(text + "\n", encoding="utf-8")
    print(f"{len(chosen) - len(missed)} of {len(chosen)} agree")
    return min(len(missed), 1)


if __name__ == "__main__":
    sys.exit(main())
