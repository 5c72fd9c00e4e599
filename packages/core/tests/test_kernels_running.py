"""The native running totals and extremes, and softmax down columns."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

SHAPES = [
    ((1,), 0),
    ((9,), 0),
    ((20_001,), 0),
    ((70, 33), 1),
    ((33, 70), 0),
    ((3, 40, 300), 1),
    ((5, 8, 8), 1),
    ((2, 3, 4, 5), 2),
    ((300, 1000), 0),
]


def near_one(shape, dtype):
    if dtype is np.int64:
        return np.random.default_rng(0).integers(-3, 4, shape)
    return (1 + draws(shape, np.float64) / 100).astype(dtype)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_running_totals(case, path):
    shape, dim = case
    for dtype in (np.float32, np.float64, np.int64):
        x = near_one(shape, dtype)
        wide = x if dtype is np.int64 else x.astype(np.longdouble)
        for reverse in (False, True):
            turn = (lambda v: np.flip(v, dim)) if reverse else (lambda v: v)
            for name, total in (("cumprod", np.cumprod), ("cumsum", np.cumsum)):
                right = turn(total(turn(wide), axis=dim))
                for threads in (1, 2):
                    with setting(path, threads):
                        found = kernel(name, x, dim=dim, reverse=reverse)
                    assert found.dtype == dtype
                    if dtype is np.int64:
                        same(found, np.ascontiguousarray(right))
                    else:
                        error = 1e-7 if dtype is np.float32 else 1e-12
                        np.testing.assert_allclose(
                            found, right.astype(np.float64), error
                        )


def slowly(x, dim, largest):
    """Running extremes by a loop: of equal ones the last, and NaN stays."""
    lines = np.moveaxis(x, dim, -1)
    values, places = lines.copy(), np.zeros(lines.shape, np.int64)
    for at in np.ndindex(lines.shape[:-1]):
        best, place = lines[at][0], 0
        for i, v in enumerate(lines[at]):
            if v != v or (v >= best if largest else v <= best):
                best, place = v, i
            values[at][i], places[at][i] = best, place
    return np.moveaxis(values, -1, dim), np.moveaxis(places, -1, dim)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES[:-1], ids=str)
def test_running_extremes(case, path):
    shape, dim = case
    for dtype in (np.float32, np.float64, np.int64):
        x = np.round(draws(shape, np.float64) * 3).astype(dtype)
        if dtype is not np.int64:
            x.reshape(-1)[x.size // 2 :: 37] = np.nan
        for name, largest in (("cummax", True), ("cummin", False)):
            right = slowly(x, dim, largest)
            with setting(path):
                found = kernel(name, x, dim=dim)
            for a, b in zip(found, right, strict=True):
                same(a, np.ascontiguousarray(b))


def softmax(x, dim):
    weights = np.exp(x - x.max(dim, keepdims=True))
    return weights / weights.sum(dim, keepdims=True)


COLUMNS = [
    ((9, 3), 0),
    ((33, 70), 0),
    ((3, 40, 130), 1),
    ((5, 8, 8), 1),
    ((300, 257), 0),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", COLUMNS, ids=str)
def test_softmax_down_columns(case, path):
    shape, dim = case
    x, g = draws(shape) * 5, draws(shape, seed=1)
    wide, slope = x.astype(np.float64), g.astype(np.float64)
    right = softmax(wide, dim)
    one = np.broadcast_to(np.float32(0.5), shape)
    with setting(path):
        y = kernel("softmax", x, dim=(dim,))
        log = kernel("log_softmax", x, dim=(dim,))
        np.testing.assert_allclose(y, right, 4e-6)
        np.testing.assert_allclose(log, np.log(right), 2e-6, 2e-6)
        for given in (g, one):
            slope = given.astype(np.float64)
            back = kernel("softmax_backward", given, y, dim=(dim,))
            total = (slope * right).sum(dim, keepdims=True)
            np.testing.assert_allclose(back, right * (slope - total), 1e-4, 1e-6)
            back = kernel("log_softmax_backward", given, log, dim=(dim,))
            total = slope.sum(dim, keepdims=True)
            np.testing.assert_allclose(back, slope - right * total, 1e-4, 1e-4)
        for keep in (True, False):
            total = kernel("logsumexp", x, dim=(dim,), keepdim=keep)
            exact = np.log(np.exp(wide).sum(dim, keepdims=keep))
            assert total.shape == exact.shape
            np.testing.assert_allclose(total, exact, 2e-6)


@pytest.mark.parametrize("path", PATHS)
def test_columns_with_infinities_and_nan(path):
    x = draws((6, 40))
    x[:, 0], x[2, 1], x[3, 2], x[4, 3] = -np.inf, np.nan, np.inf, -np.inf
    with setting(path):
        for name, more in (
            ("softmax", {}),
            ("log_softmax", {}),
            ("logsumexp", {"keepdim": False}),
        ):
            found = kernel(name, x, dim=(0,), **more)
            right = reference(name, x, dim=(0,), **more)
            np.testing.assert_allclose(found, right, 4e-6, 1e-6)


def summed_up(x, dim):
    """Running logarithms of sums of exponentials: in parts, so that none overflows."""
    wide = x.astype(np.longdouble)
    top = np.maximum.accumulate(wide, axis=dim)
    lines, tops = np.moveaxis(wide, dim, 0), np.moveaxis(top, dim, 0)
    others = np.zeros(lines.shape, np.longdouble)
    for k in range(1, len(lines)):
        away = np.exp(np.maximum(-np.abs(lines[k] - tops[k - 1]), -10_000))
        larger = lines[k] > tops[k - 1]
        others[k] = np.where(larger, (1 + others[k - 1]) * away, others[k - 1] + away)
    return np.moveaxis(tops + np.log1p(others), 0, dim).astype(np.float64)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_running_sums_of_exponentials(case, path):
    shape, dim = case
    for dtype, error in ((np.float32, 4e-7), (np.float64, 1e-14)):
        for scale, drift in ((1, 0), (30, 0), (1, 3), (1, -3)):
            x = np.asarray(draws(shape, np.float64) * scale)
            steps = np.arange(shape[dim]).reshape([-1] + [1] * (len(shape) - dim - 1))
            x = (x + steps * drift).astype(dtype)
            for threads in (1, 2):
                with setting(path, threads):
                    found = kernel("logcumsumexp", x, dim=dim)
                assert found.dtype == dtype
                np.testing.assert_allclose(found, summed_up(x, dim), error, error)


def test_two_exponentials_are_summed_to_the_last_digit():
    for dtype, error in ((np.float32, 2e-7), (np.float64, 1e-15)):
        x = np.array([[0.0, -40.0], [-40.0, 0.0], [1000.0, 1000.0]], dtype)
        found = kernel("logcumsumexp", x, dim=1)[:, 1]
        right = [np.exp(-40.0), np.exp(-40.0), 1000 + np.log(2)]
        np.testing.assert_allclose(found, right, error)


@pytest.mark.parametrize("path", PATHS)
def test_running_sums_of_exponentials_of_special_values(path):
    inf, nan = np.inf, np.nan
    rows = {
        (-inf, -inf, 1, 2): (-inf, -inf, 1, 2 + np.log1p(np.exp(-1))),
        (1, -inf, 1, -inf): (1, 1, 1 + np.log(2), 1 + np.log(2)),
        (1, inf, -inf, inf): (1, inf, inf, inf),
        (-inf, inf, 3, inf): (-inf, inf, inf, inf),
        (0, nan, 1, inf): (0, nan, nan, nan),
        (nan, 1, -inf, 2): (nan, nan, nan, nan),
        (3e38, -3e38, 3e38, 0): (3e38, 3e38, 3e38, 3e38),
    }
    for dtype in (np.float32, np.float64):
        x = np.array(list(rows), dtype)
        right = np.array(list(rows.values()))
        with setting(path):
            for found in (
                kernel("logcumsumexp", x, dim=1),
                kernel("logcumsumexp", x.T.copy(), dim=0).T,
            ):
                np.testing.assert_allclose(found, right.astype(dtype), 3e-7)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_linear_recurrences(case, path):
    shape, dim = case
    for dtype, error in ((np.float32, 1e-6), (np.float64, 1e-14)):
        x, a = draws(shape, dtype), draws(shape, dtype, 1) / 2
        for reverse in (False, True):
            wide = np.moveaxis(x.astype(np.longdouble), dim, 0).copy()
            factor = np.moveaxis(a, dim, 0)
            for k in range(len(wide) - 2, -1, -1) if reverse else range(1, len(wide)):
                before, by = (k + 1, k + 1) if reverse else (k - 1, k)
                wide[k] += factor[by] * wide[before]
            right = np.moveaxis(wide, 0, dim).astype(np.float64)
            with setting(path):
                found = kernel("recur", x, a, dim=dim, reverse=reverse)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, right, error, error)


def test_recurrences_take_what_is_broadcast_or_has_gaps():
    x, a = np.broadcast_to(np.float32(1), (4, 3)), draws((3, 4)).T
    found = kernel("recur", x, a, dim=0, reverse=False)
    y = np.ones(3)
    for k in range(1, 4):
        y = 1 + a[k] * y
        np.testing.assert_allclose(found[k], y, 1e-6)
    kernel("recur", x, a.astype(np.float64), dim=0, reverse=False, accepted=False)
