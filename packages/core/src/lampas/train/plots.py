"""Pictures of a run as PNG files. Needs matplotlib: ``pip install 'lampas[plot]'``.

matplotlib is imported when the first picture is drawn, and its figures are used as
objects: no window, no backend and no global state of a caller's own plots is touched.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lampas.errors import ArgumentError, MissingExtraError
from lampas.serialization.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "curves", "prediction_sheet", "spectrogram"]


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(
            "pictures need matplotlib: pip install 'lampas[plot]'"
        ) from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    buffer = io.BytesIO()
    # without a Software entry two runs give the same bytes
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def curves(
    records: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    path: str | os.PathLike[str],
    x: str = "step",
) -> None:
    """Draw metrics over steps, one panel per metric.

    Args:
        records: dictionaries as in ``metrics.jsonl``; one without the metric is passed
            over.
        names: the metrics to draw; ``"train_loss,test_loss"`` puts two into one panel.
        path: the PNG to write.
        x: the entry along the horizontal axis.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = _figure(4.5 * len(names), 3.5)
    for index, group in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), index)
        for name in group.split(","):
            points = [(r[x], r[name]) for r in records if r.get(name) is not None]
            axes.plot([p[0] for p in points], [p[1] for p in points], label=name)
        axes.set_xlabel(x)
        axes.legend()
        axes.grid(alpha=0.3)
    _save(figure, path)


def prediction_sheet(
    images: npt.ArrayLike,
    predicted: Sequence[Any],
    true: Sequence[Any],
    path: str | os.PathLike[str],
    columns: int = 8,
) -> None:
    """Draw images with what the model says; a wrong answer is red, with the truth.

    Args:
        images: ``(N, H, W)``, ``(N, 1, H, W)`` or ``(N, 3, H, W)``; any range.
        predicted: N answers.
        true: N right answers.
        path: the PNG to write.
        columns: images per row.

    Raises:
        ArgumentError: the shapes or lengths do not fit.
        MissingExtraError: matplotlib is not installed.
    """
    array: npt.NDArray[Any] = np.asarray(images, dtype=np.float32)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[1] not in (1, 3)):
        raise ArgumentError(
            "prediction_sheet: images must be (N, H, W), (N, 1, H, W) or (N, 3, H, W), "
            f"got {array.shape}"
        )
    if not len(array) == len(predicted) == len(true):
        raise ArgumentError(
            f"prediction_sheet: {len(array)} images, {len(predicted)} predicted and "
            f"{len(true)} true answers; expected the same number of each"
        )
    if array.ndim == 4:
        array = array[:, 0] if array.shape[1] == 1 else np.moveaxis(array, 1, -1)
    low, high = (array.min(), array.max()) if array.size else (0.0, 1.0)
    array = (array - low) / max(float(high - low), 1e-12)
    rows = max(-(-len(array) // columns), 1)
    figure = _figure(1.2 * columns, 1.4 * rows)
    for index, image in enumerate(array):
        right = str(predicted[index]) == str(true[index])
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)
        axes.set_axis_off()
        title = (
            f"{predicted[index]}" if right else f"{predicted[index]} ({true[index]})"
        )
        axes.set_title(title, color="black" if right else "red", fontsize=9)
    _save(figure, path)


def confusion_matrix(
    predicted: npt.ArrayLike,
    true: npt.ArrayLike,
    path: str | os.PathLike[str],
    classes: Sequence[str],
) -> npt.NDArray[np.int64]:
    """Count and draw how often each class was taken for each other.

    Args:
        predicted: N class numbers.
        true: N right class numbers.
        path: the PNG to write.
        classes: the names of the K classes.

    Returns:
        Counts ``(K, K)``; row is the truth, column the answer.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (np.asarray(true), np.asarray(predicted)), 1)
    size = 2.0 + 0.45 * len(classes)
    figure = _figure(size, size)
    axes = figure.add_subplot()
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = counts[row, column] > counts.max() / 2
        color = "white" if dark else "black"
        axes.text(
            column, row, counts[row, column], ha="center", va="center", color=color
        )
    _save(figure, path)
    return counts


def spectrogram(
    values: npt.ArrayLike,
    path: str | os.PathLike[str],
    *,
    seconds: float,
    title: str = "",
) -> None:
    """Draw a spectrogram.

    Args:
        values: ``(bands, frames)``, already logarithmic.
        path: the PNG to write.
        seconds: length of the recording, for the horizontal axis.
        title: written over the picture.

    Raises:
        ArgumentError: ``values`` is not two-dimensional.
        MissingExtraError: matplotlib is not installed.
    """
    array = np.asarray(values, dtype=np.float32)
    if array.ndim != 2:
        raise ArgumentError(
            f"spectrogram: values must be (bands, frames), got shape {array.shape}"
        )
    figure = _figure(6.0, 3.0)
    axes = figure.add_subplot()
    extent = (0.0, seconds, 0.0, float(array.shape[0]))
    axes.imshow(array, origin="lower", aspect="auto", extent=extent)
    axes.set_xlabel("seconds")
    axes.set_ylabel("band")
    axes.set_title(title)
    _save(figure, path)
