"""Checkpoints in one process: what they hold and what they refuse."""

from __future__ import annotations

import random
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.errors import ArgumentError, FileFormatError
from lampas.io import save
from lampas.train import Checkpoint, Run, load_checkpoint


@dataclass(frozen=True)
class Config:
    epochs: int = 3
    folder: Path = Path("x")


def make(folder: Path, **options: object) -> Checkpoint:
    run = Run(folder, Config(), resume=True)
    return Checkpoint(run, model=nn.Linear(2, 2), **options)


def draws(generator: lampas.Generator) -> list[float]:
    return [
        *lampas.rand(2).tolist(),
        *lampas.rand(2, generator=generator).tolist(),
        float(np.random.rand()),
        float(np.random.randn()),
        random.random(),
        random.gauss(0.0, 1.0),
    ]


def test_every_generator_goes_on_where_it_was(tmp_path):
    own = lampas.Generator().manual_seed(3)
    checkpoint = make(tmp_path, generators={"own": own})
    # odd numbers of normal draws leave one in store
    np.random.randn()
    random.gauss(0.0, 1.0)
    checkpoint.save()
    expected = draws(own)
    other = lampas.Generator().manual_seed(99)
    again = make(tmp_path, generators={"own": other})
    assert again.resume()
    assert draws(other) == expected


def test_counters_and_totals_come_back(tmp_path):
    checkpoint = make(tmp_path, every=1)
    assert not checkpoint.resume()
    checkpoint.end_step()
    checkpoint.end_epoch(score=0.5)
    checkpoint.totals["loss"] += 0.1 + 0.2
    checkpoint.end_step()
    again = make(tmp_path)
    again.resume()
    assert (again.step, again.epoch, again.best) == (2, 1, 0.5)
    assert again.totals == {"loss": 0.1 + 0.2}


def test_saves_every_so_many_steps(tmp_path):
    checkpoint = make(tmp_path, every=2)
    checkpoint.end_step()
    assert not (tmp_path / "last.pt").exists()
    checkpoint.end_step()
    assert load_checkpoint(tmp_path / "last.pt")["counters"]["step"] == 2


@pytest.mark.parametrize(
    ("lowest", "scores", "best"),
    [(False, [0.5, 0.9, 0.7], 0.9), (True, [0.5, 0.2, 0.7], 0.2)],
)
def test_best_weights_are_kept(tmp_path, lowest, scores, best):
    checkpoint = make(tmp_path, about={"classes": ["a", "b"]})
    for score in scores:
        checkpoint.end_epoch(score=score, lowest=lowest)
    content = load_checkpoint(tmp_path / "best.pt")
    assert (content["score"], content["epoch"]) == (best, 2)
    assert content["config"] == {"epochs": 3, "folder": "x"}
    assert content["about"] == {"classes": ["a", "b"]}


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"no\.pt: there is no such file"):
        load_checkpoint(tmp_path / "no.pt")
    save({"weight": lampas.ones(1)}, tmp_path / "weights.pt")
    with pytest.raises(FileFormatError, match="got a dictionary with weight"):
        load_checkpoint(tmp_path / "weights.pt")


def test_a_checkpoint_without_a_part_is_refused_before_anything_changes(tmp_path):
    make(tmp_path).save()
    checkpoint = make(tmp_path, other=nn.Linear(1, 1))
    before = lampas.get_rng_state().tolist()
    with pytest.raises(FileFormatError, match="without other"):
        checkpoint.resume()
    assert lampas.get_rng_state().tolist() == before


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ArgumentError, match="every must be at least 1, got 0"):
        make(tmp_path, every=0)
    with pytest.raises(ArgumentError, match="at least model="):
        Checkpoint(Run(tmp_path, Config(), resume=True))


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    checkpoint = make(tmp_path)
    checkpoint.step = 7
    checkpoint.save()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    checkpoint.step = 8
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save()
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / "last.pt")["counters"]["step"] == 7


def test_second_ctrl_c_stops_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt), make(tmp_path):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert not (tmp_path / "last.pt").exists()


def test_the_handler_is_put_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with make(tmp_path):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_a_thread_ctrl_c_is_left_alone(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def body() -> None:
        with make(tmp_path):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [before]
