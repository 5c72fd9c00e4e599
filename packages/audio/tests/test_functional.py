"""Features against formulas written out in float64, and known values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas_audio.functional as F
from lampas import Generator
from lampas_audio.functional._arrays import hann_window

RNG = np.random.default_rng(0)
WAVE = RNG.standard_normal((2, 700)).astype(np.float32)


def tensor(values, dtype=np.float32):
    return lampas.from_numpy(np.asarray(values, dtype))


def by_definition(wave, n_fft, hop, window):
    """The transform of each frame as a sum."""
    padded = np.pad(wave, n_fft // 2, mode="reflect")
    places = range(0, len(padded) - n_fft + 1, hop)
    k, n = np.arange(n_fft // 2 + 1)[:, None], np.arange(n_fft)
    waves = np.exp(-2j * np.pi * k * n / n_fft)
    return np.stack([waves @ (padded[p : p + n_fft] * window) for p in places], 1)


@pytest.mark.parametrize("win_length", [64, 40])
@pytest.mark.parametrize("power", [None, 1.0, 2.0])
def test_spectrogram_is_its_definition(power, win_length):
    n = np.arange(win_length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / win_length)
    before = (64 - win_length) // 2
    full = np.pad(window, (before, 64 - win_length - before))
    expected = by_definition(WAVE[1].astype(np.float64), 64, 30, full)
    expected = expected if power is None else np.abs(expected) ** power
    got = F.spectrogram(
        tensor(WAVE), 0, hann_window(win_length), 64, 30, win_length, power, False
    )
    np.testing.assert_allclose(got.numpy()[1], expected, rtol=1e-4, atol=2e-5)


def test_normalized_spectra_keep_the_power_of_noise():
    window = hann_window(64)
    options = (64, 16, 64, 2.0)
    plain = F.spectrogram(tensor(WAVE), 0, window, *options, False).numpy()
    scaled = F.spectrogram(tensor(WAVE), 0, window, *options, "window").numpy()
    by_frame = F.spectrogram(tensor(WAVE), 0, window, *options, "frame_length").numpy()
    np.testing.assert_allclose(scaled, plain / np.sum(window.numpy() ** 2), rtol=1e-5)
    np.testing.assert_allclose(by_frame, plain / 64, rtol=1e-5)


def test_inverse_gives_the_waveform_back():
    window = hann_window(64)
    spectrum = F.spectrogram(tensor(WAVE), 0, window, 64, 16, 64, None, False)
    back = F.inverse_spectrogram(spectrum, 700, 0, window, 64, 16, 64, False)
    np.testing.assert_allclose(back.numpy(), WAVE, atol=2e-6)


def test_short_waves_are_refused():
    with pytest.raises(RuntimeError, match=r"longer than n_fft // 2 = 32 .* got 20"):
        F.spectrogram(lampas.zeros(20), 0, hann_window(64), 64, 16, 64, 2.0, False)
    wave = lampas.zeros(100, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"detach\(\) the input"):
        F.spectrogram(wave, 0, hann_window(64), 64, 16, 64, 2.0, False)


def test_mel_filters_are_triangles_between_even_mels():
    bank = F.melscale_fbanks(129, 0.0, 4000.0, 10, 8000).numpy()
    mel = 2595 * math.log10(1 + 4000 / 700) / 11 * np.arange(12)
    corners = 700 * (10 ** (mel / 2595) - 1)
    frequencies = np.arange(129) * 4000 / 128
    for i in range(10):
        low, middle, high = corners[i : i + 3]
        expected = np.interp(frequencies, [low, middle, high], [0, 1, 0])
        np.testing.assert_allclose(bank[:, i], expected, atol=1e-6)


def test_slaneys_scale_and_norm():
    bank = F.melscale_fbanks(4001, 0.0, 8000.0, 20, 16000, "slaney", "slaney").numpy()
    # each triangle has area one
    np.testing.assert_allclose(bank.sum(axis=0) * 2, np.ones(20), rtol=2e-3)
    # the scale is linear up to 1000 Hz: peaks there lie evenly
    peaks = bank.argmax(axis=0) * 2
    assert np.ptp(np.diff(peaks[peaks < 1000])) <= 2
    with pytest.raises(ValueError, match="mel_scale must be one of"):
        F.melscale_fbanks(10, 0.0, 100.0, 3, 200, mel_scale="bark")


def test_dct_is_orthonormal():
    matrix = F.create_dct(16, 16, "ortho").numpy().astype(np.float64)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(16), atol=1e-6)
    assert F.create_dct(1, 4, None).tolist() == [[2.0]] * 4


def test_decibels():
    x = tensor([[1.0, 100.0], [0.0, 1e-3]])
    got = F.amplitude_to_DB(x, 10.0, 1e-10, 0.0).numpy()
    np.testing.assert_allclose(got, [[0, 20], [-100, -30]], atol=1e-4)
    got = F.amplitude_to_DB(x, 10.0, 1e-10, 0.0, top_db=40.0).numpy()
    np.testing.assert_allclose(got, [[0, 20], [-20, -20]], atol=1e-4)
    back = F.DB_to_amplitude(tensor([0.0, 20.0]), 1.0, 0.5).numpy()
    np.testing.assert_allclose(back, [1.0, 10.0], rtol=1e-5)


@pytest.mark.parametrize(("orig", "new"), [(8000, 16000), (16000, 8000), (8000, 11025)])
def test_a_resampled_tone_is_the_tone_at_the_other_rate(orig, new):
    def tone(rate):
        return np.sin(2 * np.pi * 440 * np.arange(rate // 10) / rate)

    got = F.resample(tensor(tone(orig)), orig, new).numpy()
    assert got.shape == (math.ceil(new * (orig // 10) / orig),)
    middle = slice(100, new // 10 - 100)
    np.testing.assert_allclose(got[middle], tone(new)[middle], atol=5e-3)


def test_resampling_takes_away_what_does_not_fit():
    high = np.sin(2 * np.pi * 7000 * np.arange(4000) / 16000)
    assert np.abs(F.resample(tensor(high), 16000, 8000).numpy()[100:-100]).max() < 2e-2
    with pytest.raises(ValueError, match="got 0 and 5"):
        F.resample(tensor(high), 0, 5)


def test_mu_law_comes_back_near():
    x = np.linspace(-1, 1, 101)
    codes = F.mu_law_encoding(tensor(x), 256)
    assert codes.numpy().min() == 0 and codes.numpy().max() == 255
    back = F.mu_law_decoding(codes, 256).numpy()
    # a step is wider the louder it is
    half_step = np.log(256) / 255 * (np.abs(x) + 1 / 255)
    assert np.all(np.abs(back - x) <= 1.05 * half_step)


def test_preemphasis_gain_and_deltas():
    assert F.preemphasis(tensor([1.0, 2.0, 3.0]), 0.5).tolist() == [1.0, 1.5, 2.0]
    assert F.gain(tensor([1.0]), 20.0).tolist() == [10.0]
    ramp = F.compute_deltas(tensor([[0, 2, 4, 6, 8, 10, 12.0]])).numpy()[0]
    np.testing.assert_allclose(ramp[2:-2], [2.0, 2.0, 2.0])


@pytest.mark.parametrize("axis", [-1, -2])
def test_masks_cover_one_band(axis):
    x = lampas.ones(2, 8, 9)
    seen = set()
    for seed in range(60):
        generator = Generator().manual_seed(seed)
        masked = F.mask_along_axis(x, 4, 0.0, axis, generator=generator).numpy()
        lanes = masked.swapaxes(axis, -1)
        assert (lanes == lanes[0, 0]).all()  # the same in all channels
        gone = np.flatnonzero(lanes[0, 0] == 0)
        assert len(gone) < 4 and (np.diff(gone) == 1).all()
        seen |= set(gone)
        each = F.mask_along_axis_iid(x, 4, 0.0, axis, generator=generator).numpy()
        assert (each.swapaxes(axis, -1)[:, 0] == 0).sum(-1).max() < 4
    assert seen == set(range(x.shape[axis]))
    with pytest.raises(ValueError, match="last two"):
        F.mask_along_axis(x, 4, 0.0, 0)
    assert F.mask_along_axis(x, 4, 0.0, axis, p=0.0) is x
