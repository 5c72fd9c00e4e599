"""Cases of the short-time Fourier transforms; oracles are the definition's sums."""

from __future__ import annotations

import numpy as np
from case import Via

import lampas

WIDE = ("float64", "float32")


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def waves(n, count, sign):
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(count), np.arange(n)) / n)


def spectra(x, window, n_fft, hop_length, normalized=False, full=False):
    """(..., frequencies, pieces) of a signal that is filled up already."""
    left = (n_fft - len(window)) // 2
    weights = np.zeros(n_fft)
    weights[left : left + len(window)] = window
    starts = range(0, x.shape[-1] - n_fft + 1, hop_length)
    pieces = np.stack([x[..., s : s + n_fft] * weights for s in starts], axis=-1)
    out = waves(n_fft, n_fft if full else n_fft // 2 + 1, -1) @ pieces
    return out / np.sqrt(n_fft) if normalized else out


def real_stft(x, window, n_fft, hop_length, center=True, normalized=False, **options):
    if center:
        around = [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        x = np.pad(x, around, mode=options.get("pad_mode", "reflect"))
    return pairs(spectra(x, window, n_fft, hop_length, normalized))


def complex_stft(re, im, window, n_fft, hop_length, center):
    return pairs(spectra(re + 1j * im, window, n_fft, hop_length, full=True))


def mirrored(half, n):
    """The whole spectrum of real numbers from its first half."""
    half = half.copy()
    half[..., 0, :] = half[..., 0, :].real
    if n % 2 == 0:
        half[..., -1, :] = half[..., -1, :].real
    rest = [half[..., n - k, :].conj() for k in range(n // 2 + 1, n)]
    return np.concatenate([half, np.stack(rest, axis=-2)], axis=-2)


def real_istft(re, im, window, n_fft, hop_length, length=None):
    """Weighted pieces added up, over what the squared windows add up to."""
    whole = mirrored(re + 1j * im, n_fft)
    pieces = (waves(n_fft, n_fft, 1) @ whole).real / n_fft
    total = n_fft + hop_length * (pieces.shape[-1] - 1)
    signal, covered = np.zeros((*re.shape[:-2], total)), np.zeros(total)
    for t in range(pieces.shape[-1]):
        place = slice(t * hop_length, t * hop_length + n_fft)
        signal[..., place] += pieces[..., t] * window
        covered[place] += window**2
    start = n_fft // 2
    stop = total - start if length is None else min(start + length, total)
    out = signal[..., start:stop] / covered[start:stop]
    missing = 0 if length is None else length - out.shape[-1]
    return np.pad(out, [(0, 0)] * (out.ndim - 1) + [(0, missing)])


def analysed(op, x, window, n_fft, hop_length, **options):
    win = window.shape[0]
    options = {"return_complex": False, **options}
    return op(x, n_fft, hop_length, win, window, **options)


def analysed_complex(op, re, im, window, n_fft, hop_length, center):
    z = lampas.complex(re, im)
    win = window.shape[0]
    out = op(z, n_fft, hop_length, win, window, center)
    return lampas.view_as_real(out)


def restored(op, re, im, window, n_fft, hop_length, **options):
    z = lampas.complex(re, im)
    return op(z, n_fft, hop_length, None, window, **options)


def with_window(count, *shapes):
    """Normal inputs, and a window that is nowhere near zero."""
    return lambda rng: [
        *(rng.standard_normal(s) for s in shapes),
        rng.uniform(0.5, 1.5, count),
    ]


def analysis(shape, count, **params):
    inputs = with_window(count, shape)
    return Via("stft", inputs, real_stft, params, dtypes=WIDE, call=analysed)


def synthesis(shape, **params):
    inputs = with_window(params["n_fft"], shape, shape)
    return Via("istft", inputs, real_istft, params, dtypes=WIDE, call=restored)


CASES = [
    analysis((12,), 6, n_fft=6, hop_length=2),
    analysis((2, 12), 4, n_fft=5, hop_length=3, normalized=True),
    analysis((2, 12), 4, n_fft=4, hop_length=1, center=False),
    analysis((12,), 3, n_fft=6, hop_length=4, pad_mode="constant"),
    Via(
        "stft",
        with_window(4, (10,), (10,)),
        complex_stft,
        {"n_fft": 5, "hop_length": 2, "center": False},
        dtypes=WIDE,
        call=analysed_complex,
    ),
    synthesis((4, 5), n_fft=6, hop_length=2),
    synthesis((2, 3, 5), n_fft=5, hop_length=3),
    synthesis((3, 4), n_fft=4, hop_length=2, length=12),
    synthesis((3, 4), n_fft=4, hop_length=2, length=3),
]
