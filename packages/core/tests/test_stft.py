"""Short-time Fourier transforms: there and back, defaults, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lampas

SIGNAL = lampas.from_numpy(np.random.default_rng(0).standard_normal((2, 50)))


@pytest.mark.parametrize("onesided", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_there_and_back(onesided, normalized):
    window = lampas.hann_window(16, dtype=lampas.float64)
    options = {"window": window, "normalized": normalized, "onesided": onesided}
    spectra = SIGNAL.stft(16, return_complex=True, **options)
    assert spectra.shape == (2, 9 if onesided else 16, 13)
    back = spectra.istft(16, length=50, **options)
    np.testing.assert_allclose(back.numpy(), SIGNAL.numpy(), atol=1e-12)


def test_complex_signals_there_and_back():
    z = lampas.complex(SIGNAL[0], SIGNAL[1])
    spectra = lampas.stft(z, 8)
    back = lampas.istft(spectra, 8, return_complex=True, length=50)
    np.testing.assert_allclose(back.numpy(), z.numpy(), atol=1e-12)


def test_pairs_of_real_numbers():
    as_complex = lampas.stft(SIGNAL, 8, return_complex=True)
    as_pairs = lampas.stft(SIGNAL, 8, return_complex=False)
    np.testing.assert_array_equal(as_pairs[..., 1].numpy(), as_complex.imag.numpy())


@pytest.mark.parametrize(
    ("align", "first"), [(True, [6.0, 14.0]), (False, [14.0, 22.0])]
)
def test_pieces_begin_with_their_window_if_asked(align, first):
    """Sums of four neighbours: from the first on, or from the third."""
    x = lampas.arange(20.0)
    found = lampas.stft(
        x,
        8,
        win_length=4,
        center=False,
        window=lampas.ones(4),
        return_complex=True,
        align_to_window=align,
    )
    assert found[0, :2].real.tolist() == first


def test_a_signal_is_filled_up_to_its_length():
    spectra = lampas.stft(SIGNAL, 8, return_complex=True)
    back = lampas.istft(spectra, 8, length=60)
    assert back.shape == (2, 60)
    assert back[:, -4:].tolist() == [[0.0] * 4] * 2


SPECTRA = lampas.stft(SIGNAL, 8, return_complex=True)
WHOLE = {"return_complex": True}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "return_complex must be given"),
        ({"n_fft": 0, **WHOLE}, "n_fft must be positive"),
        ({"n_fft": 51, "center": False, **WHOLE}, "at most the signal's length 50"),
        ({"hop_length": 0, **WHOLE}, "hop_length must be positive"),
        ({"win_length": 9, **WHOLE}, "win_length must be"),
        ({"window": lampas.ones(4), **WHOLE}, "window must have shape"),
        ({"align_to_window": True, **WHOLE}, "center=False"),
        ({"window": lampas.ones(8) * 1j, "onesided": True}, "onesided"),
        ({"input": lampas.ones(1, 1, 9), **WHOLE}, "input must be"),
        ({"input": lampas.arange(9), **WHOLE}, "floating or complex"),
    ],
)
def test_what_stft_refuses(arguments, text):
    with pytest.raises(RuntimeError, match=text):
        lampas.stft(**{"input": SIGNAL, "n_fft": 8, **arguments})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"input": SIGNAL}, "must be complex"),
        ({"input": SPECTRA[0, 0]}, "not empty"),
        ({"n_fft": 10}, "6 frequencies"),
        ({"onesided": False}, "8 frequencies"),
        ({"hop_length": 9}, "hop_length must be"),
        ({"return_complex": True}, "all frequencies"),
        ({"window": lampas.ones(8) + 0j}, "complex window"),
        ({"length": 0}, "no part"),
        ({"center": False, "window": lampas.hann_window(8)}, "uncovered"),
    ],
)
def test_what_istft_refuses(arguments, text):
    with pytest.raises(RuntimeError, match=text):
        lampas.istft(**{"input": SPECTRA, "n_fft": 8, **arguments})
