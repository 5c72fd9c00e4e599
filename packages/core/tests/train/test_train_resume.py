"""Runs that are killed, interrupted or spoiled, and what is left of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lampas.train import load_checkpoint

RECIPE = Path(__file__).with_name("tiny_recipe.py")


def start(
    folder: Path, workers: int, *options: str, threads: int = 1
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lampas.cli", "train", str(RECIPE)]
    command += ["--run", str(folder), "--workers", str(workers), *options]
    limit = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **limit},
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=120)
    return out, err


def table(out: str, folder: Path) -> str:
    return out.replace(str(folder), "RUN")


def arrays(state: object, path: str = "") -> dict[str, bytes]:
    """Every leaf of a checkpoint, as bytes."""
    if isinstance(state, dict):
        items = list(state.items())
    elif isinstance(state, (list, tuple)):
        items = list(enumerate(state))
    else:
        leaf = np.asarray(state)
        content = repr(state).encode() if leaf.dtype.hasobject else leaf.tobytes()
        return {path: content}
    found = {}
    for name, item in items:
        found |= arrays(item, f"{path}/{name}")
    return found


def result(folder: Path) -> tuple[dict[str, bytes], dict[str, bytes], str]:
    """What a run leaves: both checkpoints and the metrics."""
    last, best = (load_checkpoint(folder / name) for name in ("last.pt", "best.pt"))
    for content in (last, best):
        content["config"] = None  # it names the number of workers
    metrics = (folder / "metrics.jsonl").read_text()
    return arrays(last), arrays(best), metrics


def group_is_gone(process: subprocess.Popen[str]) -> bool:
    """Whether no process of the run is left, workers included."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, str, float]:
    """The run that nobody stops: its result, its table and how long it took."""
    folder = tmp_path_factory.mktemp("unbroken")
    started = time.monotonic()
    process = start(folder, 0, "--pause", "0.01")
    out, err = finish(process)
    assert process.returncode == 0, err
    return result(folder), table(out, folder), time.monotonic() - started


def kill_until_done(
    folder: Path, workers: int, kills: int, seconds: float, chance: random.Random
) -> str:
    """Kill a run at random moments, resume it each time; return its last table."""
    for attempt in range(kills):
        resume = ["--resume"] if attempt else []
        process = start(folder, workers, "--pause", "0.01", *resume)
        time.sleep(chance.uniform(0.2, 1.0) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        finish(process)
        if (folder / "last.pt").exists():
            load_checkpoint(folder / "last.pt")
    process = start(folder, workers, "--resume")
    out, err = finish(process)
    assert process.returncode == 0, err
    return table(out, folder)


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_a_killed_run_ends_as_if_it_never_stopped(tmp_path, unbroken, workers):
    expected, expected_table, seconds = unbroken
    chance = random.Random(workers)
    out = kill_until_done(tmp_path, workers, 2, seconds, chance)
    assert result(tmp_path) == expected
    assert out == expected_table


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("workers", [0, 1, 4])
def test_killed_at_many_moments(tmp_path, unbroken, workers, seed):
    expected, expected_table, seconds = unbroken
    chance = random.Random(100 * workers + seed)
    out = kill_until_done(tmp_path, workers, 1 + seed % 4, seconds, chance)
    assert result(tmp_path) == expected
    assert out == expected_table


@pytest.mark.parametrize(("workers", "threads"), [(1, 1), (4, 1), (0, 2)])
def test_one_seed_gives_one_curve(tmp_path, unbroken, workers, threads):
    (_, _, expected_metrics), _, _ = unbroken
    process = start(tmp_path, workers, threads=threads)
    _, err = finish(process)
    assert process.returncode == 0, err
    assert (tmp_path / "metrics.jsonl").read_text() == expected_metrics


@pytest.mark.parametrize("workers", [0, 1])
def test_ctrl_c_saves_ends_the_workers_and_can_be_resumed(tmp_path, unbroken, workers):
    expected, expected_table, _ = unbroken
    options = ["--pause", "0.02", "--save-every", "1000"]
    process = start(tmp_path, workers, *options)
    metrics = tmp_path / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not metrics.exists() or metrics.read_text().count("\n") < 4:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    # a terminal sends it to the workers too
    os.killpg(process.pid, signal.SIGINT)
    out, err = finish(process)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "the state is saved; go on with: lampas train" in out
    assert group_is_gone(process)
    step = load_checkpoint(tmp_path / "last.pt")["counters"]["step"]
    assert f"stopped after step {step}" in out
    process = start(tmp_path, workers, "--resume")
    out, err = finish(process)
    assert process.returncode == 0, err
    assert result(tmp_path)[2] == expected[2]
    assert table(out, tmp_path) == expected_table


def test_training_to_infinity_names_the_module(tmp_path):
    process = start(tmp_path, 0, "--spoil", "3")
    _, err = finish(process)
    assert process.returncode == 1
    last = err.splitlines()[-1]
    assert "the first bad module is 3 (Linear) gave" in last
    assert "its weight holds 0 nan and 1 inf" in last
    assert "Traceback" not in err


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    for options in ([], ["--resume"]):
        process = start(tmp_path, 0, *options)
        out, err = finish(process)
        assert process.returncode == 0, err
        if not options:
            first, first_table = result(tmp_path), table(out, tmp_path)
    assert result(tmp_path) == first
    assert table(out, tmp_path) == first_table
