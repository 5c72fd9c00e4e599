"""Read the command line, call the recipe, turn errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from lampas import compat
from lampas.cli._recipes import describe, find_recipe, recipe_names
from lampas.doctor import add_doctor
from lampas.errors import ArgumentError, LampasError, NonFiniteError, WorkerError
from lampas.train.checkpoint import load_checkpoint
from lampas.train.config import (
    build_config,
    describe_config,
    option,
    read_toml,
    split_options,
)
from lampas.train.run import Run, newest_folder, next_folder

__all__ = ["main"]

COMMANDS = "lampas.commands"


@dataclass(frozen=True)
class _TrainOptions:
    config: Path | None = option(None, "TOML file with settings")
    run: Path | None = option(None, "folder of the run; none: the next runs/RECIPE")
    resume: bool = option(False, "go on with a run that was stopped")
    overwrite: bool = option(False, "start anew in a folder that holds a run")


@dataclass(frozen=True)
class _UseOptions:
    checkpoint: str | None = option(
        None, "a file, or pretrained; none: best.pt of the newest run"
    )
    config: Path | None = option(None, "TOML file with settings")


def _settings(options: Any, values: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The layers of settings that the user gave: a file, then the command line."""
    file = [(str(options.config), read_toml(options.config))] if options.config else []
    return [*file, ("command line", values)]


def _refuse(rest: Sequence[str]) -> None:
    if rest:
        raise ArgumentError(f"command line: unexpected argument {rest[0]!r}")


def _need(recipe: ModuleType, name: str, function: str) -> Callable[..., Any]:
    found = getattr(recipe, function, None)
    if not callable(found):
        raise ArgumentError(f"recipe {name}: it has no function {function}")
    return found


def _run_name(recipe: str) -> str:
    return Path(recipe).stem if recipe.endswith(".py") else recipe


def _train(name: str, tokens: Sequence[str]) -> None:
    recipe = find_recipe(name)
    train = _need(recipe, name, "train")
    (given, values), rest = split_options(tokens, _TrainOptions, recipe.Config)
    _refuse(rest)
    options = _TrainOptions(**given)
    if options.resume and options.overwrite:
        raise ArgumentError("--resume and --overwrite exclude each other")
    folder = options.run
    if folder is None:
        choose = newest_folder if options.resume else next_folder
        folder = choose(_run_name(name))
    layers = _settings(options, values)
    saved = folder / "config.toml"
    if options.resume and saved.exists():
        layers = [(str(saved), read_toml(saved)), *layers]
    config = build_config(recipe.Config, *layers)
    run = Run(folder, config, resume=options.resume, overwrite=options.overwrite)
    print(f"run folder: {folder}")
    try:
        train(config, run)
    except KeyboardInterrupt as stop:
        if run.last.exists():
            text = str(stop) or "stopped at once"
            print(f"{text}; go on with: lampas train {name} --run {folder} --resume")
        raise


def _opened(
    name: str, tokens: Sequence[str], function: str
) -> tuple[Callable[..., Any], Any, dict[str, Any], list[str]]:
    """What eval and predict begin with: function, settings, checkpoint, the rest."""
    recipe = find_recipe(name)
    use = _need(recipe, name, function)
    (given, values), rest = split_options(tokens, _UseOptions, recipe.Config)
    options = _UseOptions(**given)
    source = options.checkpoint
    if source is None:
        source = str(newest_folder(_run_name(name)) / "best.pt")
    if source == "pretrained":
        checkpoint = _need(recipe, name, "pretrained")()
    else:
        checkpoint = load_checkpoint(source)
    trained = (f"settings in {source}", checkpoint["config"])
    config = build_config(recipe.Config, trained, *_settings(options, values))
    return use, config, checkpoint, rest


def _eval(name: str, tokens: Sequence[str]) -> None:
    evaluate, config, checkpoint, rest = _opened(name, tokens, "evaluate")
    _refuse(rest)
    for key, value in evaluate(config, checkpoint).items():
        print(f"{key}: {value:.4f}" if isinstance(value, float) else f"{key}: {value}")


