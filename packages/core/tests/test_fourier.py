"""Fourier transforms: dtypes, frequencies, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lampas


@pytest.mark.parametrize(
    ("given", "expected"),
    [("float32", "complex64"), ("float64", "complex128"), ("int64", "complex64")],
)
def test_precision_is_kept(given, expected):
    x = lampas.ones(4, dtype=getattr(lampas, given))
    for transform in (lampas.fft.fft, lampas.fft.ifftn, lampas.fft.rfft):
        assert transform(x).dtype == getattr(lampas, expected)
    back = lampas.fft.irfft(lampas.fft.rfft(x))
    assert back.dtype == getattr(lampas, expected).to_real()
    np.testing.assert_allclose(back.numpy(), np.ones(4), rtol=1e-6)


def test_no_dimensions_leave_a_copy():
    x = lampas.ones(2, dtype=lampas.complex64)
    y = lampas.fft.fftn(x, dim=())
    y += 1
    assert x.tolist() == [1, 1]
    assert lampas.fft.fftn(lampas.tensor(2.0)).item() == 2


def test_frequencies():
    fft = lampas.fft
    assert fft.fftfreq(5, 0.5).tolist() == pytest.approx([0, 0.4, 0.8, -0.8, -0.4])
    assert fft.rfftfreq(5).tolist() == pytest.approx([0, 0.2, 0.4])
    assert fft.rfftfreq(4, dtype=lampas.float64).tolist() == [0, 0.25, 0.5]
    assert fft.fftfreq(0).shape == (0,)
    assert fft.fftfreq(3, requires_grad=True).requires_grad
    assert fft.fftfreq(2, 0).tolist()[1] == -np.inf


def test_shifting_and_back():
    for n in (4, 5):
        x = lampas.arange(n)
        back = lampas.fft.ifftshift(lampas.fft.fftshift(x))
        assert back.tolist() == x.tolist()


def test_the_simulated_device_transforms():
    x = lampas.arange(4.0).to("sim")
    z = lampas.fft.fft(x)
    assert z.device.type == "sim"
    back = lampas.fft.irfft(lampas.fft.rfft(x)).cpu()
    assert back.tolist() == pytest.approx([0, 1, 2, 3], abs=1e-6)


REAL, COMPLEX = lampas.ones(2, 3), lampas.ones(2, 3, dtype=lampas.complex64)


@pytest.mark.parametrize(
    ("name", "input", "arguments", "error", "text"),
    [
        ("fft", REAL.half(), {}, RuntimeError, "float16"),
        ("rfft", REAL.bfloat16(), {}, RuntimeError, "bfloat16"),
        ("rfft", COMPLEX, {}, RuntimeError, "must be real"),
        ("ihfft", COMPLEX, {}, RuntimeError, "must be real"),
        ("fft", REAL, {"n": 0}, RuntimeError, "at least 1 data point"),
        ("irfft", REAL[:, :1], {}, RuntimeError, "at least 1 data point"),
        ("fft", REAL, {"norm": "both"}, RuntimeError, "norm must be"),
        ("fft", REAL, {"dim": 2}, IndexError, "dim must be in"),
        ("fft", lampas.tensor(1.0), {}, IndexError, "0-d"),
        ("fftn", REAL, {"dim": (0, 0)}, RuntimeError, "once"),
        ("fftn", REAL, {"s": (1,), "dim": (0, 1)}, RuntimeError, "same length"),
        ("fftn", REAL, {"s": (1, 2, 3)}, RuntimeError, "only 2"),
        ("rfftn", REAL, {"dim": ()}, RuntimeError, "at least one"),
        ("irfftn", REAL, {"dim": ()}, RuntimeError, "at least one"),
    ],
)
def test_refused_arguments(name, input, arguments, error, text):
    with pytest.raises(error, match=text):
        getattr(lampas.fft, name)(input, **arguments)


def test_refused_frequencies():
    with pytest.raises(RuntimeError, match="floating"):
        lampas.fft.fftfreq(3, dtype=lampas.int64)
    with pytest.raises(RuntimeError, match="negative"):
        lampas.fft.rfftfreq(-1)
