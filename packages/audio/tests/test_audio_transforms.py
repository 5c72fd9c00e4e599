"""Transforms: they are the functions with torchaudio's defaults, and keep state."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas_audio.functional as F
import lampas_audio.transforms as T
from lampas import Generator
from lampas_audio.functional._arrays import hann_window

RNG = np.random.default_rng(0)
WAVE = lampas.from_numpy(RNG.standard_normal((2, 1600)).astype(np.float32))


def test_mel_spectrogram_is_filters_times_powers():
    power = F.spectrogram(WAVE, 0, hann_window(400), 400, 200, 400, 2.0, False).numpy()
    bank = F.melscale_fbanks(201, 0.0, 8000.0, 128, 16000).numpy()
    expected = np.einsum("cft,fm->cmt", power.astype(np.float64), bank)
    got = T.MelSpectrogram()(WAVE)
    assert got.shape == (2, 128, 9)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-4, atol=1e-4)
    logs = T.LogMelSpectrogram(offset=0.5)(WAVE).numpy()
    np.testing.assert_allclose(logs, np.log(expected + 0.5), rtol=1e-4, atol=1e-4)
    decibels = T.AmplitudeToDB()(got).numpy()
    expected = 10 * np.log10(np.maximum(expected, 1e-10))
    np.testing.assert_allclose(decibels, expected, rtol=1e-3, atol=1e-3)


def test_buffers_have_torchaudios_names():
    assert list(T.MelSpectrogram().state_dict()) == [
        "spectrogram.window",
        "mel_scale.fb",
    ]
    assert set(T.MFCC().state_dict()) == {
        "dct_mat",
        "MelSpectrogram.spectrogram.window",
        "MelSpectrogram.mel_scale.fb",
    }


def test_cepstra_are_the_cosine_transform_of_decibels():
    mel = T.MelSpectrogram(16000)(WAVE)
    decibels = F.amplitude_to_DB(mel, 10.0, 1e-10, 0.0, 80.0).numpy()
    got = T.MFCC(16000, n_mfcc=13)(WAVE).numpy()
    n = np.arange(128)
    third = math.sqrt(2 / 128) * np.cos(np.pi / 128 * (n + 0.5) * 2)
    expected = np.einsum("cmt,m->ct", decibels, third)
    np.testing.assert_allclose(got[:, 2], expected, rtol=1e-3, atol=1e-2)
    assert T.LFCC()(WAVE).shape == (2, 40, 9)
    for kwargs, text in (({"dct_type": 3}, "dct_type"), ({"n_mfcc": 129}, "more coef")):
        with pytest.raises(ValueError, match=text):
            T.MFCC(**kwargs)


def test_a_spectrum_comes_back():
    spectrum = T.Spectrogram(power=None)(WAVE)
    back = T.InverseSpectrogram()(spectrum, 1600)
    np.testing.assert_allclose(back.numpy(), WAVE.numpy(), atol=3e-6)


def test_gradients_flow_through_mel_bands():
    power = lampas.ones(1, 201, 3, requires_grad=True)
    scale = T.MelScale(n_stft=201)
    scale(power).sum().backward()
    expected = scale.fb.numpy().sum(axis=1)
    np.testing.assert_allclose(power.grad.numpy()[0, :, 1], expected, rtol=1e-5)
    with pytest.raises(RuntimeError, match=r"n_stft = 201 .* got \(1, 9, 2\)"):
        scale(lampas.ones(1, 9, 2))


def test_lengths_fades_and_volume():
    assert T.FixedLength(2)(lampas.tensor([1.0, 2.0, 3.0, 4.0])).tolist() == [2.0, 3.0]
    faded = T.Fade(2, 3)(lampas.ones(6)).tolist()
    assert faded == [0.0, 1.0, 1.0, 1.0, 0.5, 0.0]
    assert T.Vol(20.0, "db")(lampas.tensor([0.01, 0.5])).numpy()[1] == 1.0
    np.testing.assert_allclose(
        T.Vol(20.0, "db")(lampas.tensor([0.01])).numpy(), [0.1], rtol=1e-6
    )
    np.testing.assert_allclose(T.Vol(4.0, "power")(lampas.tensor([0.1])), [0.2], 1e-6)
    with pytest.raises(ValueError, match="got 'loud'"):
        T.Vol(1.0, "loud")


def test_shifts_move_everything_alike_and_fill():
    x = lampas.tensor([[1.0, 2.0, 3.0, 4.0]])
    seen = set()
    for seed in range(40):
        moved = T.TimeShift(2, -1.0, Generator().manual_seed(seed))(x).tolist()[0]
        seen.add(tuple(moved))
    assert seen == {
        (3.0, 4.0, -1.0, -1.0),
        (2.0, 3.0, 4.0, -1.0),
        (1.0, 2.0, 3.0, 4.0),
        (-1.0, 1.0, 2.0, 3.0),
        (-1.0, -1.0, 1.0, 2.0),
    }


def test_masks_take_the_axis_of_their_name():
    x = lampas.ones(1, 20, 30)
    for seed in range(5):
        generator = Generator().manual_seed(seed)
        bands = T.FrequencyMasking(8, generator=generator)(x).numpy()[0]
        times = T.TimeMasking(8, generator=generator)(x, 5.0).numpy()[0]
        assert (bands == bands[:, :1]).all() and (times == times[:1]).all()


def test_remaining_transforms_call_their_functions():
    half = T.Resample(16000, 8000)(WAVE)
    assert np.array_equal(half.numpy(), F.resample(WAVE, 16000, 8000).numpy())
    codes = T.MuLawEncoding()(half)
    assert np.array_equal(codes.numpy(), F.mu_law_encoding(half, 256).numpy())
    sound = T.MuLawDecoding()(codes)
    assert np.array_equal(sound.numpy(), F.mu_law_decoding(codes, 256).numpy())
    flat = T.Preemphasis(0.5)(half)
    assert np.array_equal(flat.numpy(), F.preemphasis(half, 0.5).numpy())
    slopes = T.ComputeDeltas(7)(half)
    assert np.array_equal(slopes.numpy(), F.compute_deltas(half, 7).numpy())
