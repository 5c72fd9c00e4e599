"""Save everything that decides how a run goes on, and go on from it.

A checkpoint holds the state of the model, the optimizer, the schedule and the loader,
the random generators (lampas, NumPy, Python), the counters, and how long the metrics
were. A run that was killed at any moment and resumed ends bit for bit where one that
never stopped ends.
"""

from __future__ import annotations

import random
import signal
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, Self

import numpy as np

from lampas.errors import ArgumentError, FileFormatError
from lampas.io import load, save
from lampas.random import Generator, default_generator
from lampas.train.config import config_dict
from lampas.train.run import Run

__all__ = ["Checkpoint", "Stateful", "load_checkpoint"]

_FORMAT = 1


class Stateful(Protocol):
    """What a checkpoint can hold."""

    def state_dict(self) -> Any: ...

    def load_state_dict(self, state_dict: Any, /) -> Any: ...


def _numpy_state() -> dict[str, Any]:
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "name": str(name),
        "keys": [int(key) for key in keys],
        "position": int(position),
        "has_gauss": int(has_gauss),
        "gauss": float(gauss),
    }


def _set_numpy_state(state: Mapping[str, Any]) -> None:
    keys = np.array(state["keys"], dtype=np.uint32)
    gauss = (state["has_gauss"], state["gauss"])
    np.random.set_state((state["name"], keys, state["position"], *gauss))


def _python_state() -> list[Any]:
    version, words, gauss = random.getstate()
    return [version, list(words), gauss]


