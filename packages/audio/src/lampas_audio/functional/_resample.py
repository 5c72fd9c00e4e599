"""Another sample rate, by windowed sinc interpolation."""

from __future__ import annotations

import math

import numpy as np

from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_audio.functional._arrays import array_of, tensor_of

__all__ = ["resample", "sinc_kernel"]


def sinc_kernel(
    orig: int,
    new: int,
    lowpass_filter_width: int,
    rolloff: float,
    method: str,
    beta: float | None,
) -> tuple[np.ndarray, int]:
    """Filters ``(new, taps)``, one for each place between two samples; and their reach.

    Both rates must have no common divisor.
    """
    if method not in ("sinc_interp_hann", "sinc_interp_kaiser"):
        raise ArgumentError(
            "resampling_method must be 'sinc_interp_hann' or 'sinc_interp_kaiser', "
            f"got {method!r}"
        )
    if lowpass_filter_width <= 0:
        raise ArgumentError(
            f"lowpass_filter_width must be positive, got {lowpass_filter_width}"
        )
    cutoff = min(orig, new) * rolloff
    reach = math.ceil(lowpass_filter_width * orig / cutoff)
    taps = np.arange(-reach, reach + orig) / orig
    t = (np.arange(0, -new, -1)[:, None] / new + taps) * cutoff
    t = np.clip(t, -lowpass_filter_width, lowpass_filter_width)
    if method == "sinc_interp_hann":
        window = np.cos(t * math.pi / lowpass_filter_width / 2) ** 2
    else:
        shape = 14.769656459379492 if beta is None else beta
        inside = np.sqrt(1 - (t / lowpass_filter_width) ** 2)
        window = np.i0(shape * inside) / np.i0(shape)
    return np.sinc(t) * window * (cutoff / orig), reach


def resample(
    waveform: Tensor,
    orig_freq: int,
    new_freq: int,
    lowpass_filter_width: int = 6,
    rolloff: float = 0.99,
    resampling_method: str = "sinc_interp_hann",
    beta: float | None = None,
) -> Tensor:
    """Resample a waveform.

    Args:
        waveform: ``(..., time)``.
        orig_freq, new_freq: sample rates; whole numbers.
        lowpass_filter_width: zeros of the sinc on each side.
        rolloff: cutoff as a part of half the lower rate.
        resampling_method: ``sinc_interp_hann`` or ``sinc_interp_kaiser``.
        beta: of Kaiser's window.

    Returns:
        ``(..., ceil(time * new_freq / orig_freq))``.

    Raises:
        ValueError: a rate is not positive, or an argument is unknown.
    """
    if orig_freq <= 0 or new_freq <= 0 or int(orig_freq) != orig_freq:
        raise ArgumentError(
            "resample: orig_freq and new_freq must be positive whole numbers, got "
            f"{orig_freq} and {new_freq}"
        )
    if orig_freq == new_freq:
        return waveform
    x = array_of(waveform, "resample")
    common = math.gcd(int(orig_freq), int(new_freq))
    orig, new = int(orig_freq) // common, int(new_freq) // common
    kernel, reach = sinc_kernel(
        orig, new, lowpass_filter_width, rolloff, resampling_method, beta
    )
    length = x.shape[-1]
    padded = np.pad(x.reshape(-1, length), [(0, 0), (reach, reach + orig)])
    pieces = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[1], -1)
    result = pieces[:, ::orig] @ kernel.T.astype(x.dtype)
    result = result.reshape(len(padded), -1)[:, : math.ceil(new * length / orig)]
    return tensor_of(result.reshape(*x.shape[:-1], -1), x)
