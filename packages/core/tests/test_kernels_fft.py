"""Native Fourier transforms against the sums that define them, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.ops import fourier

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Powers, every radix alone and mixed, large primes and what has them, odd and even.
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16, 22, 26, 35, 49, 60, 64, 96, 121]
LONG = [243, 400, 512, 1001, 4096]
PRIMES = [17, 31, 34, 38, 101, 173, 1009, 2038]  # or what has large ones
TYPES = [np.float32, np.float64]
HOSTS = {r.name: r.on_host for r in (fourier._c2c, fourier._r2c, fourier._c2r)}
NORMS = ["backward", "ortho", "forward"]


def called(name, x, **params):
    """The record's result; fails where its kernel has left it alone."""
    before = kernels.report()[name][0]
    y = HOSTS[name](x, **params)
    assert kernels.report()[name][0] == before + 1
    return y


def weights(n, inverse, norm):
    """The matrix of a transform."""
    k = np.arange(n)
    sign = 1 if inverse else -1
    matrix = np.exp(sign * 2j * np.pi * (np.outer(k, k) % n) / n)
    whole = {"backward": inverse, "forward": not inverse, "ortho": False}[norm]
    return matrix / (n if whole else 1) / (math.sqrt(n) if norm == "ortho" else 1)


def along(x, matrix, dim):
    return np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)


def close(found, expected, dtype, n):
    scale = np.abs(expected).max() or 1.0
    off = np.abs(found - expected).max() / scale
    # Lines of float are computed in double, and rounded once for each dimension.
    steps = 1 if dtype is np.float32 else 4 * (1 + math.log2(n))
    assert off <= np.finfo(dtype).eps * steps


def numbers(shape, dtype, real):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    return x if real else x + 1j * rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("n", LONG)
@pytest.mark.parametrize("dtype", TYPES)
def test_long_lines(path, n, dtype):
    x = numbers((9, n), dtype, False)
    y = called("fft_c2c", x, dims=(1,), inverse=False, norm="backward")
    close(y, np.fft.fft(x.astype(complex)), dtype, n)
    half = called("fft_r2c", x.real, dims=(1,), norm="backward")
    close(half, np.fft.rfft(x.real.astype(float)), dtype, n)
    close(called("fft_c2r", half, n=n, dims=(1,), norm="backward"), x.real, dtype, n)


