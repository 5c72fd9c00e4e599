"""From waveforms to spectra and back, and loudness in decibels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas_audio.functional._arrays import array_of, tensor_of

__all__ = [
    "DB_to_amplitude",
    "amplitude_to_DB",
    "inverse_spectrogram",
    "spectrogram",
]

_PAD_MODES: dict[str, Any] = {
    "reflect": "reflect",
    "constant": "constant",
    "replicate": "edge",
}


def _centred(window: np.ndarray, n_fft: int) -> np.ndarray:
    before = (n_fft - len(window)) // 2
    return np.pad(window, (before, n_fft - len(window) - before))


def _scale(normalized: bool | str, window: np.ndarray, n_fft: int) -> float:
    if normalized == "frame_length":
        return 1.0 / math.sqrt(n_fft)
    if normalized in (True, "window"):
        return 1.0 / math.sqrt(float(np.sum(window.astype(np.float64) ** 2)))
    return 1.0


def spectrogram(
    waveform: Tensor,
    pad: int,
    window: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int,
    power: float | None,
    normalized: bool | str,
    center: bool = True,
    pad_mode: str = "reflect",
    onesided: bool = True,
    return_complex: bool | None = None,
) -> Tensor:
    """Short-time Fourier transform of a waveform, or the power of it.

    Args:
        waveform: ``(..., time)``.
        pad: zeros to add at both ends first.
        window: ``(win_length,)``.
        n_fft: samples of a transform.
        hop_length: samples from one frame to the next.
        win_length: samples of the window, which is centred in ``n_fft``.
        power: of the magnitude; None gives the complex values.
        normalized: False, ``"window"`` (or True), or ``"frame_length"``.
        center: pad so that frame ``i`` is centred at sample ``i * hop_length``.
        pad_mode: how that is filled: reflect, constant or replicate.
        onesided: leave out the frequencies that a real signal repeats.
        return_complex: accepted as torchaudio accepts it.

    Returns:
        ``(..., freq, frames)``.

    Raises:
        RuntimeError: the waveform is shorter than a frame, or requires a gradient.
    """
    x = array_of(waveform, "spectrogram")
    shape = array_of(window, "spectrogram: window")
    if pad_mode not in _PAD_MODES:
        raise ArgumentError(
            f"pad_mode must be one of {tuple(_PAD_MODES)}, got {pad_mode!r}"
        )
    edges = [(0, 0)] * (x.ndim - 1)
    if pad:
        x = np.pad(x, [*edges, (pad, pad)])
    half = n_fft // 2
    if center:
        if pad_mode == "reflect" and half >= x.shape[-1]:
            raise ShapeError(
                f"spectrogram: waveform must be longer than n_fft // 2 = {half} "
                f"samples to be reflected at its ends, got {x.shape[-1]}"
            )
        x = np.pad(x, [*edges, (half, half)], mode=_PAD_MODES[pad_mode])
    if x.shape[-1] < n_fft:
        raise ShapeError(
            f"spectrogram: waveform must have at least n_fft = {n_fft} samples, "
            f"got {x.shape[-1]}"
        )
    frames = np.lib.stride_tricks.sliding_window_view(x, n_fft, -1)
    weighted = frames[..., ::hop_length, :] * _centred(shape, n_fft)
    transform = np.fft.rfft if onesided else np.fft.fft
    spectrum = np.swapaxes(transform(weighted, axis=-1), -1, -2)
    spectrum *= _scale(normalized, shape, n_fft)
    if power is None:
        return tensor_of(spectrum, x)
    magnitude = np.abs(spectrum)
    return tensor_of(magnitude if power == 1.0 else magnitude**power, x)


def inverse_spectrogram(
    spectrogram: Tensor,
    length: int | None,
    pad: int,
    window: Tensor,
    n_fft: int,
    hop_length: int,
    win_length: int,
    normalized: bool | str,
    center: bool = True,
    pad_mode: str = "reflect",
    onesided: bool = True,
) -> Tensor:
    """The waveform whose short-time spectrum is nearest to the one given.

    Args:
        spectrogram: complex, ``(..., freq, frames)``.
        length: samples to return; as many as the frames cover if None.
        pad: zeros that were added at both ends.
        window, n_fft, hop_length, win_length, normalized, center, pad_mode, onesided:
            as for :func:`spectrogram`.

    Returns:
        ``(..., time)``.
    """
    spectrum = array_of(spectrogram, "inverse_spectrogram")
    shape = array_of(window, "inverse_spectrogram: window")
    full = _centred(shape.astype(np.float64), n_fft)
    spectrum = np.swapaxes(spectrum, -1, -2) / _scale(normalized, shape, n_fft)
    transform = np.fft.irfft if onesided else np.fft.ifft
    frames = transform(spectrum, n_fft, axis=-1).real * full
    count = frames.shape[-2]
    total = n_fft + hop_length * (count - 1)
    wave = np.zeros((*frames.shape[:-2], total))
    weight = np.zeros(total)
    for i in range(count):
        place = slice(i * hop_length, i * hop_length + n_fft)
        wave[..., place] += frames[..., i, :]
        weight[place] += full**2
    start = n_fft // 2 if center else 0
    covered = total - 2 * start if center else total
    stop = start + (covered if length is None else length + 2 * pad)
    wave = wave[..., start:stop] / np.maximum(weight[start:stop], 1e-11)
    if length is not None and wave.shape[-1] < length + 2 * pad:
        missing = length + 2 * pad - wave.shape[-1]
        wave = np.pad(wave, [*[(0, 0)] * (wave.ndim - 1), (0, missing)])
    return tensor_of(wave[..., pad : wave.shape[-1] - pad], spectrum)


def amplitude_to_DB(
    x: Tensor,
    multiplier: float,
    amin: float,
    db_multiplier: float,
    top_db: float | None = None,
) -> Tensor:
    """Decibels: ``multiplier * (log10(max(x, amin)) - db_multiplier)``.

    Args:
        x: ``(..., freq, time)``; with three dimensions or more the third from last
            are the channels of one recording.
        multiplier: 10 for powers, 20 for amplitudes.
        amin: smallest value that is told from zero.
        db_multiplier: log10 of the reference.
        top_db: raise what lies further than this under the recording's loudest.

    Returns:
        The shape of ``x``.
    """
    decibels = multiplier * lampas.log10(lampas.clamp(x, min=amin))
    decibels = decibels - multiplier * db_multiplier
    if top_db is None:
        return decibels
    dims = tuple(range(-min(x.ndim, 3), 0))
    floor = lampas.amax(decibels, dim=dims, keepdim=True) - top_db
    return lampas.maximum(decibels, floor)


def DB_to_amplitude(x: Tensor, ref: float, power: float) -> Tensor:
    """Back from decibels: ``ref * (10 ** (x / 10)) ** power``."""
    return ref * (10.0 ** (0.1 * x)) ** power
