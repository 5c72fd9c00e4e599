"""The command line: what it calls, what it prints, how it ends."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from lampas.cli import _main, _recipes, main

RECIPE = '''"""Counts its steps.

The rest of the text is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from lampas.errors import NonFiniteError
from lampas.io import save
from lampas.train import option


@dataclass(frozen=True)
class Config:
    epochs: int = option(3, "passes over the data")
    fail: str = ""


def train(config, run):
    if config.fail == "nan":
        raise NonFiniteError("the loss is nan")
    if config.fail == "ctrl-c":
        save({"model": {}, "config": {}}, run.last)
        raise KeyboardInterrupt("stopped after step 3; the state is saved")
    if config.fail == "bug":
        raise ZeroDivisionError
    print(f"epochs {config.epochs}, resuming {run.resuming}")
    content = {"model": {"w": 2.5}, "config": {"epochs": config.epochs, "fail": ""}}
    save(content, run.last)
    save(content, run.best)


def evaluate(config, checkpoint):
    return {"accuracy": 0.5, "epochs": config.epochs}


def pretrained():
    return {"model": {"w": 9.5}, "config": {"epochs": 70}}


def predict(config, checkpoint, inputs):
    for text in inputs:
        yield f"{text} -> {checkpoint['model']['w']}"
'''


@pytest.fixture(autouse=True)
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed recipe called ``count``, and a working folder without runs."""
    (tmp_path / "count_recipe.py").write_text(RECIPE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "count_recipe", raising=False)
    monkeypatch.chdir(tmp_path)
    points = {
        "lampas.recipes": [EntryPoint("count", "count_recipe", "lampas.recipes")],
        "lampas.commands": [
            EntryPoint("broken", "not_there:register", "lampas.commands")
        ],
    }
    for module in (_main, _recipes):
        monkeypatch.setattr(
            module, "entry_points", lambda group: EntryPoints(points[group])
        )


def test_train_eval_predict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "count", "--epochs", "5"]) == 0
    assert capsys.readouterr().out == (
        "run folder: runs/count\nepochs 5, resuming False\n"
    )
    assert main(["eval", "count"]) == 0
    assert capsys.readouterr().out == "accuracy: 0.5000\nepochs: 5\n"
    checkpoint = "runs/count/last.pt"
    assert main(["predict", "count", "--checkpoint", checkpoint, "a", "b"]) == 0
    assert capsys.readouterr().out == "a -> 2.5\nb -> 2.5\n"


def test_weights_that_came_with_the_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["predict", "count", "--checkpoint", "pretrained", "a"]) == 0
    assert main(["eval", "count", "--checkpoint", "pretrained"]) == 0
    assert capsys.readouterr().out == "a -> 9.5\naccuracy: 0.5000\nepochs: 70\n"


def test_resume_keeps_the_settings_of_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["train", "count", "--epochs", "5"])
    main(["train", "count"])
    capsys.readouterr()
    assert main(["train", "count", "--run", "runs/count", "--resume"]) == 0
    assert "epochs 5, resuming True" in capsys.readouterr().out
    assert main(["train", "count", "--resume"]) == 0
    assert "runs/count-2\nepochs 3, resuming True" in capsys.readouterr().out


def test_a_file_is_a_recipe_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "count_recipe.py", "--run", "here"]) == 0
    assert "run folder: here" in capsys.readouterr().out


def test_settings_from_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("slow.toml").write_text("epochs = 90\n")
    assert main(["train", "count", "--config", "slow.toml"]) == 0
    assert "epochs 90" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train cuont", "unknown recipe cuont: did you mean count?"),
        ("train absent.py", "recipe absent.py: there is no such file"),
        ("train count --epoch 3", "unknown key --epoch; did you mean --epochs?"),
        ("train count --resum", "unknown key --resum; did you mean --resume?"),
        ("train count --epochs x", "--epochs must be int, got 'x' (str)"),
        ("train count stray", "unexpected argument 'stray'"),
        ("train count --resume", "no run of count in runs"),
        ("train count --config a.toml", "config file a.toml: No such file"),
        ("train count --run a --resume --overwrite", "exclude each other"),
        ("eval count --checkpoint no.pt", "checkpoint no.pt: there is no such file"),
        ("eval count", "no run of count in runs: name its folder with --run"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    assert main(line.split()) == 2
    error = capsys.readouterr().err.splitlines()
    assert message in error[-1]
    # the first line is about the broken command, the second the error
    assert len(error) == 2


def test_predict_needs_an_input(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "count"])
    assert main(["predict", "count"]) == 2
    assert "expected at least one INPUT" in capsys.readouterr().err


def test_training_to_nan_ends_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "count", "--fail", "nan"]) == 1
    assert "NonFiniteError: the loss is nan" in capsys.readouterr().err


def test_ctrl_c_ends_with_status_130_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "count", "--fail", "ctrl-c"]) == 130
    assert capsys.readouterr().out.splitlines()[-1] == (
        "stopped after step 3; the state is saved; "
        "go on with: lampas train count --run runs/count --resume"
    )


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["train", "count", "--fail", "bug"])


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMPAS_TRACEBACK", "1")
    with pytest.raises(ValueError, match="unknown recipe"):
        main(["train", "other"])


@pytest.mark.parametrize("line", ["recipes", "train --list", "train"])
def test_recipes_are_listed_with_their_first_line(
    capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert main(line.split()) == 0
    assert capsys.readouterr().out == "count  Counts its steps.\n"


def test_help_of_a_recipe_shows_every_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "count", "--help"]) == 0
    text = capsys.readouterr().out
    assert "passes over the data (default: 3)" in text
    assert "--resume" in text


def test_a_broken_command_of_another_package_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert "ok python" in out
    assert "command broken is left out" in err
