"""Pictures: they are PNG files of the right content, and say what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lampas.errors import ArgumentError, MissingExtraError
from lampas.train import plots


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def _has_color(pixels: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((np.abs(pixels.astype(int) - color).sum(-1) < 30).any())


def test_curves_draw_one_panel_per_name(tmp_path: Path) -> None:
    records = [{"step": i, "loss": 1 / (i + 1)} for i in range(5)]
    records.append({"step": 5, "accuracy": 0.5})
    plots.curves(records, ["loss"], tmp_path / "one.png")
    plots.curves(records, ["loss", "accuracy"], tmp_path / "two.png")
    one, two = _pixels(tmp_path / "one.png"), _pixels(tmp_path / "two.png")
    assert two.shape[1] == 2 * one.shape[1]
    assert _has_color(one, (31, 119, 180))


def test_the_same_curves_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plots.curves([{"step": 1, "loss": 1.0}], ["loss"], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_wrong_prediction_is_red(tmp_path: Path) -> None:
    images = np.zeros((2, 1, 8, 8))
    plots.prediction_sheet(images, [1, 2], [1, 2], tmp_path / "right.png")
    plots.prediction_sheet(images, [1, 2], [1, 3], tmp_path / "wrong.png")
    assert not _has_color(_pixels(tmp_path / "right.png"), (255, 0, 0))
    assert _has_color(_pixels(tmp_path / "wrong.png"), (255, 0, 0))


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 1, 8, 8), (3, 3, 8, 8)])
def test_sheet_takes_grey_and_colour(tmp_path: Path, shape: tuple[int, ...]) -> None:
    plots.prediction_sheet(np.ones(shape), "abc", "abc", tmp_path / "sheet.png")
    assert _pixels(tmp_path / "sheet.png").size


def test_sheet_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"got \(2, 5, 8, 8\)"):
        plots.prediction_sheet(np.ones((2, 5, 8, 8)), "ab", "ab", tmp_path / "x.png")
    with pytest.raises(ArgumentError, match="2 images, 1 predicted"):
        plots.prediction_sheet(np.ones((2, 8, 8)), "a", "ab", tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_confusion_matrix_counts_truth_by_row(tmp_path: Path) -> None:
    counts = plots.confusion_matrix(
        [0, 1, 1, 0], [0, 1, 0, 0], tmp_path / "c.png", ["cat", "dog"]
    )
    assert counts.tolist() == [[2, 1], [0, 1]]
    assert _pixels(tmp_path / "c.png").size


def test_spectrogram_needs_two_dimensions(tmp_path: Path) -> None:
    plots.spectrogram(np.ones((40, 100)), tmp_path / "s.png", seconds=1.0)
    assert _pixels(tmp_path / "s.png").size
    with pytest.raises(ArgumentError, match=r"shape \(3,\)"):
        plots.spectrogram(np.ones(3), tmp_path / "t.png", seconds=1.0)


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"lampas\[plot\]"):
        plots.curves([], ["loss"], tmp_path / "x.png")
