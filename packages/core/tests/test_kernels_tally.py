"""The native folds to integers against NumPy's sums and extremes of integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, kernel, same, setting
from test_kernels_reduce import PATTERNS

import lampas

# What is folded natively; of extremes bool is left to the reference.
INTEGERS = (np.int64, np.int32, np.uint8)
# Sizes around what parts hold: rows of 16, 32, 64 and 128 elements, 255 of them.
RUNS = [((n,), (0,)) for n in (15, 64, 129, 255 * 16, 255 * 64 + 3, 255 * 128 + 129)]
COLUMNS = [((n, 5), (0,)) for n in (255, 256, 511)] + [((260, 1030), (0,))]


def whole(shape, dtype):
    limits = (0, 2) if dtype is np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    rng = np.random.default_rng(len(shape))
    return rng.integers(*limits, shape, np.int64, endpoint=True).astype(dtype)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS + RUNS + COLUMNS, ids=str)
def test_sums_and_extremes_of_integers_are_exact(pattern, path):
    shape, dims = pattern
    with setting(path), np.errstate(over="ignore"):
        for dtype in (*INTEGERS, np.bool_):
            x = np.asarray(whole(shape, dtype))
            for keep in (True, False):
                how = {"dim": dims, "keepdim": keep}
                right = x.astype(np.uint64).sum(dims, keepdims=keep)
                same(kernel("tally", x, **how), np.asarray(right.astype(np.int64)))
                for name, pick in (("amax", np.max), ("amin", np.min)):
                    right = np.asarray(pick(x, axis=dims, keepdims=keep))
                    taken = dtype is not np.bool_
                    found = kernel(name, x, accepted=taken, **how)
                    same(np.asarray(found), right)
        x = whole(shape, np.int64)
        right = np.asarray(x).astype(np.uint64).prod(dims).astype(np.int64)
        found = kernel("prod", np.asarray(x), dim=dims, keepdim=False)
        same(found, np.asarray(right))


@pytest.mark.parametrize("path", PATHS)
def test_short_runs_of_every_length_are_exact(path):
    with setting(path), np.errstate(over="ignore"):
        for n in range(1, 300):
            how = {"dim": (1,), "keepdim": False}
            for dtype in INTEGERS:
                x = whole((3, n), dtype)
                wide = x.astype(np.int64)
                same(kernel("tally", x, **how), wide.sum(1))
                same(kernel("amax", x, **how), x.max(1))
                same(kernel("amin", x, **how), x.min(1))
                same(kernel("count_nonzero", x, **how), (x != 0).sum(1))
            same(kernel("prod", wide | 1, **how), (wide | 1).prod(1))
            # What fills no vector is told apart from what was looked at before.
            lone = np.zeros((2, n), np.float32)
            lone[0, -1] = 1
            same(kernel("count_nonzero", lone, **how), np.array([1, 0]))
            same(kernel("all", 1 - lone, **how), np.array([False, True]))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS + RUNS + COLUMNS, ids=str)
def test_what_is_zero_is_counted(pattern, path):
    shape, dims = pattern
    rng = np.random.default_rng(0)
    with setting(path):
        for share in (0.0, 0.01, 0.5, 0.999, 1.0):
            truths = np.asarray(rng.random(shape) < share)
            for dtype in (*INTEGERS, np.bool_, np.float32, np.float64):
                x = np.where(truths, whole(shape, np.bool_) + np.uint8(3), 0)
                x = np.asarray(x).astype(dtype)
                how = {"dim": dims, "keepdim": False}
                counts = np.asarray(truths.astype(np.int64).sum(dims))
                same(kernel("count_nonzero", x, **how), counts)
                same(kernel("any", x, **how), np.asarray(counts > 0))
                sizes = np.asarray(np.ones(shape, np.int64).sum(dims))
                same(kernel("all", x, **how), np.asarray(counts == sizes))
                if x.dtype.kind == "f":
                    found = kernel("vector_norm", x, ord=0, **how)
                    same(found, counts.astype(dtype))


@pytest.mark.parametrize("path", PATHS)
def test_nan_and_infinities_are_not_zero_and_both_zeros_are(path):
    row = [math.nan, math.inf, -math.inf, 1e-45, 0.0, -0.0]
    with setting(path):
        for repeats in (1, 7, 300):
            x = np.tile(np.array(row, np.float32), (repeats, 1))
            for dims, count in (((0,), [repeats] * 4 + [0, 0]), ((1,), [4] * repeats)):
                how = {"dim": dims, "keepdim": False}
                found = kernel("count_nonzero", x, **how)
                np.testing.assert_array_equal(found, count)
            zeros = kernel("any", x[:, 4:].copy(), dim=(1,), keepdim=False)
            assert not zeros.any()


@pytest.mark.parametrize("place", [0, 1, 70_000, 199_999])
def test_one_among_many_is_found(place):
    for dtype in (np.bool_, np.float32):
        x = np.zeros(200_000, dtype)
        how = {"dim": (0,), "keepdim": False}
        assert not kernel("any", x, **how)
        assert kernel("all", 1 - x if dtype is np.float32 else ~x, **how)
        x[place] = 1
        assert kernel("any", x, **how)
        assert not kernel("all", 1 - x if dtype is np.float32 else ~x, **how)


def test_integers_are_added_without_a_cast():
    x = lampas.tensor([[100, 200], [255, 255]], dtype=lampas.uint8)
    assert x.sum().item() == 810
    assert x.sum(0).dtype is lampas.int64
    assert x.sum(dtype=lampas.uint8).item() == 810 % 256
    assert x.sum(dtype=lampas.float32).dtype is lampas.float32


def test_threads_do_not_change_tallies():
    for shape, dims in (((300_000,), (0,)), ((5000, 60), (0,)), ((9, 3, 9000), (0, 2))):
        x = whole(shape, np.int32)
        with setting(threads=1):
            alone = kernel("tally", x, dim=dims, keepdim=False)
        with setting(threads=2):
            same(kernel("tally", x, dim=dims, keepdim=False), alone)


@pytest.mark.parametrize(
    "x",
    [
        whole((6,), np.int16),
        whole((4, 6), np.int32).T,
        whole((0, 3), np.int64),
        whole((2, 3, 4, 5, 6), np.uint8).transpose(0, 2, 1, 3, 4),
    ],
)
def test_others_are_left_to_the_reference(x):
    result = kernel("tally", x, dim=(0,), keepdim=False, accepted=False)
    np.testing.assert_array_equal(result, x.astype(np.int64).sum(0))
