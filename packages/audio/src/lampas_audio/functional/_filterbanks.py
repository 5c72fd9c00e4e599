"""Filter banks over frequencies, and the cosine transform behind them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError

__all__ = ["create_dct", "linear_fbanks", "melscale_fbanks"]

# Slaney's scale: linear to 1000 Hz at 3 mel per 200 Hz, then 27 steps to 6400 Hz.
_LINEAR, _BORDER = 200.0 / 3, 1000.0
_STEP = math.log(6.4) / 27.0


def _to_mel(hertz: float, scale: str) -> float:
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + hertz / 700.0)
    if hertz < _BORDER:
        return hertz / _LINEAR
    return _BORDER / _LINEAR + math.log(hertz / _BORDER) / _STEP


def _to_hertz(mels: npt.NDArray[np.float64], scale: str) -> npt.NDArray[np.float64]:
    if scale == "htk":
        return 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    above = _BORDER * np.exp(_STEP * (mels - _BORDER / _LINEAR))
    return np.where(mels < _BORDER / _LINEAR, mels * _LINEAR, above)


def _triangles(
    frequencies: npt.NDArray[np.float64], corners: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Triangle ``i`` rises from corner i to i + 1 and falls to i + 2."""
    widths = np.diff(corners)
    slopes = corners - frequencies[:, None]
    rising = -slopes[:, :-2] / widths[:-1]
    falling = slopes[:, 2:] / widths[1:]
    return np.maximum(0.0, np.minimum(rising, falling))


def _check(name: str, allowed: tuple[str | None, ...], value: str | None) -> None:
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {allowed}, got {value!r}")


def melscale_fbanks(
    n_freqs: int,
    f_min: float,
    f_max: float,
    n_mels: int,
    sample_rate: int,
    norm: str | None = None,
    mel_scale: str = "htk",
) -> Tensor:
    """Triangular filters, evenly spaced on the mel scale.

    Args:
        n_freqs: frequencies from 0 to half the sample rate.
        f_min, f_max: lowest and highest corner, in hertz.
        n_mels: filters.
        sample_rate: in hertz.
        norm: ``"slaney"`` divides each triangle by its width.
        mel_scale: ``"htk"`` or ``"slaney"``.

    Returns:
        ``(n_freqs, n_mels)``, float32.

    Raises:
        ValueError: an unknown ``norm`` or ``mel_scale``.

    >>> melscale_fbanks(201, 0.0, 8000.0, 40, 16000).shape
    lampas.Size([201, 40])
    """
    _check("norm", (None, "slaney"), norm)
    _check("mel_scale", ("htk", "slaney"), mel_scale)
    low, high = _to_mel(f_min, mel_scale), _to_mel(f_max, mel_scale)
    corners = _to_hertz(np.linspace(low, high, n_mels + 2), mel_scale)
    frequencies = np.linspace(0.0, sample_rate // 2, n_freqs)
    bank = _triangles(frequencies, corners)
    if norm == "slaney":
        bank *= 2.0 / (corners[2:] - corners[:-2])
    return lampas.from_numpy(bank.astype(np.float32))


def linear_fbanks(
    n_freqs: int, f_min: float, f_max: float, n_filter: int, sample_rate: int
) -> Tensor:
    """Triangular filters, evenly spaced in hertz: ``(n_freqs, n_filter)``."""
    frequencies = np.linspace(0.0, sample_rate // 2, n_freqs)
    corners = np.linspace(f_min, f_max, n_filter + 2)
    return lampas.from_numpy(_triangles(frequencies, corners).astype(np.float32))


def create_dct(n_mfcc: int, n_mels: int, norm: str | None) -> Tensor:
    """The cosine transform (DCT-II) as a matrix ``(n_mels, n_mfcc)``.

    Args:
        n_mfcc: coefficients to keep.
        n_mels: values that are transformed.
        norm: ``"ortho"`` makes the columns orthonormal; None doubles them.

    Raises:
        ValueError: an unknown ``norm``.
    """
    _check("norm", (None, "ortho"), norm)
    places = np.arange(n_mels) + 0.5
    matrix = np.cos(np.pi / n_mels * places[:, None] * np.arange(n_mfcc))
    if norm is None:
        matrix *= 2.0
    else:
        matrix *= math.sqrt(2.0 / n_mels)
        matrix[:, 0] /= math.sqrt(2.0)
    return lampas.from_numpy(matrix.astype(np.float32))
