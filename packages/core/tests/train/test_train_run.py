"""The folder of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lampas.errors import ArgumentError
from lampas.train.run import Run, newest_folder, next_folder


@dataclass(frozen=True)
class Config:
    epochs: int = 3


def test_folder_holds_its_settings(tmp_path: Path) -> None:
    Run(tmp_path / "a", Config(epochs=5))
    assert (tmp_path / "a" / "config.toml").read_text() == "epochs = 5\n"
    assert (tmp_path / "a" / "samples").is_dir()


def test_a_folder_with_a_run_is_not_touched(tmp_path: Path) -> None:
    Run(tmp_path, Config()).log(step=1)
    with pytest.raises(ArgumentError, match="--resume to go on"):
        Run(tmp_path, Config(epochs=9))
    assert (tmp_path / "config.toml").read_text() == "epochs = 3\n"
    assert Run(tmp_path, Config(), overwrite=True).metrics() == []


def test_resuming_without_a_checkpoint_starts_anew(tmp_path: Path) -> None:
    Run(tmp_path, Config()).log(step=1)
    run = Run(tmp_path, Config(), resume=True)
    assert not run.resuming
    assert run.metrics() == []


def test_metrics_are_lines_in_order(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.log(step=1, loss=0.1)
    run.log(step=2, loss=float("nan"))
    assert run.metrics() == [{"step": 1, "loss": 0.1}, {"step": 2, "loss": None}]


def test_rewind_forgets_what_came_after_the_mark(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())
    run.rewind(0)
    run.log(step=1)
    mark = run.mark()
    run.log(step=2)
    run.rewind(mark)
    assert run.metrics() == [{"step": 1}]
    with pytest.raises(ArgumentError, match="it was edited"):
        run.rewind(mark + 1)


def test_folders_are_numbered(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no run of digits"):
        newest_folder("digits", tmp_path)
    for expected in ("digits", "digits-2", "digits-3"):
        folder = next_folder("digits", tmp_path)
        assert folder.name == expected
        folder.mkdir()
        assert newest_folder("digits", tmp_path) == folder


def test_what_a_killed_process_left_is_swept_up(tmp_path: Path) -> None:
    Run(tmp_path, Config())
    (tmp_path / ".lampas-0123.tmp").write_bytes(b"half")
    Run(tmp_path, Config(), resume=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "config.toml",
        "samples",
    ]


def test_without_matplotlib_training_goes_on_with_a_notice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(tmp_path, Config())
    run.log(step=1, loss=1.0)
    run.save_curves("loss")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    run.save_curves("loss")
    assert "pip install 'lampas[plot]'" in capsys.readouterr().err
