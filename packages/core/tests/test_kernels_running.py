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
