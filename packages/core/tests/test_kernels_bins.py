"""Native counts in bins and places in sorted sequences, against loops and bisect."""

from __future__ import annotations

import bisect
import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

import lampas
from lampas.backend import native
from lampas.ops.sort import occurrences, searched, weighed

# Around what is searched for at once, and counted at once.
SIZES = (1, 5, 16, 17, 1024, 1025, 5000)
INF, NAN = math.inf, math.nan


def taken(name, function, *arrays, accepted=True, **params):
    """What a helper's kernel gives; it must accept, or decline."""
    before = native.extension.report()[name]
    result = function(*arrays, **params)
    after = native.extension.report()[name]
    assert (after[0] > before[0], after[1] > before[1]) == (accepted, not accepted)
    return result


def many_in(sequence, wanted, right):
    find = bisect.bisect_right if right else bisect.bisect_left
    return np.array([find(sequence, v) for v in wanted.tolist()], np.int64)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32])
def test_places_in_a_sorted_vector(dtype, path):
    for length in (0, 1, 2, 3, 7, 100, 1001):
        # Some numbers are there more than once, and some are searched for.
        sequence = np.sort((draws(length, np.float64) * 40).astype(dtype))
        sequence[: length // 3] = sequence[:1]
        for size in SIZES[:5]:
            x = (draws(size, np.float64, 1) * 50).astype(dtype)
            x[::3] = np.resize(sequence, x.size)[::3] if length else 0
            for right in (False, True):
                right_places = many_in(sequence.tolist(), x, right)
                for narrow, kind in ((False, np.int64), (True, np.int32)):
                    with setting(path):
                        how = {"right": right, "narrow": narrow}
                        found = taken("searched", searched, sequence, x, **how)
                    same(found, right_places.astype(kind))


def test_places_of_special_values():
    sequence = np.array([-INF, -1.0, 0.0, 0.0, 2.0, INF, NAN, NAN])
    x = np.array([-INF, -0.0, 0.0, 3.0, INF, NAN])
    left = taken("searched", searched, sequence, x, right=False, narrow=False)
    assert left.tolist() == [0, 2, 2, 5, 5, 6]
    right = taken("searched", searched, sequence, x, right=True, narrow=False)
    assert right.tolist() == [1, 4, 4, 5, 6, 8]


def test_places_in_rows_and_with_threads():
    rows = np.sort(draws((3, 5, 40)), -1)
    x = draws((3, 5, 9000), seed=1)
    for threads in (1, 2):
        with setting(threads=threads):
            found = taken("searched", searched, rows, x, right=False, narrow=False)
        for at in np.ndindex(3, 5):
            right = many_in(rows[at].tolist(), x[at], False)
            np.testing.assert_array_equal(found[at], right)
    # A vector serves values of any shape.
    found = taken("searched", searched, rows[0, 0], x, right=True, narrow=True)
    right = many_in(rows[0, 0].tolist(), x.ravel(), True).reshape(x.shape)
    np.testing.assert_array_equal(found, right)
    how = {"right": True, "narrow": False, "accepted": False}
    taken("searched", searched, rows[0, 0], x.astype(np.float64), **how)
    taken("searched", searched, rows[0, 0], x[..., ::2], **how)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_occurrences(dtype, path):
    for size in SIZES:
        for values, length in ((3, 3), (200, 256), (200, 3000)):
            x = np.random.default_rng(size).integers(0, values, size).astype(dtype)
            right = np.zeros(length, np.int64)
            for v in x.tolist():
                right[v] += 1
            with setting(path):
                found = taken("occurrences", occurrences, x, size=length)
            same(found, right)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_weights(dtype, path):
    # Of many, each piece has sums of its own; of places all over, each thread its part.
    for size, length in ((1, 1), (17, 4), (5000, 300), (40_000, 300), (40_000, 30_000)):
        rng = np.random.default_rng(size)
        x = rng.integers(0, length, 2 * size)[::2]
        weights = rng.normal(size=(size, 2)).astype(dtype)[:, 1]
        wide = np.zeros(length, np.longdouble)
        sizes = np.zeros(length)
        for v, w in zip(x.tolist(), weights.astype(np.longdouble), strict=True):
            wide[v] += w
            sizes[v] += abs(w)
        for threads in (1, 2, 3):
            with setting(path, threads):
                found = taken("weighed", weighed, x, weights, size=length)
            assert found.dtype == dtype
            error = np.finfo(dtype).eps / 2 * np.abs(wide) + 4e-15 * sizes
            assert (np.abs(found - wide) <= error).all()
            if threads == 1:
                alone = found
            same(found, alone)


def test_others_are_weighed_by_the_reference():
    x, weights = np.array([0, 2, 2]), np.array([1.0, 2.0, 4.0])
    for index, heavy in ((x.astype(np.int32), weights), (x, weights.astype(np.int64))):
        found = taken("weighed", weighed, index, heavy, size=4, accepted=False)
        assert found.tolist() == [1.0, 0.0, 6.0, 0.0]
    with pytest.raises(ValueError, match="negative"):
        taken("weighed", weighed, -x, weights, size=4, accepted=False)


def test_occurrences_of_numbers_far_apart():
    x = lampas.tensor([2_000_000, 2])
    counts = lampas.bincount(x)
    assert counts.shape == (2_000_001,)
    assert counts[2] == 1 and counts[-1] == 1 and counts.sum() == 2
    assert lampas.bincount(lampas.tensor([], dtype=lampas.int64)).shape == (0,)
    with pytest.raises(RuntimeError, match="non-negative"):
        lampas.bincount(lampas.tensor([1, -1]))


def between(x, edges, weight):
    """The weights in bins, by a search for each element."""
    sums = [0.0] * (len(edges) - 1)
    for v, w in zip(x.tolist(), weight.tolist(), strict=True):
        if edges[0] <= v <= edges[-1]:
            at = bisect.bisect_right(edges, v) - 1
            sums[at - (v == edges[-1])] += w
    return np.array(sums)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elements_between_edges(dtype, path):
    even = np.linspace(-2, 2, 101)
    uneven = np.sort(np.concatenate([draws(60, np.float64), [0.5, 0.5, 3.0, 3.0]]))
    for edges in (even, uneven, even[:2], np.array([1.0, 1.0])):
        edges = edges.astype(dtype)
        for size in SIZES:
            x, weight = draws(size, dtype), np.abs(draws(size, dtype, 1))
            x[::5] = np.resize(edges, size)[::5]
            x[1::50] = NAN
            x[2::50] = INF
            right = between(x, edges.tolist(), weight)
            with setting(path):
                found = kernel("count_bins", x[:, None], weight, edges)
            assert found.dtype == dtype
            error = 1e-6 if dtype is np.float32 else 1e-13
            np.testing.assert_allclose(found, right, error)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elements_in_even_bins(dtype, path):
    for bins, low, high in ((1, -1, 1), (7, -1.5, 2), (5000, 0, 1)):
        for size in SIZES:
            x = draws(size, dtype)
            x[::5] = np.linspace(low, high, x[::5].size)
            x[1::50] = NAN
            x[2::50] = -INF
            counts = np.zeros(bins, dtype)
            first, last = dtype(low), dtype(high)
            for v in x[(x >= first) & (x <= last)]:
                at = int((v - first) * dtype(bins) / (last - first))
                counts[min(at, bins - 1)] += 1
            with setting(path):
                same(kernel("histc", x, bins=bins, low=low, high=high), counts)


def test_bins_that_overflow_are_left_to_the_reference():
    x = np.array([NAN, INF], np.float32)
    how = {"bins": 2, "low": -3e38, "high": 3e38, "accepted": False}
    assert kernel("histc", x, **how).tolist() == [0, 0]


def test_pieces_of_many_elements_are_joined():
    x = draws(300_000)
    low, high = int((x < 0).sum()), int((x >= 0).sum())
    whole = (x >= 0).astype(np.uint8)
    ones, edges = np.ones_like(x), np.array([-9, 0, 9], np.float32)
    for threads in (1, 2):
        with setting(threads=threads):
            assert kernel("histc", x, bins=2, low=-9, high=9).tolist() == [low, high]
            found = kernel("count_bins", x[:, None], ones, edges)
            assert found.tolist() == [low, high]
            found = taken("occurrences", occurrences, whole, size=2)
            assert found.tolist() == [low, high]


VALUES = {
    "few": np.random.default_rng(0).integers(-9, 9, 5000),
    "many": np.random.default_rng(0).integers(-(2**60), 2**60, 5000),
    "int32": np.random.default_rng(0).integers(-90, 90, 5000).astype(np.int32),
    "uint8": np.random.default_rng(0).integers(0, 256, 5000).astype(np.uint8),
    "bool": np.random.default_rng(0).random(50) < 0.5,
    "float32": np.repeat(draws(1000), 3),
    "one": np.array([7]),
    "none": np.array([], np.int64),
}


@pytest.mark.parametrize("name", VALUES)
def test_distinct_values(name):
    x = VALUES[name]
    values, inverse, counts = lampas.unique(
        lampas.from_numpy(x), return_inverse=True, return_counts=True
    )
    right = sorted(set(x.tolist()))
    assert values.tolist() == right
    assert values.numpy().dtype == x.dtype
    assert counts.tolist() == [x.tolist().count(v) for v in right]
    np.testing.assert_array_equal(values.numpy()[inverse.numpy()], x)
    assert lampas.unique(lampas.from_numpy(x)).tolist() == right


def test_every_nan_is_distinct():
    x = lampas.tensor([[NAN, 1.0], [NAN, 1.0]])
    values, inverse, counts = lampas.unique(x, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values.tolist(), [1, NAN, NAN])
    assert inverse.tolist() == [[1, 0], [2, 0]]
    assert counts.tolist() == [2, 1, 1]
