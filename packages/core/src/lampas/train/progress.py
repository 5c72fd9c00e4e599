"""Show how far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Self, TextIO

from tqdm import tqdm

__all__ = ["Progress", "Table"]


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    )


class Progress:
    """Count steps and show rate and time left.

    On a terminal this is a tqdm bar; into a file or a pipe a plain line is written
    now and then, so that a log stays readable.

    Args:
        total: number of steps of the whole run.
        initial: steps done before, when a run is resumed.
        every: seconds between two plain lines.
        stream: where to write; standard error by default.

    >>> import io
    >>> stream = io.StringIO()
    >>> with Progress(2, every=0.0, stream=stream) as progress:
    ...     progress.step(loss=0.5)
    >>> stream.getvalue().split(",")[0]
    'step 1/2 (50%)'
    """

    def __init__(
        self,
        total: int,
        initial: int = 0,
        *,
        every: float = 10.0,
        stream: TextIO | None = None,
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._total, self._done, self._initial = total, initial, initial
        self._every = every
        self._started = self._shown = time.monotonic()
        self._bar = None
        if self._stream.isatty():
            self._bar = tqdm(
                total=total, initial=initial, file=self._stream, leave=False
            )

    def step(self, **values: float) -> None:
        """Count one step and show the values beside it."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix(
                {name: f"{value:.4g}" for name, value in values.items()}, refresh=False
            )
            self._bar.update()
        elif time.monotonic() - self._shown >= self._every:
            self._shown = time.monotonic()
            print(self._line(values), file=self._stream, flush=True)

    def _line(self, values: Mapping[str, float]) -> str:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        rate = (self._done - self._initial) / elapsed
        parts = [
            f"step {self._done}/{self._total} ({self._done * 100 // self._total}%)"
        ]
        parts += [f"{name} {value:.4g}" for name, value in values.items()]
        left = _clock((self._total - self._done) / rate)
        return ", ".join([*parts, f"{rate:.3g} steps/s", f"{left} left"])

    def close(self) -> None:
        """Take the bar off the terminal."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Table:
    """Print rows of numbers under a heading, one row per epoch.

    The table holds nothing that differs between two runs of the same seed (no times),
    so a resumed run prints the very table of one that never stopped.

    Args:
        columns: names of the values to show, in order.
        stream: where to write; standard output by default.

    >>> table = Table("epoch", "loss")
    >>> table.row({"epoch": 1, "loss": 0.25, "step": 90})
         epoch       loss
             1     0.2500
    """

    def __init__(self, *columns: str, stream: TextIO | None = None) -> None:
        self._columns = columns
        self._stream = stream
        self._headed = False

    def row(self, values: Mapping[str, Any]) -> None:
        """Print the values of one row; those without a column are left out."""
        if not self._headed:
            self._headed = True
            self._write("".join(f"{name:>10} " for name in self._columns).rstrip())
        cells = (self._cell(values.get(name)) for name in self._columns)
        self._write("".join(f"{cell:>10} " for cell in cells).rstrip())

    @staticmethod
    def _cell(value: Any) -> str:
        if value is None:
            return "-"
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    def _write(self, line: str) -> None:
        # tqdm.write lifts a bar that is on the screen over the line
        tqdm.write(line, file=self._stream or sys.stdout)
