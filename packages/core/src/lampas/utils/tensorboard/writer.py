"""The writer: one method for each kind of thing that TensorBoard shows."""

from __future__ import annotations

import io
import os
import socket
import time
import warnings
import wave
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError
from lampas.utils.tensorboard import _values as values_of
from lampas.utils.tensorboard._embedding import write_embedding
from lampas.utils.tensorboard._events import EventFile
from lampas.utils.tensorboard._hparams import hparams_values
from lampas.utils.tensorboard._pictures import figure_pixels, pixels_of, png
from lampas.utils.tensorboard._statistics import histogram_of, pr_rows

__all__ = ["SummaryWriter"]


def _array(value: Any) -> np.ndarray:
    """A tensor, array, number or list of them as an array in host memory."""
    if isinstance(value, Tensor):
        array = to_host(value._data)
        return array.astype(np.float32) if array.dtype.kind == "V" else array
    if isinstance(value, (list, tuple)):
        return np.array([_array(v) for v in value])
    array = np.asarray(value)
    if array.dtype.kind in "OUS":
        raise ArgumentTypeError(
            f"expected a tensor, array or number, got {type(value).__name__}"
        )
    return array


def _number(value: Any) -> float:
    array = _array(value)
    if array.size != 1:
        raise ShapeError(f"a scalar has one element, got shape {array.shape}")
    return float(array.reshape(()))


def _default_folder(comment: str) -> str:
    now = datetime.now().strftime("%b%d_%H-%M-%S")
    return os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")


