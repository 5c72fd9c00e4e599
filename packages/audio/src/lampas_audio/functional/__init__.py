"""Functions on waveforms and spectra, under torchaudio's names.

Spectra and resampling are computed on NumPy arrays: they are features, and gradients
do not flow through them. What works on spectra is made of lampas operations.
"""

from __future__ import annotations

from lampas_audio.functional._augment import mask_along_axis, mask_along_axis_iid
from lampas_audio.functional._filterbanks import (
    create_dct,
    linear_fbanks,
    melscale_fbanks,
)
from lampas_audio.functional._resample import resample
from lampas_audio.functional._spectrum import (
    DB_to_amplitude,
    amplitude_to_DB,
    inverse_spectrogram,
    spectrogram,
)
from lampas_audio.functional._waveform import (
    compute_deltas,
    gain,
    mu_law_decoding,
    mu_law_encoding,
    preemphasis,
)

__all__ = [
    "DB_to_amplitude",
    "amplitude_to_DB",
    "compute_deltas",
    "create_dct",
    "gain",
    "inverse_spectrogram",
    "linear_fbanks",
    "mask_along_axis",
    "mask_along_axis_iid",
    "melscale_fbanks",
    "mu_law_decoding",
    "mu_law_encoding",
    "preemphasis",
    "resample",
    "spectrogram",
]