def _predict(name: str, tokens: Sequence[str]) -> None:
    predict, config, checkpoint, inputs = _opened(name, tokens, "predict")
    if not inputs:
        raise ArgumentError(f"lampas predict {name}: expected at least one INPUT")
    for line in predict(config, checkpoint, inputs):
        print(line)


def _run_program(arguments: argparse.Namespace) -> int:
    """What PyTorch's own program raises is its own affair: nothing is caught."""
    return compat.main([*arguments.program])


def _list_recipes() -> None:
    names = recipe_names()
    width = max(map(len, names), default=0)
    for name in names:
        try:
            text = describe(find_recipe(name))
        except (ImportError, LampasError) as error:
            text = f"does not load: {error}"
        print(f"{name:<{width}}  {text}")
    if not names:
        print("no recipes: install lampas-vision, lampas-text or lampas-audio")


def _recipe_help(command: str, name: str, options: type, inputs: str) -> None:
    recipe = find_recipe(name)
    print(f"usage: lampas {command} {name} [options]{inputs}\n\n{describe(recipe)}\n")
    print(f"options:\n{describe_config(options)}\n")
    print(f"settings of the recipe:\n{describe_config(recipe.Config)}")


def _add_recipe_command(
    commands: Any,
    command: str,
    run: Callable[[str, Sequence[str]], None],
    options: type,
    inputs: str,
    help: str,
) -> None:
    def handle(arguments: argparse.Namespace) -> None:
        if arguments.list or arguments.recipe is None:
            _list_recipes()
        elif {"-h", "--help"} & set(arguments.rest):
            _recipe_help(command, arguments.recipe, options, inputs)
        else:
            run(arguments.recipe, arguments.rest)

    parser = commands.add_parser(
        command,
        help=help,
        description=f"{help}. Settings: lampas {command} RECIPE --help",
    )
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("recipe", nargs="?", help="a name, or a file ending in .py")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(handle=handle)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lampas", description="Train, evaluate and use models on lampas."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    inputs = " INPUT..."
    for row in (
        ("train", _train, _TrainOptions, "", "train a model by a recipe"),
        ("eval", _eval, _UseOptions, "", "measure a trained model"),
        ("predict", _predict, _UseOptions, inputs, "use a trained model on inputs"),
    ):
        _add_recipe_command(commands, *row)
    run = commands.add_parser(
        "run",
        help="run a program that says `import torch`, on lampas",
        add_help=False,
        prefix_chars="\0",  # all words are the program's
    )
    run.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    run.set_defaults(handle=_run_program)
    recipes = commands.add_parser("recipes", help="list the recipes")
    recipes.set_defaults(handle=lambda arguments: _list_recipes())
    add_doctor(commands)
    for point in sorted(entry_points(group=COMMANDS)):
        try:
            register = point.load()
        except ImportError as error:
            # one broken package must not take the other commands away
            print(f"lampas: command {point.name} is left out: {error}", file=sys.stderr)
        else:
            register(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``lampas``; by default those of the process.

    Returns:
        The exit status: 0 done; 1 training failed; 2 bad input, told in one line;
        130 stopped by Ctrl-C. With ``LAMPAS_TRACEBACK=1`` in the environment an error
        is raised with its traceback instead. What a program raises that ``lampas run``
        runs is always raised.
    """
    try:
        arguments = _parser().parse_args(argv)
        if arguments.handle is not _run_program:
            status = arguments.handle(arguments)
            return int(status or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader went away (lampas recipes | head); nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (LampasError, OSError) as error:
        if os.environ.get("LAMPAS_TRACEBACK") == "1":
            raise
        line = " ".join(str(error).split())
        print(f"lampas: {type(error).__name__}: {line}", file=sys.stderr)
        return 1 if isinstance(error, (NonFiniteError, WorkerError)) else 2
    return _run_program(arguments)
