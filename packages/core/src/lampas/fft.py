"""Discrete Fourier transforms: PyTorch's ``torch.fft``."""

from lampas.ops.fourier_complex import fft, fft2, fftn, ifft, ifft2, ifftn
from lampas.ops.fourier_grid import fftfreq, fftshift, ifftshift, rfftfreq
from lampas.ops.fourier_real import (
    hfft,
    hfft2,
    hfftn,
    ihfft,
    ihfft2,
    ihfftn,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]
