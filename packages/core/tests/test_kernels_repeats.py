"""Parts added up natively by their numbers, beside sums in double and exact ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, same, setting

import lampas
from lampas.backend import native
from lampas.engine.rows import Rows, sum_repeated

INF, NAN = math.inf, math.nan
# Around the widths of vectors and of as many as are added up together.
WIDTHS = (1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 33, 64, 65, 129, 200)


def taken(parts, numbers, accepted=True):
    """What the kernel gives; it must accept, or decline."""
    before = native.extension.report()["sum_repeated"]
    sums, firsts = sum_repeated(parts, numbers)
    after = native.extension.report()["sum_repeated"]
    assert (after[0] > before[0], after[1] > before[1]) == (accepted, not accepted)
    return sums, firsts


def added(parts, numbers):
    """The sums in double, one part after the other, and where each number is first."""
    unique, firsts, run = np.unique(numbers, return_index=True, return_inverse=True)
    total = np.full((len(unique), *parts.shape[1:]), -0.0)
    with np.errstate(all="ignore"):
        np.add.at(total, run.reshape(-1), parts.astype(np.float64))
    return total, firsts


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("count", [1, 2, 3, 50, 3000])
def test_floats_are_added_up_in_double(path, count):
    rng = np.random.default_rng(count)
    for width in WIDTHS:
        for spread in (1, count // 2 + 1, 10 * count):
            numbers = rng.integers(0, spread, count)
            parts = draws((count, width), seed=width)
            total, firsts = added(parts, numbers)
            for threads in (1, 2):
                with setting(path, threads):
                    found = taken(parts, numbers)
                same(found[0], total.astype(np.float32))
                same(found[1], firsts)


@pytest.mark.parametrize("path", PATHS)
def test_doubles_lose_no_digits(path):
    rng = np.random.default_rng(0)
    for width in (1, 5, 8, 33, 70):
        numbers = rng.integers(0, 40, 900) ** 2 // 60  # some of them often
        parts = draws((900, width), np.float64) * 10.0 ** rng.integers(-9, 9, (900, 1))
        with setting(path):
            sums, firsts = taken(parts, numbers)
        same(firsts, np.unique(numbers, return_index=True)[1])
        for total, number in zip(sums, np.unique(numbers), strict=True):
            rows = parts[numbers == number]
            exact = np.array([math.fsum(c) for c in rows.T])
            few = len(rows) * 2.0**-53 * np.abs(rows).sum(0)
            many = 2.0**-52 * np.abs(exact) + 2.0**-90 * np.abs(rows).sum(0)
            assert (np.abs(total - exact) <= (few if len(rows) <= 8 else many)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_sums(dtype):
    rng = np.random.default_rng(0)
    numbers = np.where(rng.random(20_000) < 0.4, 7, rng.integers(0, 900, 20_000))
    parts = draws((20_000, 37), dtype)
    found = []
    for threads in (1, 2, 3):
        with setting(threads=threads):
            found.append([a.tobytes() for a in taken(parts, numbers)])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(path, dtype):
    column = [-0.0, INF, 1.0, NAN, -0.0, INF, INF, 2.0, -0.0, -INF, 3.0, 4.0]
    numbers = np.array([9, 5, 3, 4, 2, 5, 6, 4, 2, 6, 8, 8])
    right = np.array([-0.0, 1.0, NAN, INF, NAN, 7.0, -0.0], dtype)
    for width in WIDTHS:
        parts = np.repeat(np.array(column, dtype)[:, None], width, 1)
        with setting(path):
            sums, _ = taken(parts, numbers)
            # Often enough that what rounding takes is kept.
            often, _ = taken(np.tile(parts, (9, 1)), np.tile(numbers, 9))
        same(sums, np.repeat(right[:, None], width, 1))
        same(often, np.repeat((right * np.array(9, dtype))[:, None], width, 1))
    large = np.full((20, 9), np.finfo(np.float64).max)
    assert (taken(large, np.zeros(20, np.int64))[0] == INF).all()
    mixed = np.array([[3e38], [3e38], [-3e38]], np.float32)
    assert taken(mixed, np.zeros(3, np.int64))[0] == np.float32(3e38)


def test_any_numbers_and_shapes():
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    numbers = np.array([3, most, -1, least, 3, 0, most, -1, least])
    parts = draws((9, 2, 3, 5))
    sums, firsts = taken(parts, numbers)
    assert firsts.tolist() == [3, 2, 5, 0, 1]
    right = np.stack([parts[3] + parts[8], parts[2] + parts[7], parts[5],
                      parts[0] + parts[4], parts[1] + parts[6]])  # fmt: skip
    same(sums, right)
    same(taken(parts[:, 0, 0, 0].copy(), numbers)[0], right[:, 0, 0, 0].copy())
    assert taken(parts[..., :0].copy(), numbers)[0].shape == (5, 2, 3, 0)
    # Each once, in order or not.
    for order in (np.arange(9), np.arange(9)[::-1].copy()):
        sums, firsts = taken(parts, order)
        same(sums, parts[order])
        same(firsts, order)


def test_parts_of_any_layout():
    numbers = np.array([1, 0, 1, 1])
    whole = draws((9, 8))
    for parts in (whole[:8:2, ::2], whole[3::-1], whole[:4].T[:4], whole[:1, :1]):
        parts = np.broadcast_to(parts, (4, parts.shape[1]))
        sums, _ = taken(parts, numbers)
        same(sums, added(parts, numbers)[0].astype(np.float32))
    space = np.zeros(33, np.uint8)[1:]
    moved = np.ndarray((4, 2), np.float32, space.data)
    moved[...] = whole[:4, :2]
    right = whole[[1, 0], :2] + np.array([[0, 0], whole[2, :2] + whole[3, :2]])
    near = np.testing.assert_allclose
    near(taken(moved, numbers, accepted=False)[0], right, 1e-6)


def test_what_is_left_to_the_reference():
    numbers = np.array([2, 0, 2])
    for dtype in (np.float16, np.int64, np.int32, np.complex64):
        parts = np.arange(6).reshape(3, 2).astype(dtype)
        sums, firsts = taken(parts, numbers, accepted=False)
        assert sums.dtype == dtype
        assert sums.tolist() == [[2, 3], [4, 6]] and firsts.tolist() == [1, 0]
    parts = draws((3, 2))
    for other in (numbers.astype(np.int32), np.repeat(numbers, 2)[::2]):
        sums, _ = taken(parts, other, accepted=False)
        np.testing.assert_array_equal(sums, [parts[1], parts[0] + parts[2]])
    sums, firsts = taken(parts[:0], numbers[:0], accepted=False)
    assert sums.shape == (0, 2) and firsts.shape == (0,)
    with pytest.raises(IndexError):
        taken(parts[:2], numbers, accepted=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [1, 2])
def test_sparse_tensors_and_gradients_are_summed_natively(depth, dtype):
    rng = np.random.default_rng(0)
    shape = (6, 5, 3)
    places = np.stack([rng.integers(0, n, 50) for n in shape[:depth]])
    parts = rng.standard_normal((50, *shape[depth:])).astype(dtype)
    right = np.zeros(shape)
    np.add.at(right, tuple(places), parts)
    listed = np.unique(places, axis=1)
    x = lampas.sparse_coo_tensor(lampas.tensor(places), lampas.tensor(parts), shape)
    before = native.extension.report()["sum_repeated"][0]
    for found in (x.coalesce(), Rows.of(x).summed().tensor(coalesced=True)):
        assert found.is_coalesced() and found.dtype is x.dtype
        np.testing.assert_array_equal(found.indices().numpy(), listed)
        np.testing.assert_allclose(found.to_dense().numpy(), right, 1e-5, 1e-6)
    assert native.extension.report()["sum_repeated"][0] == before + 2


def test_values_with_a_history_keep_it():
    values = lampas.tensor([[1.0], [2.0], [4.0]], requires_grad=True)
    index = lampas.tensor([[1, 0, 1]])
    x = lampas.sparse_coo_tensor(index, values, (3, 1)).coalesce()
    (x.values() * lampas.tensor([[3.0], [5.0]])).sum().backward()
    assert x.values().tolist() == [[2.0], [5.0]]
    assert values.grad.tolist() == [[5.0], [3.0], [5.0]]
    with lampas.no_grad():
        y = lampas.sparse_coo_tensor(index, values, (3, 1)).coalesce()
    assert y.values().tolist() == [[2.0], [5.0]] and not y.requires_grad


def test_narrow_values_are_rounded_once():
    values = lampas.tensor([1.0] + [2.0**-11] * 8, dtype=lampas.float16)
    index = lampas.zeros(1, 9, dtype=lampas.int64)
    total = lampas.sparse_coo_tensor(index, values, (1,)).coalesce().values()
    assert total.dtype is lampas.float16 and total.tolist() == [1 + 2.0**-8]