def _wav(samples: np.ndarray, rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


class SummaryWriter:
    """Writes what happens in training into files that TensorBoard shows.

    ``tensorboard --logdir runs`` shows all runs of a folder. Each entry is in the file
    when its method returns, whole, also if the program is killed after that.

    Args:
        log_dir: folder of this run; ``runs/DATE_HOST`` by default.
        comment: ends the name of the folder where ``log_dir`` is not given.
        purge_step: a run goes on here after a crash; TensorBoard drops what earlier
            files of the folder say about this step and later ones.
        max_queue, flush_secs: accepted; nothing waits in memory.
        filename_suffix: ends the names of the event files.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SummaryWriter(folder) as writer:
    ...         writer.add_scalar("loss", 0.5, global_step=1)
    ...     len(list(Path(folder).glob("events.out.tfevents.*")))
    1
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        folder = log_dir if log_dir is not None and str(log_dir) else None
        self.log_dir = os.fspath(folder or _default_folder(comment))
        self._suffix = filename_suffix
        self._purge_step = purge_step
        self._files: dict[str, EventFile] = {}
        self._file(self.log_dir)

    def _file(self, folder: str) -> EventFile:
        """The event file in a folder; one that was closed is followed by a new one."""
        found = self._files.get(folder)
        if found is None:
            purge = self._purge_step if folder == self.log_dir else None
            found = EventFile(Path(folder), self._suffix, purge)
            self._files[folder] = found
            self._purge_step = None
        return found

    def _add(self, value: bytes, step: Any, walltime: float | None) -> None:
        self._file(self.log_dir).add(value, step, walltime)

    def get_logdir(self) -> str:
        """The folder of this run."""
        return self.log_dir

    # ---- numbers

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add one number to a curve.

        Args:
            tag: name of the curve; parts before a slash group curves.
            scalar_value: a number or a tensor of one element.
            global_step: its place along the curve.
            walltime: seconds since 1970; now by default.
            new_style: store it as a tensor, as TensorFlow 2 does.
            double_precision: in 8 bytes, with ``new_style``.

        Raises:
            RuntimeError: the value has another number of elements than one.
        """
        number = _number(scalar_value)
        if new_style:
            value = values_of.tensor_scalar(tag, number, double_precision)
        else:
            value = values_of.scalar(tag, number)
        self._add(value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add numbers to several curves of one picture; each is a run of its own.

        Args:
            main_tag: name of the picture.
            tag_scalar_dict: the numbers, by name of their curve.
            global_step, walltime: as for :meth:`add_scalar`.
        """
        now = time.time() if walltime is None else walltime
        numbers = {tag: _number(value) for tag, value in tag_scalar_dict.items()}
        for tag, number in numbers.items():
            folder = f"{self.log_dir}/{main_tag.replace('/', '_')}_{tag}"
            value = values_of.scalar(main_tag, number)
            self._file(folder).add(value, global_step, now)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Add a histogram of values.

        Args:
            tag: its name.
            values: numbers of any shape; those that are not finite are left out.
            global_step, walltime: as for :meth:`add_scalar`.
            bins: ``"tensorflow"`` for buckets that grow by 10 %, or what
                ``numpy.histogram`` takes.
            max_bins: join neighbouring buckets where there are more.

        Raises:
            ValueError: there is no finite value.
        """
        moments, limits, counts = histogram_of(_array(values), bins, max_bins)
        value = values_of.histogram(tag, moments, limits, counts)
        self._add(value, global_step, walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Sequence[float],
        bucket_counts: Sequence[float],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a histogram that was counted before.

        Args:
            tag: its name.
            min, max, num, sum, sum_squares: of the values.
            bucket_limits, bucket_counts: upper limit and count of each bucket.
            global_step, walltime: as for :meth:`add_scalar`.

        Raises:
            ValueError: there are not as many limits as counts.
        """
        limits, counts = _array(bucket_limits), _array(bucket_counts)
        if limits.shape != counts.shape:
            raise ArgumentError(
                "bucket_limits and bucket_counts must have one length, got "
                f"{limits.size} and {counts.size}"
            )
        moments = [float(v) for v in (min, max, num, sum, sum_squares)]
        value = values_of.histogram(tag, moments, limits, counts)
        self._add(value, global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Add precision and recall of a classifier at thresholds from 0 to 1.

        Args:
            tag: name of the curve.
            labels: 1 or True where the example belongs to the class.
            predictions: probabilities that it does.
            num_thresholds: how many thresholds, at most 127.
            weights: of the examples; 1 each by default.
            global_step, walltime: as for :meth:`add_scalar`.

        Raises:
            RuntimeError: labels, predictions and weights differ in number.
        """
        arrays = _array(labels), _array(predictions)
        weight = None if weights is None else _array(weights)
        rows = pr_rows(*arrays, num_thresholds, weight)
        self._add(values_of.pr_curve(tag, rows), global_step, walltime)

    # ---- pictures, sounds, texts

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Add a picture.

        Args:
            tag: its name.
            img_tensor: values in ``[0, 1]``, or bytes; 1 to 4 channels.
            global_step, walltime: as for :meth:`add_scalar`.
            dataformats: the order of dimensions: ``"CHW"``, ``"HWC"``, ``"HW"``, ...

        Raises:
            RuntimeError: the shape does not fit ``dataformats``.
            ValueError: ``dataformats`` makes no sense.
        """
        pixels = pixels_of(_array(img_tensor), dataformats)
        self._add(values_of.image(tag, pixels, png(pixels)), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Add a batch of pictures, eight in a row; see :meth:`add_image`."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Add a Matplotlib figure, or a list of figures of one size, as a picture.

        Args:
            tag: its name.
            figure: the figure or figures.
            close: have pyplot forget them.
            global_step, walltime: as for :meth:`add_scalar`.

        Raises:
            ImportError: Matplotlib is not installed.
        """
        if isinstance(figure, (list, tuple)):
            batch = np.stack([figure_pixels(f, close) for f in figure])
            self.add_image(tag, batch, global_step, walltime, "NHWC")
        else:
            pixels = figure_pixels(figure, close)
            self.add_image(tag, pixels, global_step, walltime, "HWC")

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Add a sound of one channel.

        Args:
            tag: its name.
            snd_tensor: samples in ``[-1, 1]``, ``(length,)`` or ``(1, length)``; larger
                ones are cut off, with a warning.
            sample_rate: samples in a second.
            global_step, walltime: as for :meth:`add_scalar`.

        Raises:
            RuntimeError: there is more than one channel.
        """
        samples = np.atleast_1d(_array(snd_tensor).squeeze()).astype(np.float64)
        if samples.ndim != 1:
            raise ShapeError(f"a sound has one channel, got shape {samples.shape}")
        if np.abs(samples).max(initial=0) > 1:
            warnings.warn("add_audio cuts samples off at -1 and 1", stacklevel=2)
            samples = samples.clip(-1, 1)
        wav = _wav(samples, sample_rate)
        value = values_of.audio(tag, sample_rate, samples.size, wav)
        self._add(value, global_step, walltime)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Add a text, shown as Markdown; arguments as for :meth:`add_scalar`."""
        self._add(values_of.text(tag, str(text_string)), global_step, walltime)

    # ---- whole runs

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Sequence[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add the settings of a run and the scores it reached, to compare runs.

        Args:
            hparam_dict: settings by name: bools, numbers, texts.
            metric_dict: scores by name.
            hparam_domain_discrete: values that a setting may have, by its name.
            run_name: folder under ``log_dir`` that stands for the run; the time by
                default.
            global_step: the step of the scores.

        Raises:
            TypeError: one of them is no dictionary, or a setting is of another kind.
        """
        domains = hparam_domain_discrete or {}
        values = hparams_values(hparam_dict, metric_dict, domains)
        numbers = {tag: _number(value) for tag, value in metric_dict.items()}
        folder = os.path.join(self.log_dir, run_name or str(time.time()))
        with SummaryWriter(folder) as run:
            for value in values:
                run._add(value, global_step, None)
            for tag, number in numbers.items():
                run.add_scalar(tag, number, global_step)

    def add_embedding(
        self,
        mat: Any,
        metadata: Sequence[Any] | None = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: Sequence[str] | None = None,
    ) -> None:
        """Add vectors for the projector, which draws them in two or three dimensions.

        Args:
            mat: one vector a row, ``(n, features)``.
            metadata: a label for each; or with ``metadata_header`` a row of labels.
            label_img: a picture for each, ``(n, channels, height, width)``.
            global_step: number of this set of vectors.
            tag: name of the vectors.
            metadata_header: what the labels of a row are.

        Raises:
            RuntimeError: the shapes do not fit.
        """
        pictures = None if label_img is None else _array(label_img)
        write_embedding(
            Path(self.log_dir),
            tag,
            int(global_step or 0),
            _array(mat),
            metadata,
            pictures,
            metadata_header,
        )

    # ---- files

    def flush(self) -> None:
        """Have the system bring to the disk what was written."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Close all files; what is added later goes into new ones."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
