"""Features of sound as modules, under torchaudio's names."""

from __future__ import annotations

from lampas_audio.transforms._augment import (
    FrequencyMasking,
    TimeMasking,
    TimeShift,
)
from lampas_audio.transforms._features import (
    LFCC,
    MFCC,
    AmplitudeToDB,
    InverseSpectrogram,
    LogMelSpectrogram,
    MelScale,
    MelSpectrogram,
    Spectrogram,
)
from lampas_audio.transforms._waveform import (
    ComputeDeltas,
    Fade,
    FixedLength,
    MuLawDecoding,
    MuLawEncoding,
    Preemphasis,
    Resample,
    Vol,
)

__all__ = [
    "LFCC",
    "MFCC",
    "AmplitudeToDB",
    "ComputeDeltas",
    "Fade",
    "FixedLength",
    "FrequencyMasking",
    "InverseSpectrogram",
    "LogMelSpectrogram",
    "MelScale",
    "MelSpectrogram",
    "MuLawDecoding",
    "MuLawEncoding",
    "Preemphasis",
    "Resample",
    "Spectrogram",
    "TimeMasking",
    "TimeShift",
    "Vol",
]