@pytest.mark.parametrize("n", PRIMES)
@pytest.mark.parametrize("count", [4, 19])
def test_lines_whose_length_has_a_large_prime_factor(path, n, count):
    x, dtype = numbers((count, n), np.float32, False), np.float32
    for inverse in (False, True):
        y = called("fft_c2c", x, dims=(1,), inverse=inverse, norm="ortho")
        close(y, along(x.astype(complex), weights(n, inverse, "ortho"), 1), dtype, n)
    half = called("fft_r2c", x.real, dims=(1,), norm="backward")
    wanted = along(x.real.astype(float), weights(n, False, "backward"), 1)
    close(half, wanted[:, : n // 2 + 1], dtype, n)
    close(called("fft_c2r", half, n=n, dims=(1,), norm="backward"), x.real, dtype, n)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("inverse", [False, True])
def test_complex_lines(path, n, dtype, inverse):
    x = numbers((5, n), dtype, False)
    y = called("fft_c2c", x, dims=(1,), inverse=inverse, norm="backward")
    assert y.dtype == x.dtype and y.shape == x.shape
    close(y, along(x.astype(complex), weights(n, inverse, "backward"), 1), dtype, n)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", TYPES)
def test_real_lines_and_back(path, n, dtype):
    x = numbers((9, n), dtype, True)
    half = called("fft_r2c", x, dims=(1,), norm="backward")
    assert half.shape == (9, n // 2 + 1)
    assert half.dtype == np.result_type(dtype, np.complex64)
    close(half, along(x, weights(n, False, "backward"), 1)[:, : n // 2 + 1], dtype, n)
    # What does not count in a real line's spectrum must not be looked at.
    half[:, 0] += 5j
    if n % 2 == 0:
        half[:, -1] += 7j
    back = called("fft_c2r", half, n=n, dims=(1,), norm="backward")
    assert back.dtype == dtype
    close(back, x, dtype, n)


@pytest.mark.parametrize("inverse", [False, True])
def test_columns(path, inverse):
    x = numbers((30, 37), np.float32, False)
    y = called("fft_c2c", x, dims=(0,), inverse=inverse, norm="backward")
    close(
        y, along(x.astype(complex), weights(30, inverse, "backward"), 0), np.float32, 30
    )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dims", [(0,), (2,), (0, 1), (2, 1), (0, 2), (1, 2, 0)])
def test_dimensions_and_scalings(path, norm, dims):
    x = numbers((6, 10, 9), np.float64, False)
    for inverse in (False, True):
        y = called("fft_c2c", x, dims=dims, inverse=inverse, norm=norm)
        expected = x
        for d in dims:
            expected = along(expected, weights(x.shape[d], inverse, norm), d)
        close(y, expected, np.float64, 900)
    real = x.real.copy()
    half, whole = called("fft_r2c", real, dims=dims, norm=norm), real
    for d in dims:
        whole = along(whole, weights(x.shape[d], False, norm), d)
    last, n = dims[-1], x.shape[dims[-1]]
    close(half, np.take(whole, range(n // 2 + 1), last), np.float64, 900)
    close(called("fft_c2r", half, n=n, dims=dims, norm=norm), real, np.float64, 900)


def test_lines_that_lie_otherwise(path):
    x = numbers((20, 30, 12), np.float32, True)
    for view in (
        x[::2, ::-1, 3:],
        x.transpose(2, 0, 1),
        np.broadcast_to(x[:1], x.shape),
    ):
        y = called("fft_r2c", view, dims=(1,), norm="backward")
        n = view.shape[1]
        expected = along(view, weights(n, False, "backward"), 1)[:, : n // 2 + 1]
        close(y, expected, np.float32, n)


@pytest.mark.parametrize("count", [1, 3, 4, 7, 8, 9, 17])
def test_any_number_of_lines(path, count):
    x = numbers((count, 48), np.float32, False)
    y = called("fft_c2c", x, dims=(1,), inverse=False, norm="backward")
    close(y, along(x, weights(48, False, "backward"), 1), np.float32, 48)


@pytest.mark.parametrize("n", [24, 23])
def test_faults_stay_in_their_lines(path, n):
    x = numbers((9, n), np.float32, True)
    x[4, 3], x[6, 2] = math.nan, math.inf
    y = called("fft_r2c", x, dims=(1,), norm="backward")
    whole = np.isfinite(y).all(axis=1)
    assert whole.tolist() == [i not in (4, 6) for i in range(9)]


@pytest.mark.parametrize(
    "shape", [(4, 2 * 16411), (4, 16411), (4, 17 * 17), (1, 8192), (0, 4)]
)
def test_what_is_left_to_the_reference(shape):
    x = lampas.tensor(numbers(shape, np.float32, True))
    before = kernels.report()["fft_r2c"]
    y = lampas.fft.rfft(x).numpy()
    after = kernels.report()["fft_r2c"]
    # One line fills half of the narrowest vectors, which is enough.
    taken = shape == (1, 8192) and kernels.instruction_set() in ("baseline", "neon")
    assert after == (before[0] + taken, before[1] + (not taken))
    np.testing.assert_allclose(y, np.fft.rfft(x.numpy()), rtol=1e-4, atol=1e-4)


def test_doubles_of_a_large_prime_factor_are_left_to_the_reference():
    x = numbers((8, 2 * 17), np.float64, True)
    before = kernels.report()["fft_r2c"]
    lampas.fft.rfft(lampas.tensor(x))
    assert kernels.report()["fft_r2c"] == (before[0], before[1] + 1)


def test_threads_do_not_change_a_transform():
    x, found = lampas.tensor(numbers((600, 100), np.float32, True)), []
    before = lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            found.append(lampas.fft.fft2(x).numpy().tobytes())
    finally:
        lampas.set_num_threads(before)
    assert found[0] == found[1]
