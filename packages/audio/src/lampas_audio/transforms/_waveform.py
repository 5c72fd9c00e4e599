"""Transforms of waveforms, and of features over time."""

from __future__ import annotations

import math

import numpy as np

import lampas
from lampas import Tensor, nn
from lampas.errors import ArgumentError
from lampas_audio import functional as F

__all__ = [
    "ComputeDeltas",
    "Fade",
    "FixedLength",
    "MuLawDecoding",
    "MuLawEncoding",
    "Preemphasis",
    "Resample",
    "Vol",
]


class Resample(nn.Module):
    """Another sample rate; see :func:`lampas_audio.functional.resample`.

    Args:
        orig_freq, new_freq: sample rates.
        resampling_method, lowpass_filter_width, rolloff, beta: of the filter.
        dtype: accepted; filters are computed in float64.
    """

    def __init__(
        self,
        orig_freq: int = 16000,
        new_freq: int = 16000,
        resampling_method: str = "sinc_interp_hann",
        lowpass_filter_width: int = 6,
        rolloff: float = 0.99,
        beta: float | None = None,
        *,
        dtype: lampas.dtype | None = None,
    ) -> None:
        super().__init__()
        self.orig_freq, self.new_freq = orig_freq, new_freq
        self.resampling_method, self.beta = resampling_method, beta
        self.lowpass_filter_width, self.rolloff = lowpass_filter_width, rolloff

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., ceil(time * new_freq / orig_freq))``."""
        return F.resample(
            waveform,
            self.orig_freq,
            self.new_freq,
            self.lowpass_filter_width,
            self.rolloff,
            self.resampling_method,
            self.beta,
        )


class FixedLength(nn.Module):
    """Cut or pad with zeros, both around the middle, to a number of samples.

    Args:
        length: samples of the result.

    >>> import lampas
    >>> FixedLength(5)(lampas.ones(3)).tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0]
    """

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., length)``."""
        x = waveform.detach().cpu().numpy()
        extra = x.shape[-1] - self.length
        if extra > 0:
            start = extra // 2
            x = x[..., start : start + self.length]
        else:
            before = -extra // 2
            edges = [(0, 0)] * (x.ndim - 1)
            x = np.pad(x, [*edges, (before, -extra - before)])
        return lampas.from_numpy(np.ascontiguousarray(x))


class MuLawEncoding(nn.Module):
    """Samples in [-1, 1] to integers; see :func:`functional.mu_law_encoding`."""

    def __init__(self, quantization_channels: int = 256) -> None:
        super().__init__()
        self.quantization_channels = quantization_channels

    def forward(self, x: Tensor) -> Tensor:
        """Code each sample."""
        return F.mu_law_encoding(x, self.quantization_channels)


class MuLawDecoding(nn.Module):
    """Integers back to samples; see :func:`functional.mu_law_decoding`."""

    def __init__(self, quantization_channels: int = 256) -> None:
        super().__init__()
        self.quantization_channels = quantization_channels

    def forward(self, x_mu: Tensor) -> Tensor:
        """Decode each sample."""
        return F.mu_law_decoding(x_mu, self.quantization_channels)


class Preemphasis(nn.Module):
    """Each sample less ``coeff`` times the one before."""

    def __init__(self, coeff: float = 0.97) -> None:
        super().__init__()
        self.coeff = coeff

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to the same shape."""
        return F.preemphasis(waveform, self.coeff)


class ComputeDeltas(nn.Module):
    """Slopes over time; see :func:`functional.compute_deltas`."""

    def __init__(self, win_length: int = 5, mode: str = "replicate") -> None:
        super().__init__()
        self.win_length, self.mode = win_length, mode

    def forward(self, specgram: Tensor) -> Tensor:
        """Map ``(..., freq, time)`` to the same shape."""
        return F.compute_deltas(specgram, self.win_length, self.mode)


_FADES = {
    "linear": lambda t: t,
    "exponential": lambda t: 2.0 ** (t - 1) * t,
    "logarithmic": lambda t: np.log10(0.1 + t) + 1,
    "quarter_sine": lambda t: np.sin(t * math.pi / 2),
    "half_sine": lambda t: np.sin(t * math.pi - math.pi / 2) / 2 + 0.5,
}


class Fade(nn.Module):
    """Fade in and out.

    Args:
        fade_in_len, fade_out_len: samples of both.
        fade_shape: linear, exponential, logarithmic, quarter_sine or half_sine.

    Raises:
        ValueError: another shape.
    """

    def __init__(
        self, fade_in_len: int = 0, fade_out_len: int = 0, fade_shape: str = "linear"
    ) -> None:
        super().__init__()
        if fade_shape not in _FADES:
            raise ArgumentError(
                f"Fade: fade_shape must be one of {tuple(_FADES)}, got {fade_shape!r}"
            )
        self.fade_in_len, self.fade_out_len = fade_in_len, fade_out_len
        self.fade_shape = fade_shape

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to the same shape."""
        length = waveform.shape[-1]
        if max(self.fade_in_len, self.fade_out_len) > length:
            raise ArgumentError(
                f"Fade: waveform must have at least {self.fade_in_len} and "
                f"{self.fade_out_len} samples, got {length}"
            )
        shape, volume = _FADES[self.fade_shape], np.ones(length)
        volume[: self.fade_in_len] = shape(np.linspace(0, 1, self.fade_in_len))
        if self.fade_out_len:
            out = shape(np.linspace(0, 1, self.fade_out_len))[::-1]
            volume[length - self.fade_out_len :] *= out
        factors = np.clip(volume, 0, 1).astype(np.float32)
        return waveform * lampas.from_numpy(factors)


class Vol(nn.Module):
    """Louder or softer, clipped to [-1, 1].

    Args:
        gain: how much.
        gain_type: ``"amplitude"``, ``"power"`` or ``"db"``.

    Raises:
        ValueError: another type, or a negative factor.
    """

    def __init__(self, gain: float, gain_type: str = "amplitude") -> None:
        super().__init__()
        if gain_type not in ("amplitude", "power", "db"):
            raise ArgumentError(
                f"Vol: gain_type must be amplitude, power or db, got {gain_type!r}"
            )
        if gain_type != "db" and gain < 0:
            raise ArgumentError(f"Vol: gain must not be negative, got {gain}")
        self.gain, self.gain_type = gain, gain_type

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to the same shape."""
        if self.gain_type == "amplitude":
            louder = waveform * self.gain
        elif self.gain_type == "db":
            louder = F.gain(waveform, self.gain)
        else:
            louder = F.gain(waveform, 10 * math.log10(self.gain))
        return lampas.clamp(louder, -1.0, 1.0)
