"""Waveforms sample by sample, and differences of features over time."""

from __future__ import annotations

from typing import Any

import numpy as np

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError
from lampas_audio.functional._arrays import array_of, tensor_of

__all__ = [
    "compute_deltas",
    "gain",
    "mu_law_decoding",
    "mu_law_encoding",
    "preemphasis",
]


def mu_law_encoding(x: Tensor, quantization_channels: int) -> Tensor:
    """Code samples in [-1, 1] as integers in [0, quantization_channels)."""
    mu = quantization_channels - 1.0
    values = array_of(x, "mu_law_encoding")
    values = values if values.dtype.kind == "f" else values.astype(np.float32)
    bent = np.sign(values) * np.log1p(mu * np.abs(values)) / np.log1p(mu)
    return lampas.from_numpy(((bent + 1) / 2 * mu + 0.5).astype(np.int64))


def mu_law_decoding(x_mu: Tensor, quantization_channels: int) -> Tensor:
    """Back from the integers of :func:`mu_law_encoding`."""
    mu = quantization_channels - 1.0
    codes = array_of(x_mu, "mu_law_decoding")
    values = codes if codes.dtype.kind == "f" else codes.astype(np.float32)
    bent = values / mu * 2 - 1.0
    return tensor_of(np.sign(bent) * np.expm1(np.abs(bent) * np.log1p(mu)) / mu, values)


def preemphasis(waveform: Tensor, coeff: float = 0.97) -> Tensor:
    """Each sample less ``coeff`` times the one before it."""
    x = array_of(waveform, "preemphasis").copy()
    x[..., 1:] -= coeff * x[..., :-1].copy()
    return tensor_of(x, x)


def gain(waveform: Tensor, gain_db: float = 1.0) -> Tensor:
    """Louder by so many decibels."""
    return waveform * 10.0 ** (gain_db / 20)


def compute_deltas(
    specgram: Tensor, win_length: int = 5, mode: str = "replicate"
) -> Tensor:
    """Slope over time: a weighted sum of differences to both sides.

    Args:
        specgram: ``(..., freq, time)``.
        win_length: frames of the window, at least 3.
        mode: how the ends go on: replicate, reflect or constant.

    Raises:
        ValueError: ``win_length`` is under 3, or the mode unknown.
    """
    modes: dict[str, Any] = {
        "replicate": "edge",
        "reflect": "reflect",
        "constant": "constant",
    }
    if win_length < 3 or mode not in modes:
        raise ArgumentError(
            "compute_deltas: win_length must be at least 3 and mode one of "
            f"{tuple(modes)}, got {win_length} and {mode!r}"
        )
    x = array_of(specgram, "compute_deltas")
    n = (win_length - 1) // 2
    padded = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (n, n)], mode=modes[mode])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * n + 1, -1)
    weights = np.arange(-n, n + 1, dtype=x.dtype)
    return tensor_of(windows @ weights / (n * (n + 1) * (2 * n + 1) / 3), x)
