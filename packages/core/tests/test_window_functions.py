"""Window functions, against literals and their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas.signal import windows

WIDE = {"dtype": lampas.float64}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("hann", {}, [0, 0.5, 1, 0.5, 0]),
        ("hamming", {}, [0.08, 0.54, 1, 0.54, 0.08]),
        ("general_hamming", {"alpha": 0.6}, [0.2, 0.6, 1, 0.6, 0.2]),
        ("blackman", {}, [0, 0.34, 1, 0.34, 0]),
        ("bartlett", {}, [0, 0.5, 1, 0.5, 0]),
        ("nuttall", {}, [0.0003628, 0.2269824, 1, 0.2269824, 0.0003628]),
        ("general_cosine", {"a": [1, 0.25]}, [0.75, 1, 1.25, 1, 0.75]),
        ("exponential", {"tau": 2.0}, [math.exp(-abs(k - 2) / 2) for k in range(5)]),
        ("gaussian", {"std": 2.0}, [math.exp(-((k - 2) ** 2) / 8) for k in range(5)]),
        ("cosine", {}, [math.sin(math.pi * (k + 0.5) / 5) for k in range(5)]),
        ("kaiser", {"beta": 2.0}, None),
    ],
)
def test_symmetric_and_periodic_windows(name, arguments, expected):
    window = getattr(windows, name)
    found = window(5, **arguments, **WIDE).numpy()
    if expected is not None:
        np.testing.assert_allclose(found, expected, atol=1e-7)
    np.testing.assert_allclose(found, found[::-1], atol=1e-12)
    periodic = window(4, **arguments, sym=False, **WIDE).numpy()
    np.testing.assert_allclose(periodic, found[:4], atol=1e-12)
    assert window(0, **arguments).shape == (0,)
    assert window(1, **arguments).tolist() == [1.0]


def bessel(x):
    """I0 by its series: sum_k (x / 2) ** (2 k) / k! ** 2."""
    return sum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(40))


@pytest.mark.parametrize("beta", [0.0, 2.0, 12.0])
def test_kaiser_is_a_quotient_of_bessel_functions(beta):
    found = windows.kaiser(6, beta=beta, **WIDE).tolist()
    roots = [math.sqrt(max(1 - (2 * k / 5 - 1) ** 2, 0)) for k in range(6)]
    assert found == pytest.approx([bessel(beta * r) / bessel(beta) for r in roots])
    assert lampas.kaiser_window(6, False, beta, **WIDE).tolist() == found


def test_an_exponential_around_another_place():
    found = windows.exponential(3, center=0, sym=False, **WIDE).tolist()
    assert found == pytest.approx([1, math.exp(-1), math.exp(-2)])


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "kaiser"])
def test_those_of_the_top_namespace_are_periodic(name):
    top, window = getattr(lampas, f"{name}_window"), getattr(windows, name)
    assert top(6).tolist() == window(6, sym=False).tolist()
    assert top(6, periodic=False).tolist() == window(6).tolist()
    assert top(4, dtype=lampas.bfloat16).dtype == lampas.bfloat16
    assert top(4, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="negative"):
        top(-1)
    with pytest.raises(RuntimeError, match="floating"):
        top(4, dtype=lampas.int64)
    with pytest.raises(TypeError, match="must be an int"):
        top(2.5)


def test_hamming_with_factors():
    found = lampas.hamming_window(4, True, 0.6, 0.4).tolist()
    assert found == pytest.approx([0.2, 0.6, 1.0, 0.6])


@pytest.mark.parametrize(
    ("name", "arguments", "error", "text"),
    [
        ("hann", {"M": -1}, ValueError, "must not be negative"),
        ("hann", {"dtype": lampas.float16}, ValueError, "float32 or float64"),
        ("exponential", {"tau": 0.0}, ValueError, "tau must be positive"),
        ("exponential", {"center": 1.0}, ValueError, "center must be None"),
        ("gaussian", {"std": -1.0}, ValueError, "std must be positive"),
        ("kaiser", {"beta": -1.0}, ValueError, "beta must not be negative"),
        ("general_cosine", {"a": []}, ValueError, "must not be empty"),
        ("general_cosine", {"a": 1.0}, TypeError, "must be a sequence"),
    ],
)
def test_refused_arguments(name, arguments, error, text):
    with pytest.raises(error, match=text):
        getattr(windows, name)(**{"M": 3, **arguments})
