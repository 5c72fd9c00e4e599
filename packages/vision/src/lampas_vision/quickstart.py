"""``lampas quickstart``: train, look, save, fine-tune, predict; nothing is fetched."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from lampas.errors import ArgumentError
from lampas.train import Run, load_checkpoint
from lampas_vision.datasets import Digits
from lampas_vision.recipes import classify

__all__ = ["quickstart", "register"]


def _train(folder: Path, config: classify.Config) -> dict[str, Any]:
    """Train into a folder and return the last checkpoint, its path, score and time.

    Not the best one: choosing by the images held out would flatter the score.
    """
    started = time.perf_counter()
    run = Run(folder, config)
    classify.train(config, run)
    seconds = time.perf_counter() - started
    score = run.metrics()[-1]["test_accuracy"]
    extra = {"path": run.last, "score": score, "seconds": seconds}
    return load_checkpoint(run.last) | extra


def _write_image(path: Path, position: int) -> int:
    """Write an image that was held out."""
    image, label = Digits(train=False)[position]
    image.save(path)
    return label


def _say(number: int, text: str) -> None:
    print(f"\n[{number}/4] {text}", flush=True)


def quickstart(folder: Path, epochs: int = 12, seed: int = 0) -> float:
    """Train a classifier of handwritten digits, fine-tune it, and use it.

    Args:
        folder: where two run folders and an image are written; must not exist.
        epochs: passes over the training images; a fourth of it to fine-tune.
        seed: of everything.

    Returns:
        Accuracy of the first model on the held-out fifth, in [0, 1].

    Raises:
        ArgumentError: the folder exists already.
    """
    if folder.exists():
        raise ArgumentError(
            f"folder {folder} exists already: name another with --folder, or remove it"
        )
    _say(1, "Train a small convolutional network on 1,438 handwritten digits")
    config = classify.Config(epochs=epochs, seed=seed)
    first = _train(folder / "digits", config)
    print(f"accuracy on the 359 held out: {first['score']:.2%}")

    _say(2, "Fine-tune it from its checkpoint to tell odd from even")
    tuning = classify.Config(
        parity=True,
        weights=str(first["path"]),
        epochs=max(1, epochs // 4),
        lr=2e-3,
        seed=seed,
    )
    second = _train(folder / "parity", tuning)
    print(f"accuracy on the 359 held out: {second['score']:.2%}")

    _say(3, "Predict on an image file")
    picture = folder / "digit.png"
    label = _write_image(picture, position=11)
    for settings, checkpoint in ((config, first), (tuning, second)):
        print(*classify.predict(settings, checkpoint, [str(picture)]), sep="\n")
    print(f"it is a {label}")

    _say(4, "Look at what was written")
    _list(folder)
    seconds = first["seconds"] + second["seconds"]
    print(f"\ntrained in {seconds:.0f} s; the same by hand:")
    print("  lampas train classify")
    print(f"  lampas eval classify --checkpoint {first['path']}")
    print(f"  lampas predict classify --checkpoint {first['path']} {picture}")
    return float(first["score"])


_MEANINGS = {
    "config.toml": "the settings",
    "metrics.jsonl": "a line per epoch",
    "curves.png": "loss and accuracy",
    "predictions.png": "what the model says, the least certain first",
    "confusion.png": "which classes are mixed up",
    "best.pt": "the best weights",
    "last.pt": "the state to resume from",
    "digit.png": "the image predicted on",
}


def _list(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    width = max(len(str(path)) for path in paths)
    for path in paths:
        print(f"  {path!s:<{width}}  {_MEANINGS.get(path.name, '')}".rstrip())


def _handle(arguments: argparse.Namespace) -> None:
    quickstart(arguments.folder, arguments.epochs, arguments.seed)


def register(subparsers: Any) -> None:
    """Add the command ``quickstart`` to the command line."""
    parser = subparsers.add_parser(
        "quickstart",
        help="train, look, save, fine-tune and predict, in a minute",
        description="Train a classifier of handwritten digits that come with the "
        "package, draw its curves and predictions, save a checkpoint, fine-tune from "
        "it, and predict on an image file.",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("quickstart-run"),
        help="where to write (default: quickstart-run)",
    )
    parser.add_argument("--epochs", type=int, default=12, help="default: 12")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.set_defaults(handle=_handle)
