"""Spectra and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import lampas
from lampas import Tensor, nn
from lampas.errors import ArgumentError, ShapeError
from lampas_audio import functional as F
from lampas_audio.functional._arrays import hann_window

__all__ = [
    "LFCC",
    "MFCC",
    "AmplitudeToDB",
    "InverseSpectrogram",
    "LogMelSpectrogram",
    "MelScale",
    "MelSpectrogram",
    "Spectrogram",
]

Window = Callable[..., Tensor]


class Spectrogram(nn.Module):
    """Short-time spectrum of a waveform.

    Args:
        n_fft: samples of a transform; ``n_fft // 2 + 1`` frequencies.
        win_length: samples of the window; ``n_fft``.
        hop_length: samples between frames; ``win_length // 2``.
        pad: zeros to add at both ends.
        window_fn: makes the window from its length.
        power: of the magnitude; None keeps complex values.
        normalized: see :func:`lampas_audio.functional.spectrogram`.
        wkwargs: more arguments of ``window_fn``.
        center, pad_mode, onesided: see :func:`lampas_audio.functional.spectrogram`.
        return_complex: accepted as torchaudio accepts it.

    >>> import lampas
    >>> Spectrogram(n_fft=64)(lampas.zeros(1, 640)).shape
    lampas.Size([1, 33, 21])
    """

    def __init__(
        self,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        window_fn: Window = hann_window,
        power: float | None = 2.0,
        normalized: bool | str = False,
        wkwargs: Mapping[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool = True,
        return_complex: bool | None = None,
    ) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.pad, self.power, self.normalized = pad, power, normalized
        self.center, self.pad_mode, self.onesided = center, pad_mode, onesided
        self.register_buffer("window", window_fn(self.win_length, **(wkwargs or {})))

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., freq, frames)``."""
        return F.spectrogram(
            waveform,
            self.pad,
            self.window,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.power,
            self.normalized,
            self.center,
            self.pad_mode,
            self.onesided,
        )


