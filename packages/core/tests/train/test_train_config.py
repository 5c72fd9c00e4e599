"""A typed configuration: layers, types, and what it says about a mistake."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from lampas.train.config import (
    ConfigError,
    build_config,
    config_dict,
    describe_config,
    format_toml,
    load_config,
    option,
    split_options,
)


@dataclass(frozen=True)
class Config:
    epochs: int = option(3, "passes over the data")
    learning_rate: float = option(1e-3, "step size")
    augment: bool = True
    name: str = "run"
    folder: Path = Path("data")
    limit: int | None = None
    widths: tuple[int, ...] = (8, 16)
    betas: tuple[float, float] = (0.9, 0.999)
    optimizer: Literal["sgd", "adam"] = "adam"


def test_defaults_alone() -> None:
    assert load_config(Config) == Config()


def test_line_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("epochs = 5\nlearning-rate = 1\n")
    config = load_config(Config, ["--epochs", "7"], file)
    assert (config.epochs, config.learning_rate, config.name) == (7, 1.0, "run")
    assert type(config.learning_rate) is float


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("--learning-rate 0.5", "learning_rate", 0.5),
        ("--learning_rate=1e-2", "learning_rate", 0.01),
        ("--no-augment", "augment", False),
        ("--augment false", "augment", False),
        ("--augment", "augment", True),
        ("--folder x/y", "folder", Path("x/y")),
        ("--limit 4", "limit", 4),
        ("--limit none", "limit", None),
        ("--widths 1,2,3", "widths", (1, 2, 3)),
        ("--betas 0.8,0.9", "betas", (0.8, 0.9)),
        ("--optimizer sgd", "optimizer", "sgd"),
    ],
)
def test_every_type_from_the_line(line: str, name: str, value: object) -> None:
    assert getattr(load_config(Config, line.split()), name) == value


def test_written_settings_read_back(tmp_path: Path) -> None:
    config = Config(name='a "b"\n\\', limit=None, widths=(), optimizer="sgd")
    text = format_toml(config_dict(config))
    assert build_config(Config, ("file", tomllib.loads(text))) == config


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--epoch 3", "command line: unknown key --epoch; did you mean --epochs?"),
        (
            "--epochs many",
            "command line: --epochs must be int, got 'many' (str)",
        ),
        ("--epochs 2.5", "command line: --epochs must be int, got '2.5' (str)"),
        ("--epochs", "command line: --epochs needs a value (int)"),
        ("--betas 1", "2 values (float, float), got '1'"),
        ("--optimizer lion", "must be one of sgd, adam, got 'lion'"),
        ("--augment=maybe", "--augment must be bool, got 'maybe'"),
        ("stray", "unexpected argument 'stray'"),
    ],
)
def test_mistakes_on_the_line(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Config, line.split())
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "unknown key epoch; did you mean epochs?"),
        ("epochs = true", "epochs must be int, got True (bool)"),
        ("epochs = 'x'", "epochs must be int, got 'x' (str)"),
        ("augment = 1", "augment must be bool, got 1 (int)"),
        ("widths = [1, 'a']", "widths must be list of int"),
        ("epochs = = 3", "is not valid TOML"),
    ],
)
def test_mistakes_in_a_file_name_the_file(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Config, file=file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent.toml"):
        load_config(Config, file=tmp_path / "absent.toml")


def test_words_after_two_dashes_are_left_alone() -> None:
    (values,), rest = split_options(["--epochs", "1", "--", "--epochs"], Config)
    assert values == {"epochs": 1}
    assert rest == ["--epochs"]


def test_help_shows_flag_type_default_and_meaning() -> None:
    line = describe_config(Config).splitlines()[0]
    assert line.split() == "--epochs int passes over the data (default: 3)".split()
