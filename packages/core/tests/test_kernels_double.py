"""The native functions of doubles against formulas in extended precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import (
    PATHS,
    SIZES,
    SLOPES,
    WITH_NUMBERS,
    draws,
    kernel,
    reference,
    setting,
)

EXTENDED = np.longdouble

if np.finfo(EXTENDED).eps > 2e-19:
    pytest.skip("there is no type wider than double", allow_module_level=True)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _gelu_tanh(x):
    inner = np.sqrt(2 / (4 * np.arctan(EXTENDED(1)))) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(inner))


_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


# Name: the formula, a range, and the error allowed in last places. The C library's
# error function, which rounds to double, is off by one itself.
FUNCTIONS = {
    "exp": (np.exp, (-745, 709.7), 1.1),
    "expm1": (np.expm1, (-45, 709.7), 1.7),
    "log": (np.log, (1e-320, 1e308), 1.1),
    "log1p": (np.log1p, (-0.999, 100), 1.6),
    "tanh": (np.tanh, (-25, 25), 2.4),
    "sin": (np.sin, (-3000, 3000), 1.1),
    "cos": (np.cos, (-3000, 3000), 1.1),
    "sigmoid": (_sigmoid, (-700, 40), 3),
    "silu": (lambda x: x * _sigmoid(x), (-700, 40), 3),
    "logsigmoid": (lambda x: -_softplus(-x), (-700, 700), 3),
    "mish": (lambda x: x * np.tanh(_softplus(x)), (-30, 40), 6),
    "gelu_tanh": (_gelu_tanh, (-2, 20), 40),
    "erf": (lambda x: _erf(x.astype(np.float64)), (-6.5, 6.5), 3),
    "gelu": (lambda x: x / 2 * _erfc((-x / np.sqrt(2)).astype(float)), (-1, 20), 8),
}


def _points(low, high, size=40_009):
    if low > 0:
        with np.errstate(under="ignore"):
            return np.exp(np.linspace(math.log(low), math.log(high), size))
    near = np.geomspace(1e-200, 1.0, 4000)
    return np.concatenate([np.linspace(low, high, size), near, -near[near < -low]])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_doubles_are_right_to_few_last_places(name, path):
    formula, (low, high), units = FUNCTIONS[name]
    x = _points(low, high)
    with setting(path):
        result = kernel(name, x)
    with np.errstate(all="ignore"):
        right = np.asarray(formula(x.astype(EXTENDED)), EXTENDED)
        places = np.spacing(np.abs(right).astype(np.float64))
    assert result.dtype == np.float64
    assert np.max(np.abs(result - right) / places) <= units


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_large_angles_of_doubles(name, path):
    x = np.array([1e6, 999_999.5, 355 / 113 * 1e5, 1e9, 1e22, -1e300, 1e5, 3.0])
    with setting(path):
        result = kernel(name, x)
    right = [getattr(math, name)(v) for v in x.tolist()]
    np.testing.assert_allclose(result, right, rtol=3e-16, atol=1e-16)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", SLOPES)
def test_slopes_of_doubles_are_right(name, path):
    formula, (low, high) = SLOPES[name]
    x = _points(low, high)
    g = draws(x.size, np.float64)
    with setting(path), np.errstate(under="ignore"):
        right = np.asarray(formula(x.astype(EXTENDED)), np.float64)
        for cotangent in (g, np.broadcast_to(3.0, g.shape)):
            result = kernel(name, cotangent, x)
            assert np.max(np.abs(result - cotangent * right)) < 2e-14


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", [*FUNCTIONS, *SLOPES, *WITH_NUMBERS])
def test_special_doubles_are_as_the_reference_says(name, path):
    params = WITH_NUMBERS.get(name, {})
    ends = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e308, -1e308]
    x = np.array([*ends, 1.0, -1.0, 0.5, 710.5, 709.78, -745.1, -746.0, -750.0, 1e-9])
    two = name in SLOPES or name == "gate" or name.endswith("_backward")
    operands = (np.full_like(x, 2), x) if two else (x,)
    with setting(path):
        result = kernel(name, *operands, **params)
    expected = reference(name, *operands, **params)
    # What is subnormal inside of a sum may count as 0.
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_size_of_doubles_and_any_number_of_threads(name):
    for size in SIZES:
        x = np.abs(draws(size, np.float64)) + 0.1
        results = []
        for threads in (1, 3):
            with setting(threads=threads):
                results.append(kernel(name, x))
        np.testing.assert_array_equal(*results, strict=True)
        exact = np.asarray(FUNCTIONS[name][0](x.astype(EXTENDED)), np.float64)
        np.testing.assert_allclose(results[0], exact, rtol=1e-14, atol=1e-15)
