"""Progress on a terminal and off it, and the table of epochs."""

from __future__ import annotations

import io

from lampas.train.progress import Progress, Table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_when_it_is_no_terminal() -> None:
    stream = io.StringIO()
    with Progress(4, initial=2, every=0.0, stream=stream) as progress:
        progress.step(loss=0.25)
        progress.step(loss=0.125)
    first, second = stream.getvalue().splitlines()
    assert first.startswith("step 3/4 (75%), loss 0.25, ")
    assert second.startswith("step 4/4 (100%), loss 0.125, ")
    assert second.endswith("0:00 left")


def test_few_lines_in_a_log() -> None:
    stream = io.StringIO()
    with Progress(1000, every=3600.0, stream=stream) as progress:
        for _ in range(1000):
            progress.step()
    assert stream.getvalue() == ""


def test_bar_on_a_terminal_shows_rate_and_time_left() -> None:
    stream = Terminal()
    with Progress(10, stream=stream) as progress:
        for _ in range(10):
            progress.step(loss=1.5)
    text = stream.getvalue()
    assert "0/10" in text
    assert "it/s" in text


def test_table_prints_its_heading_once() -> None:
    stream = io.StringIO()
    table = Table("epoch", "loss", "accuracy", stream=stream)
    table.row({"epoch": 1, "loss": 0.5})
    table.row({"epoch": 2, "loss": 0.25, "accuracy": 1.0})
    assert [line.split() for line in stream.getvalue().splitlines()] == [
        ["epoch", "loss", "accuracy"],
        ["1", "0.5000", "-"],
        ["2", "0.2500", "1.0000"],
    ]
