"""The native functions of floats against the references in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, kernel, reference, setting

COUNT = 20_011  # no whole number of vectors or chunks

pytestmark = pytest.mark.filterwarnings("ignore:underflow:RuntimeWarning")

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 7.5, 100.0, -100.0]
SPECIAL += [math.inf, -math.inf, math.nan, 1e-40, -1e-40, 1e-45, 3e38, -3e38, 1e5]
SPECIAL += [8388609.0, -8388609.0, -16777216.0]
SPECIAL = np.array(SPECIAL, np.float32)


def between(low, high):
    return np.random.default_rng(0).uniform(low, high, COUNT).astype(np.float32)


def sizes(low, high):
    """Numbers of either sign whose decimal exponents are in a range."""
    generator = np.random.default_rng(1)
    numbers = 10.0 ** generator.uniform(low, high, COUNT)
    return (numbers * generator.choice([-1, 1], COUNT)).astype(np.float32)


ONE = {
    "asin": [between(-1, 1), sizes(-30, 0)],
    "acos": [between(-1, 1), sizes(-30, 0)],
    "atan": [between(-3, 3), sizes(-40, 37)],
    "sinh": [between(-5, 5), between(-88, 88), sizes(-30, 0)],
    "cosh": [between(-5, 5), between(-89, 89)],
    "tan": [between(-5, 5), sizes(-30, 3.9)],
    "asinh": [between(-5, 5), sizes(-40, 37)],
    "acosh": [between(1, 3), abs(sizes(0, 38)), 1 + abs(sizes(-7, 0))],
    "atanh": [between(-1, 1), sizes(-30, 0)],
    "exp2": [between(-5, 5), between(-150, 128)],
    "log2": [between(0.1, 5), abs(sizes(-44, 38)), between(0.99, 1.01)],
    "log10": [between(0.1, 5), abs(sizes(-44, 38)), between(0.99, 1.01)],
    "erfc": [between(-5, 5), between(0, 11), sizes(-30, 0)],
    "erfinv": [between(-1, 1), sizes(-30, 0), 1 - abs(sizes(-7, 0))],
    "ndtr": [between(-5, 5), between(-14, 0)],
    "log_ndtr": [between(-5, 5), sizes(-5, 18)],
    "ndtri": [between(0, 1), abs(sizes(-44, 0))],
    "lgamma": [between(0.1, 5), between(-10, 10), sizes(-30, 36)],
    "digamma": [between(0.1, 5), between(-10, 10), sizes(-30, 36)],
}


def steps(found, exact):
    """The largest error in units of the last place of the exact values' floats."""
    finite = np.isfinite(exact) & (np.abs(exact) < 3.4e38)
    size = np.maximum(np.abs(exact[finite]), 1.2e-38).astype(np.float32)
    error = np.abs(found[finite].astype(np.float64) - exact[finite])
    return (error / np.spacing(size)).max()