class InverseSpectrogram(nn.Module):
    """The waveform of a complex spectrum.

    Args:
        n_fft, win_length, hop_length, pad, window_fn, normalized, wkwargs, center,
            pad_mode, onesided: those that :class:`Spectrogram` had.
    """

    def __init__(
        self,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        pad: int = 0,
        window_fn: Window = hann_window,
        normalized: bool | str = False,
        wkwargs: Mapping[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool = True,
    ) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.win_length = n_fft if win_length is None else win_length
        self.hop_length = self.win_length // 2 if hop_length is None else hop_length
        self.pad, self.normalized = pad, normalized
        self.center, self.pad_mode, self.onesided = center, pad_mode, onesided
        self.register_buffer("window", window_fn(self.win_length, **(wkwargs or {})))

    def forward(self, spectrogram: Tensor, length: int | None = None) -> Tensor:
        """Map complex ``(..., freq, frames)`` to ``(..., time)``."""
        return F.inverse_spectrogram(
            spectrogram,
            length,
            self.pad,
            self.window,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.normalized,
            self.center,
            self.pad_mode,
            self.onesided,
        )


class MelScale(nn.Module):
    """Sum frequencies into bands that are even on the mel scale.

    Args:
        n_mels: bands.
        sample_rate: in hertz.
        f_min: lowest frequency.
        f_max: highest frequency; half the sample rate.
        n_stft: frequencies of the spectrum.
        norm, mel_scale: see :func:`lampas_audio.functional.melscale_fbanks`.

    Raises:
        ValueError: ``f_min`` is not below ``f_max``.
    """

    def __init__(
        self,
        n_mels: int = 128,
        sample_rate: int = 16000,
        f_min: float = 0.0,
        f_max: float | None = None,
        n_stft: int = 201,
        norm: str | None = None,
        mel_scale: str = "htk",
    ) -> None:
        super().__init__()
        self.n_mels, self.sample_rate = n_mels, sample_rate
        self.f_min = f_min
        self.f_max = float(sample_rate // 2) if f_max is None else f_max
        if f_min > self.f_max:
            raise ArgumentError(
                f"MelScale: f_min must be below f_max, got {f_min} and {self.f_max}"
            )
        self.register_buffer(
            "fb",
            F.melscale_fbanks(
                n_stft, f_min, self.f_max, n_mels, sample_rate, norm, mel_scale
            ),
        )

    def forward(self, specgram: Tensor) -> Tensor:
        """Map ``(..., freq, frames)`` to ``(..., n_mels, frames)``."""
        if specgram.shape[-2] != self.fb.shape[0]:
            raise ShapeError(
                f"MelScale: specgram must have n_stft = {self.fb.shape[0]} frequencies "
                f"in its last dimension but one, got {tuple(specgram.shape)}"
            )
        bands = lampas.matmul(specgram.transpose(-1, -2), self.fb)
        return bands.transpose(-1, -2)


class MelSpectrogram(nn.Module):
    """Power of a waveform in bands of the mel scale.

    Args:
        sample_rate: in hertz.
        n_fft, win_length, hop_length, pad, window_fn, power, normalized, wkwargs,
            center, pad_mode: see :class:`Spectrogram`.
        f_min, f_max, n_mels, norm, mel_scale: see :class:`MelScale`.
        onesided: accepted as torchaudio accepts it.

    >>> import lampas
    >>> MelSpectrogram(8000, n_fft=256, n_mels=40)(lampas.zeros(1, 8000)).shape
    lampas.Size([1, 40, 63])
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_fft: int = 400,
        win_length: int | None = None,
        hop_length: int | None = None,
        f_min: float = 0.0,
        f_max: float | None = None,
        pad: int = 0,
        n_mels: int = 128,
        window_fn: Window = hann_window,
        power: float = 2.0,
        normalized: bool | str = False,
        wkwargs: Mapping[str, Any] | None = None,
        center: bool = True,
        pad_mode: str = "reflect",
        onesided: bool | None = None,
        norm: str | None = None,
        mel_scale: str = "htk",
    ) -> None:
        super().__init__()
        self.sample_rate, self.n_fft, self.n_mels = sample_rate, n_fft, n_mels
        self.spectrogram = Spectrogram(
            n_fft,
            win_length,
            hop_length,
            pad,
            window_fn,
            power,
            normalized,
            wkwargs,
            center,
            pad_mode,
        )
        self.win_length = self.spectrogram.win_length
        self.hop_length = self.spectrogram.hop_length
        self.mel_scale = MelScale(
            n_mels, sample_rate, f_min, f_max, n_fft // 2 + 1, norm, mel_scale
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., n_mels, frames)``."""
        return self.mel_scale(self.spectrogram(waveform))


class LogMelSpectrogram(nn.Module):
    """``log(mel + offset)`` of a :class:`MelSpectrogram`.

    Args:
        sample_rate: in hertz.
        offset: keeps silence finite.
        mel: more arguments of :class:`MelSpectrogram`.
    """

    def __init__(
        self, sample_rate: int = 16000, offset: float = 1e-6, **mel: Any
    ) -> None:
        super().__init__()
        self.offset = offset
        self.mel_spectrogram = MelSpectrogram(sample_rate, **mel)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., n_mels, frames)``."""
        return lampas.log(self.mel_spectrogram(waveform) + self.offset)


class AmplitudeToDB(nn.Module):
    """Turn powers or amplitudes into decibels.

    Args:
        stype: ``"power"`` or ``"magnitude"``.
        top_db: raise what lies further than this under the loudest.

    Raises:
        ValueError: ``top_db`` is negative.
    """

    def __init__(self, stype: str = "power", top_db: float | None = None) -> None:
        super().__init__()
        if top_db is not None and top_db < 0:
            raise ArgumentError(f"AmplitudeToDB: top_db must be positive, got {top_db}")
        self.stype, self.top_db = stype, top_db
        self.multiplier = 10.0 if stype == "power" else 20.0
        self.amin, self.ref_value = 1e-10, 1.0
        self.db_multiplier = math.log10(max(self.amin, self.ref_value))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., freq, time)`` to the same shape."""
        return F.amplitude_to_DB(
            x, self.multiplier, self.amin, self.db_multiplier, self.top_db
        )


class _Cepstrum(nn.Module):
    """Cosine transform of the logarithm of bands."""

    def __init__(self, log: bool, coefficients: int, bands: int, norm: str) -> None:
        super().__init__()
        if coefficients > bands:
            raise ArgumentError(
                f"{type(self).__name__}: there cannot be more coefficients "
                f"({coefficients}) than bands ({bands})"
            )
        self.log, self.norm = log, norm
        self.amplitude_to_DB = AmplitudeToDB("power", 80.0)
        self.register_buffer("dct_mat", F.create_dct(coefficients, bands, norm))

    def _of_bands(self, bands: Tensor) -> Tensor:
        logs = lampas.log(bands + 1e-6) if self.log else self.amplitude_to_DB(bands)
        return lampas.matmul(logs.transpose(-1, -2), self.dct_mat).transpose(-1, -2)


class MFCC(_Cepstrum):
    """Cepstral coefficients of mel bands.

    Args:
        sample_rate: in hertz.
        n_mfcc: coefficients.
        dct_type: 2, the only kind.
        norm: of the cosine transform.
        log_mels: natural logarithm instead of decibels.
        melkwargs: arguments of :class:`MelSpectrogram`.

    Raises:
        ValueError: another ``dct_type``, or more coefficients than bands.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_mfcc: int = 40,
        dct_type: int = 2,
        norm: str = "ortho",
        log_mels: bool = False,
        melkwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if dct_type != 2:
            raise ArgumentError(f"MFCC: dct_type must be 2, got {dct_type}")
        mel = MelSpectrogram(sample_rate, **(melkwargs or {}))
        super().__init__(log_mels, n_mfcc, mel.n_mels, norm)
        self.sample_rate, self.n_mfcc = sample_rate, n_mfcc
        self.MelSpectrogram = mel

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., n_mfcc, frames)``."""
        return self._of_bands(self.MelSpectrogram(waveform))


class LFCC(_Cepstrum):
    """Cepstral coefficients of bands that are even in hertz.

    Args:
        sample_rate: in hertz.
        n_filter: bands.
        f_min, f_max: lowest and highest frequency.
        n_lfcc: coefficients.
        dct_type: 2, the only kind.
        norm: of the cosine transform.
        log_lf: natural logarithm instead of decibels.
        speckwargs: arguments of :class:`Spectrogram`.

    Raises:
        ValueError: another ``dct_type``, or more coefficients than bands.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_filter: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        n_lfcc: int = 40,
        dct_type: int = 2,
        norm: str = "ortho",
        log_lf: bool = False,
        speckwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if dct_type != 2:
            raise ArgumentError(f"LFCC: dct_type must be 2, got {dct_type}")
        super().__init__(log_lf, n_lfcc, n_filter, norm)
        self.sample_rate, self.n_filter, self.n_lfcc = sample_rate, n_filter, n_lfcc
        self.f_min = f_min
        self.f_max = float(sample_rate // 2) if f_max is None else f_max
        self.Spectrogram = Spectrogram(**(speckwargs or {}))
        frequencies = self.Spectrogram.n_fft // 2 + 1
        self.register_buffer(
            "filter_mat",
            F.linear_fbanks(frequencies, f_min, self.f_max, n_filter, sample_rate),
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Map ``(..., time)`` to ``(..., n_lfcc, frames)``."""
        spectrum = self.Spectrogram(waveform)
        bands = lampas.matmul(spectrum.transpose(-1, -2), self.filter_mat)
        return self._of_bands(bands.transpose(-1, -2))
