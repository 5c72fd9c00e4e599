"""The native products against float64, over sizes around each border of the kernel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
matmul = native.bind("matmul", np.matmul)
ROWS = (1, 4, 5, 6, 7, 13, 14, 49, 130)
COLUMNS = (1, 3, 4, 8, 9, 16, 17, 31, 33, 200)
DEPTHS = (1, 2, 64, 385)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = lampas.get_num_threads()
    lampas.set_num_threads(request.param)
    yield request.param
    lampas.set_num_threads(before)


def check(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Each entry within a few roundings of the sum of its terms' magnitudes."""
    taken = kernels.report()["matmul"][0]
    y = matmul(a, b)
    assert kernels.report()["matmul"][0] == taken + 1
    exact = np.matmul(a.astype(np.float64), b.astype(np.float64))
    scale = np.matmul(np.abs(a).astype(np.float64), np.abs(b).astype(np.float64))
    assert y.dtype == a.dtype and y.shape == exact.shape
    # Sums of n terms by blocks of fused steps err by far less than n roundings.
    bound = 4 * np.finfo(a.dtype).eps * scale + 1e-30
    assert np.all(np.abs(y - exact) <= bound)
    return y


def operand(rng: np.random.Generator, rows: int, columns: int, turned: bool, dtype):
    shape = (columns, rows) if turned else (rows, columns)
    x = rng.standard_normal(shape).astype(dtype)
    return x.T if turned else x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", list(itertools.product([False, True], repeat=2)))
def test_every_size_and_orientation(dtype, turned, path, rng):
    for m, k, n in itertools.product(ROWS, DEPTHS, COLUMNS):
        check(
            operand(rng, m, k, turned[0], dtype), operand(rng, k, n, turned[1], dtype)
        )


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("m", "k", "n"),
    [
        (300, 500, 700),
        (250, 800, 1100),  # several blocks of k, several parts of the columns
        (241, 1153, 97),
        (5000, 30, 40),
        (30, 5000, 50),
        (20, 60, 4500),
        (96, 300, 131),
    ],
)
def test_large_products_in_parts(m, k, n, turned, path, threads, rng):
    check(operand(rng, m, k, turned, np.float32), operand(rng, k, n, True, np.float32))
    check(operand(rng, m, k, turned, np.float32), operand(rng, k, n, False, np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "n", [65, 72, 80, 81, 96, 97, 105, 112, 113, 128, 143, 145, 300]
)
def test_every_rest_of_many_rows(n, dtype, path, threads, rng):
    """Tiles of large products, of which the last are smaller in both directions."""
    for m, turned in itertools.product((241, 242, 243, 244, 247, 248), (False, True)):
        check(operand(rng, m, 19, turned, dtype), operand(rng, 19, n, turned, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [7, 8, 9, 15, 17, 31, 33, 95, 96])
def test_few_rows_of_a_long_sum(m, dtype, path, threads, rng):
    for n in (1, 5, 29, 257):
        check(operand(rng, m, 411, False, dtype), operand(rng, 411, n, True, dtype))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 1, 5, 6), (4, 6, 7)),
        ((2, 40, 30), (30, 20)),
        ((40, 30), (3, 30, 8)),
        ((70, 8, 16), (70, 16, 8)),
        ((2, 150, 150), (2, 150, 150)),
        ((1, 2, 3), (5, 3, 2)),
    ],
)
def test_batches_broadcast(left, right, path, threads, rng):
    a = rng.standard_normal(left).astype(np.float32)
    b = rng.standard_normal(right).astype(np.float32)
    check(a, b)
    if b.ndim == 3:
        check(a, np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(1, 2))


def test_any_strides(path, rng):
    x = rng.standard_normal((60, 90)).astype(np.float32)
    check(x[::2, ::3], x[:30, ::-2])
    check(x[::-1], x.T)
    check(np.broadcast_to(x[:1], (20, 90)), x.T)
    check(x[3:, 1:41], x[:40, 5:])
    wide = np.broadcast_to(x[:, :1], (60, 33))
    check(x.T, wide)


def test_empty_dimensions(path):
    for m, k, n in [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)]:
        y = matmul(np.ones((m, k), np.float32), np.ones((k, n), np.float32))
        assert y.shape == (m, n) and not y.any()
    empty = matmul(np.ones((0, 2, 3), np.float32), np.ones((3, 2), np.float32))
    assert empty.shape == (0, 2, 2)


def test_nan_and_infinity_stay_in_their_row_and_column(path, rng):
    a = rng.standard_normal((13, 40)).astype(np.float32)
    b = rng.standard_normal((40, 19)).astype(np.float32)
    clean = matmul(a, b)
    a[4, 7], b[3, 5] = np.nan, np.inf
    y = matmul(a, b)
    touched = np.zeros((13, 19), bool)
    touched[4], touched[:, 5] = True, True
    assert np.isnan(y[4]).all() and not np.isfinite(y[:, 5]).any()
    assert np.array_equal(y[~touched], clean[~touched])


def test_the_same_bits_for_any_number_of_threads(rng):
    a = rng.standard_normal((333, 450)).astype(np.float32)
    b = rng.standard_normal((450, 290)).astype(np.float32)
    before = lampas.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            lampas.set_num_threads(count)
            results.append(matmul(a, b))
    finally:
        lampas.set_num_threads(before)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_several_python_threads_at_once(rng):
    pairs = [
        (
            rng.standard_normal((size, 300)).astype(np.float32),
            rng.standard_normal((300, 170)).astype(np.float32),
        )
        for size in (90, 130, 260, 310)
    ]
    alone = [matmul(a, b) for a, b in pairs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            together = list(pool.map(lambda pair: matmul(*pair), pairs))
            assert all(map(np.array_equal, together, alone))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.ones((2, 2), np.int64), np.ones((2, 2), np.int64)),
        (np.ones((2, 2), np.float32), np.ones((2, 2), np.float64)),
        (np.ones((2, 2), np.complex64), np.ones((2, 2), np.complex64)),
        (np.ones(2, np.float32), np.ones((2, 2), np.float32)),
    ],
)
def test_others_are_left_to_numpy(left, right):
    taken, declined = kernels.report()["matmul"]
    assert np.array_equal(matmul(left, right), np.matmul(left, right))
    assert kernels.report()["matmul"] == (taken, declined + 1)


@pytest.mark.parametrize("rows", [5, 40, 200, 300])
@pytest.mark.parametrize("columns", [10, 80, 256, 1100])
def test_threads_do_not_change_a_product(path, rows, columns):
    rng = np.random.default_rng(0)
    a = lampas.from_numpy(rng.standard_normal((rows, 500)).astype(np.float32))
    b = lampas.from_numpy(rng.standard_normal((500, columns)).astype(np.float32))
    before = lampas.get_num_threads()
    found = set()
    try:
        for threads in (1, 2, 3, 5):
            lampas.set_num_threads(threads)
            found.add((a @ b).numpy().tobytes())
    finally:
        lampas.set_num_threads(before)
    assert len(found) == 1