def _set_python_state(state: list[Any]) -> None:
    version, words, gauss = state
    random.setstate((version, tuple(words), gauss))


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of a run, on the CPU.

    Args:
        path: ``last.pt`` or ``best.pt`` of a run folder.

    Returns:
        A dictionary; ``["model"]`` is the state_dict, ``["config"]`` the settings and
        ``["about"]`` what belongs to the weights, both as plain values.

    Raises:
        ArgumentError: there is no such file.
        FileFormatError: the file is no checkpoint of a run.
    """
    if not Path(path).is_file():
        raise ArgumentError(f"checkpoint {path}: there is no such file")
    content = load(path, map_location="cpu")
    if not isinstance(content, dict) or not {"model", "config"} <= content.keys():
        raise FileFormatError(
            f"checkpoint {path}: expected a checkpoint of a run (a dictionary with "
            f"model and config), got {_outline(content)}"
        )
    return content


def _outline(content: Any) -> str:
    if isinstance(content, dict):
        return f"a dictionary with {', '.join(map(str, list(content)[:4]))}"
    return type(content).__name__


class Checkpoint:
    """The state of a run, saved every N steps and at the end of each epoch.

    Use it as a context around the loop: Ctrl-C then lets the step in progress finish,
    saves, and raises :class:`KeyboardInterrupt`; a second Ctrl-C stops at once.

    Args:
        run: the folder to save to.
        every: save after so many steps; None saves at the end of epochs only.
        generators: random generators beside the default one, by name.
        about: plain values that belong to the weights (class names, a vocabulary, how
            inputs are prepared), kept in both files as ``["about"]``.
        parts: what to hold: ``model=``, ``optimizer=``, ``loader=``, ... Anything with
            ``state_dict`` and ``load_state_dict``.

    Attributes:
        step: steps done.
        epoch: epochs done.
        best: the best score so far, or None.
        totals: running sums of the epoch in progress, for the loop to use; emptied by
            :meth:`end_epoch`.

    ::

        checkpoint = Checkpoint(run, model=model, optimizer=optimizer, loader=loader)
        checkpoint.resume()
        with checkpoint:
            for epoch in range(checkpoint.epoch, config.epochs):
                for images, labels in loader:
                    ...
                    checkpoint.end_step()
                checkpoint.end_epoch(score=accuracy)
    """

    def __init__(
        self,
        run: Run,
        *,
        every: int | None = None,
        generators: Mapping[str, Generator] | None = None,
        about: Mapping[str, Any] | None = None,
        **parts: Stateful,
    ) -> None:
        if every is not None and every < 1:
            raise ArgumentError(f"Checkpoint: every must be at least 1, got {every}")
        if "model" not in parts:
            raise ArgumentError("Checkpoint: expected at least model=, got no model")
        self.step = self.epoch = 0
        self.best: float | None = None
        self.totals: defaultdict[str, float] = defaultdict(float)
        self._run, self._every, self._parts = run, every, parts
        self._about = dict(about or {})
        self._generators = {"default": default_generator, **(generators or {})}
        self._interrupted = False
        self._previous: Any = None

    # Saving and going on

    def save(self) -> None:
        """Write ``last.pt``, whole or not at all."""
        parts = {name: part.state_dict() for name, part in self._parts.items()}
        random_state = {
            "lampas": {name: g.get_state() for name, g in self._generators.items()},
            "numpy": _numpy_state(),
            "python": _python_state(),
        }
        counters = {
            "step": self.step,
            "epoch": self.epoch,
            "best": self.best,
            "totals": dict(self.totals),
            "metrics": self._run.mark(),
        }
        content = {
            "format": _FORMAT,
            "config": config_dict(self._run.config),
            "about": self._about,
            "counters": counters,
            "random": random_state,
            **parts,
        }
        save(content, self._run.last)

    def resume(self) -> bool:
        """Take up the state of ``last.pt`` if the run is one that resumes.

        Returns:
            True if there was a state to go on from.

        Raises:
            FileFormatError: the file lacks a part that this run has.
        """
        if not self._run.resuming:
            return False
        content = load_checkpoint(self._run.last)
        missing = [name for name in self._parts if name not in content]
        if missing or content.get("format") != _FORMAT:
            raise FileFormatError(
                f"checkpoint {self._run.last}: expected format {_FORMAT} with "
                f"{', '.join(self._parts)}, got format {content.get('format')} "
                f"without {', '.join(missing) or 'nothing'}"
            )
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        for name, generator in self._generators.items():
            generator.set_state(content["random"]["lampas"][name])
        _set_numpy_state(content["random"]["numpy"])
        _set_python_state(content["random"]["python"])
        counters = content["counters"]
        self.step, self.epoch = counters["step"], counters["epoch"]
        self.best = counters["best"]
        self.totals = defaultdict(float, counters["totals"])
        self._run.rewind(counters["metrics"])
        return True

    # The loop's calls

    def end_step(self) -> None:
        """Count a step; save when it is time, or when Ctrl-C was pressed.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; the state is saved.
        """
        self.step += 1
        if self._interrupted:
            self._stop()
        elif self._every is not None and self.step % self._every == 0:
            self.save()

    def end_epoch(self, score: float | None = None, *, lowest: bool = False) -> None:
        """Count an epoch and save; keep the weights in ``best.pt`` if they are.

        Args:
            score: how good the model is now; None keeps no best weights.
            lowest: a low score is a good one, as with a loss.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; the state is saved.
        """
        self.epoch += 1
        self.totals.clear()
        if score is not None and self._is_best(score, lowest):
            self.best = score
            # first this file, then last.pt: killed between them, the run does the
            # epoch again and writes the same best.pt
            self._save_best()
        if self._interrupted:
            self._stop()
        else:
            self.save()

    def _is_best(self, score: float, lowest: bool) -> bool:
        if self.best is None:
            return True
        return score < self.best if lowest else score > self.best

    def _save_best(self) -> None:
        content = {
            "format": _FORMAT,
            "config": config_dict(self._run.config),
            "about": self._about,
            "model": self._parts["model"].state_dict(),
            "score": self.best,
            "step": self.step,
            "epoch": self.epoch,
        }
        save(content, self._run.best)

    # Ctrl-C

    def _stop(self) -> None:
        self.save()
        raise KeyboardInterrupt(f"stopped after step {self.step}; the state is saved")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def __enter__(self) -> Self:
        # Python lets only the main thread set handlers; elsewhere Ctrl-C is not ours
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