def alike(found, expected, error):
    """Equal but for rounding, with equal infinities, NaN and signs of zero."""
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, error, 1e-45)
    known = expected == expected
    np.testing.assert_array_equal(np.signbit(found[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_float(name, path):
    with setting(path):
        for x in ONE[name]:
            exact = reference(name, x.astype(np.float64))
            found = kernel(name, x)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
            # Twice as far off as the reference at most, or rounded once too often.
            assert steps(found, exact) <= max(1.1, 2 * steps(reference(name, x), exact))
        alike(kernel(name, SPECIAL), reference(name, SPECIAL), 3e-7)
        for size in (1, 3, 7, 8, 9, 31, 33):
            # Zeros fill the last vector.
            part = ONE[name][0][:size]
            alike(kernel(name, part), reference(name, part), 3e-7)


def test_log_gamma_is_right_near_its_zeros():
    for x in (between(0.999, 1.001), between(1.999, 2.001)):
        exact = reference("lgamma", x.astype(np.float64))
        np.testing.assert_allclose(kernel("lgamma", x), exact, 3e-7)


@pytest.mark.parametrize("path", PATHS)
def test_log_gamma_is_rounded_once_beside_its_zeros(path):
    beside = np.arange(-200, 201) * 2.0**-23  # floats all of them, for 1 and for 2
    for zero, slope, bend in (
        (1.0, -0.5772156649, 1.644934),
        (2.0, 0.4227843351, 0.644934),
    ):
        x = (zero + beside).astype(np.float32)
        near = x - np.float64(zero)
        exact = (
            near * slope
            + near**2 * bend / 2
            - near**3 * (0.4007 - 0.3333 * (zero == 2))
        )
        with setting(path):
            assert steps(kernel("lgamma", x), exact) < 0.51


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["exp", "exp2", "expm1", "tanh"])
def test_exponentials_are_at_most_twice_as_far_off_as_the_reference(name, path):
    for x in (between(-20, 20), between(-1, 1)):
        exact = getattr(np, name)(x.astype(np.float64))
        with setting(path):
            assert steps(kernel(name, x), exact) < 2 * steps(reference(name, x), exact)


@pytest.mark.parametrize("path", PATHS)
def test_softplus_of_what_is_far_below_zero(path):
    x = np.float32([-50.0, -87.5, -90.0, -95.0, -100.0, -103.0])
    with setting(path):
        found = kernel("softplus", x, beta=1.0, threshold=20.0)
        other = kernel("logsigmoid", -x)
    exact = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(found, exact, 1e-6, 1.5e-45)
    np.testing.assert_allclose(other, -exact, 1e-6, 1.5e-45)


TWO = {
    "atan2": [
        (between(-3, 3), sizes(-3, 3)),
        (sizes(-40, 37), sizes(-39, 36)[::-1].copy()),
    ],
    "hypot": [
        (between(-3, 3), sizes(-3, 3)),
        (sizes(-40, 37), sizes(-39, 36)[::-1].copy()),
    ],
    "logaddexp": [(between(-3, 3), sizes(-3, 1)), (between(-90, 90), sizes(0, 2))],
    "logaddexp2": [(between(-3, 3), sizes(-3, 1)), (between(-90, 90), sizes(0, 2))],
    "pow": [
        (between(0, 3), sizes(-3, 1)),
        (abs(sizes(-10, 10)), between(-3, 3)),
        (sizes(-1, 1), np.round(between(-9, 9))),
    ],
    "xlogy": [(sizes(-3, 1), between(0, 3))],
}
EXACT = {
    "fmod": [
        (between(-99, 99), sizes(-1, 1)),
        (sizes(-40, 37), sizes(-39, 36)[::-1].copy()),
    ],
    "copysign": [(between(-3, 3), sizes(-1, 1))],
    "nextafter": [(between(-3, 3), sizes(-1, 1)), (sizes(-44, 38), between(-1, 1))],
}
EXACT["remainder"] = EXACT["div_floor"] = [
    *EXACT["fmod"],
    (np.round(between(-99, 99)), np.round(between(-9, 9)[::-1].copy())),
]


def every_pair():
    a, b = np.meshgrid(SPECIAL, SPECIAL)
    return a.reshape(-1).copy(), b.reshape(-1).copy()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_floats(name, path):
    with setting(path):
        for x, y in TWO[name]:
            exact = reference(name, x.astype(np.float64), y.astype(np.float64))
            found = kernel(name, x, y)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
            limit = max(1.1, 2 * steps(reference(name, x, y), exact))
            assert steps(found, exact) <= limit
        x, y = every_pair()
        if name.startswith("logaddexp"):
            # Where the sum is near 1 the reference has lost what is left.
            exact = reference(name, x.astype(np.float64), y.astype(np.float64))
            np.testing.assert_allclose(
                kernel(name, x, y), exact.astype(np.float32), 3e-7
            )
        else:
            alike(kernel(name, x, y), reference(name, x, y), 4e-7)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", EXACT)
def test_functions_of_two_floats_without_rounding(name, path):
    with setting(path):
        for x, y in [*EXACT[name], every_pair()]:
            alike(kernel(name, x, y), reference(name, x, y), 0)
        x = EXACT[name][0][0]
        for number in (0.7, -3, 2):
            alike(kernel(name, x, number), reference(name, x, number), 0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("exponent", [2.5, -2, -0.5, -1.5, 4, 7, -3, 0, 30])
def test_powers_by_a_number(exponent, path):
    x = between(-3, 3) if exponent == int(exponent) else between(0, 3)
    with setting(path):
        exact = np.power(x.astype(np.float64), exponent)
        assert steps(kernel("pow_number", x, exponent=exponent), exact) <= 1.01
        found = kernel("pow_number", SPECIAL, exponent=exponent)
        alike(found, reference("pow_number", SPECIAL, exponent=exponent), 3e-7)


def test_operands_that_broadcast_or_are_views():
    x, y = between(-3, 3)[:2000].reshape(50, 40), between(-1, 1)[:40]
    exact = np.arctan2(x.astype(np.float64), y)
    np.testing.assert_allclose(kernel("atan2", x, y), exact, 2e-7)
    np.testing.assert_allclose(kernel("atan", x.T), np.arctan(x.T), 2e-7)


def test_doubles_are_left_to_the_references():
    x = between(0.1, 0.9).astype(np.float64)
    kernel("asin", x, accepted=False)
    kernel("atan2", x, x, accepted=False)
    kernel("pow_number", x, accepted=False, exponent=2.5)
