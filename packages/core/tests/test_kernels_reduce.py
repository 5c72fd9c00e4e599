"""The native reductions against sums in float64 and NumPy's extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

# Shapes and the dimensions reduced: runs, columns, and both between kept ones; sizes
# around vectors, tiles of columns, blocks of rows and pieces of runs.
PATTERNS = [
    ((7,), (0,)),
    ((1,), (0,)),
    ((), ()),
    ((5, 1), (1,)),
    ((3, 5), (0, 1)),
    ((3, 5), (1,)),
    ((3, 5), (0,)),
    ((70, 33), (1,)),
    ((70, 33), (0,)),
    ((1000, 25), (0,)),
    ((1001, 24), (0,)),
    ((1003, 3), (0,)),
    ((66, 5000), (0,)),
    ((3, 5000), (0,)),
    ((2, 9000), (1,)),
    ((4, 70, 9), (1,)),
    ((4, 70, 40), (1,)),
    ((2, 3, 4, 5), (0, 2, 3)),
    ((2, 3, 4, 5), (1, 3)),
    ((2, 3, 4, 5), (0, 1)),
    ((2, 1, 4, 1), (0, 3)),
    ((200_001,), (0,)),
    ((2, 70_000), (1,)),
    ((2, 3, 70_000), (0, 2)),
]


def folded(x, dims):
    return np.prod([x.shape[d] for d in dims], initial=1.0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_sums_are_right(pattern, path):
    shape, dims = pattern
    for dtype, places in ((np.float32, 2e-7), (np.float64, 1e-15)):
        x = np.asarray(draws(shape, dtype) + dtype(1))
        wide = x.astype(np.longdouble)
        size = np.abs(wide).sum(dims, keepdims=True).max() * places
        with setting(path):
            for keep in (True, False):
                how = {"dim": dims, "keepdim": keep}
                right = np.asarray(wide.sum(dims, keepdims=keep))
                near(kernel("sum", x, **how), right, dtype, size)
                count = folded(x, dims)
                near(kernel("mean", x, **how), right / count, dtype, size / count)
                for name, pick in (("amax", np.max), ("amin", np.min)):
                    right = np.asarray(pick(x, axis=dims, keepdims=keep))
                    same(kernel(name, x, **how), right)


def near(result, right, dtype, error):
    assert result.dtype == dtype
    assert result.shape == right.shape
    np.testing.assert_allclose(result, right.astype(np.float64), 0, float(error))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_norms_are_right(pattern, path):
    shape, dims = pattern
    for dtype, error in ((np.float32, 1e-6), (np.float64, 1e-14)):
        x = np.asarray(draws(shape, dtype) + dtype(1))
        squares = x.astype(np.longdouble) ** 2
        for keep in (True, False):
            right = np.asarray(np.sqrt(squares.sum(dims, keepdims=keep)))
            with setting(path):
                found = kernel("vector_norm", x, ord=2, dim=dims, keepdim=keep)
            np.testing.assert_allclose(found, right.astype(np.float64), error)
            assert found.dtype == dtype
            assert found.shape == right.shape


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_sums_without_nan_and_both_extremes(pattern, path):
    shape, dims = pattern
    for dtype, places in ((np.float32, 2e-7), (np.float64, 1e-15)):
        x = np.asarray(draws(shape, dtype))
        how = {"dim": dims, "keepdim": True}
        low, high = x.min(dims, keepdims=True), x.max(dims, keepdims=True)
        with setting(path):
            pair = kernel("aminmax", x, **how)
            same(pair[0], np.asarray(low))
            same(pair[1], np.asarray(high))
            x.reshape(-1)[::3] = math.nan
            found = kernel("nansum", x, **how)
        wide = np.where(x == x, x, 0).astype(np.longdouble)
        size = np.abs(wide).sum(dims, keepdims=True).max() * places
        near(found, np.asarray(wide.sum(dims, keepdims=True)), dtype, size)


def test_both_extremes_of_integers_and_nan():
    for dtype in (np.int64, np.int32, np.uint8):
        x = np.random.default_rng(0).integers(0, 200, (30, 70)).astype(dtype)
        low, high = kernel("aminmax", x, dim=(0,), keepdim=False)
        same(low, x.min(0))
        same(high, x.max(0))
    x = draws((4, 9))
    x[1, 2] = math.nan
    for values in kernel("aminmax", x, dim=(1,), keepdim=False):
        assert np.isnan(values).tolist() == [False, True, False, False]


def test_sums_without_nan_keep_infinities():
    x = np.array([[1, math.nan, math.inf], [math.nan] * 3], np.float32)
    found = kernel("nansum", x, dim=(1,), keepdim=False)
    assert found.tolist() == [math.inf, 0]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_norms_of_other_orders_are_right(pattern, path):
    shape, dims = pattern
    for dtype, error in ((np.float32, 1e-6), (np.float64, 1e-14)):
        x = np.asarray(draws(shape, dtype))
        sizes = np.abs(x.astype(np.longdouble))
        for keep in (True, False):
            how = {"axis": dims, "keepdims": keep}
            for order, right in (
                (1, sizes.sum(**how)),
                (3, (sizes**3).sum(**how) ** (np.longdouble(1) / 3)),
                (math.inf, sizes.max(**how)),
                (-math.inf, sizes.min(**how)),
            ):
                with setting(path):
                    found = kernel("vector_norm", x, ord=order, dim=dims, keepdim=keep)
                far = 0 if math.isinf(order) else error
                np.testing.assert_allclose(found, np.asarray(right, np.float64), far)
                assert found.dtype == dtype
                assert found.shape == np.shape(right)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("order", [1, 3, math.inf, -math.inf])
def test_norms_of_special_values(order, path):
    for lost in (math.nan, -math.inf):
        for shape, dims in (((50, 70), (0,)), ((50, 70), (1,)), ((4,), (0,))):
            x = draws(shape)
            x[(0,) * x.ndim] = lost
            with setting(path):
                found = kernel("vector_norm", x, ord=order, dim=dims, keepdim=False)
            others = np.abs(x).min(dims).reshape(-1)[0]
            first = found.reshape(-1)[0]
            if math.isnan(lost):
                assert math.isnan(first)
            else:
                assert first == (others if order == -math.inf else math.inf)


def test_norms_of_any_order_are_left_to_the_reference():
    x = draws((5,))
    found = kernel("vector_norm", x, ord=2.5, dim=(0,), keepdim=False, accepted=False)
    right = (np.abs(x.astype(np.float64)) ** 2.5).sum() ** 0.4
    np.testing.assert_allclose(found, right, 1e-6)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_variances_are_right(pattern, path):
    shape, dims = pattern
    for dtype, error in ((np.float32, 2e-5), (np.float64, 1e-12)):
        x = np.asarray(draws(shape, dtype) * 2 + dtype(5))
        wide = x.astype(np.longdouble)
        for correction in (0, 1, 1.5):
            how = {"dim": dims, "keepdim": False, "correction": correction}
            away = wide - wide.mean(dims, keepdims=True)
            left = max(folded(x, dims) - correction, 0)
            with np.errstate(all="ignore"):
                right = np.asarray((away**2).sum(dims) / np.longdouble(left))
            with setting(path):
                found = kernel("var", x, **how), kernel("std", x, **how)
                pairs = kernel("var_mean", x, **how), kernel("std_mean", x, **how)
            right = right.astype(np.float64)
            for (spread, mean), alone in zip(pairs, found, strict=True):
                same(spread, alone)
                means = np.asarray(wide.mean(dims), np.float64)
                np.testing.assert_allclose(mean, means, error, error)
                assert mean.dtype == dtype
                assert mean.shape == right.shape
            np.testing.assert_allclose(found[0], right, error, error)
            np.testing.assert_allclose(found[1], np.sqrt(right), error, error)
            assert found[0].dtype == dtype
            assert found[0].shape == right.shape


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_products_are_right(pattern, path):
    shape, dims = pattern
    for dtype, error in ((np.float32, 2e-7), (np.float64, 1e-11)):
        # Of 200,000 factors the product stays near 1.
        x = np.asarray(1 + draws(shape, dtype) / 1000)
        right = np.asarray(x.astype(np.longdouble).prod(dims))
        with setting(path):
            found = kernel("prod", x, dim=dims, keepdim=False)
        assert found.dtype == dtype
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right.astype(np.float64), error)


def test_products_of_special_values():
    for values in ([0.0, np.inf], [0.0, -3.0], [np.nan, 2.0], [-np.inf, 2.0, -1.0]):
        x = np.array(values, np.float32)
        with np.errstate(invalid="ignore"):
            same(
                np.asarray(kernel("prod", x, dim=0, keepdim=False)),
                np.asarray(x.prod()),
            )


SUMS_TO = [
    ((6, 5), (5,)),
    ((6, 5), (1, 5)),
    ((6, 5), (6, 1)),
    ((6, 5), ()),
    ((2, 3, 40), (3, 1)),
    ((2, 3, 4, 5), (1, 3, 1, 1)),
    ((70, 1, 30), (1, 30)),
    ((300, 10), (10,)),
]


@pytest.mark.parametrize("case", SUMS_TO, ids=str)
def test_what_broadcasting_repeated_is_summed(case):
    shape, wanted = case
    x = draws(shape)
    extra = len(shape) - len(wanted)
    dims = tuple(
        d
        for d in range(len(shape))
        if d < extra or (wanted[d - extra] == 1 != shape[d])
    )
    right = x.astype(np.float64).sum(dims, keepdims=True).reshape(wanted)
    result = kernel("sum_to", x, shape=wanted)
    assert result.shape == wanted
    np.testing.assert_allclose(result, right, 1e-5, 1e-5)


def test_nothing_to_sum_gives_the_array_itself():
    x = draws((3, 4))
    assert kernel("sum_to", x, shape=(3, 4)) is x


def test_errors_do_not_grow_with_the_number_of_elements():
    x = np.random.default_rng(0).random(3_000_000).astype(np.float32)
    right = x.astype(np.float64).sum()
    for dims, shape in (((0,), (-1,)), ((0,), (-1, 10)), ((0,), (-1, 100))):
        rows = x.reshape(shape)
        sums = kernel("sum", rows, dim=dims, keepdim=False).astype(np.float64)
        exact = rows.astype(np.float64).sum(0)
        assert np.max(np.abs(sums - exact) / np.spacing(np.float32(exact))) <= 1
    double = x.astype(np.float64)
    total = kernel("sum", double, dim=(0,), keepdim=False)
    assert abs(float(total) - math.fsum(double.tolist())) <= np.spacing(right)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_special_values_reach_the_result(lost, path):
    with setting(path):
        for shape, dims in (((50, 70), (0,)), ((50, 70), (1,)), ((50, 9), (0,))):
            for place in ((0, 0), (49, 8), (17, 3)):
                x = draws(shape)
                x[place] = lost
                how = {"dim": dims, "keepdim": False}
                for name, fold in (
                    ("sum", np.sum),
                    ("mean", np.mean),
                    ("amax", np.max),
                    ("amin", np.min),
                ):
                    result, right = kernel(name, x, **how), fold(x, axis=dims)
                    np.testing.assert_allclose(result, right, 1e-4, 1e-5)


@pytest.mark.parametrize("path", PATHS)
def test_extremes_among_infinities_and_nan(path):
    how = {"dim": (0,), "keepdim": False}
    with setting(path):
        for dtype in (np.float32, np.float64):
            for size in (9, 16, 63, 64, 65, 130, 1000):
                x = draws(size, dtype)
                x[[2, 5]] = -math.inf, math.inf
                assert kernel("amax", x, **how) == math.inf
                assert kernel("amin", x, **how) == -math.inf
                x[5] = 3e38  # with others of its kind the sum is infinite
                x[6:8] = 3e38
                assert kernel("amax", x, **how) == dtype(3e38)
                for place in (0, size // 2, size - 1):
                    y = draws(size, dtype)
                    y[place] = math.nan
                    assert math.isnan(kernel("amax", y, **how))
                    assert math.isnan(kernel("amin", y, **how))
                    found = kernel("argmax", y, dim=0, keepdim=False)
                    assert found == place


def test_both_infinities_have_no_sum():
    x = np.array([1, math.inf, -math.inf] * 50, np.float32)
    assert np.isnan(kernel("sum", x, dim=(0,), keepdim=False))


POSITIONS = [
    ((7,), 0),
    ((1,), 0),
    ((70, 33), 1),
    ((70, 33), 0),
    ((4, 70, 9), 1),
    ((3, 5000), 0),
    ((3, 1), 0),
    ((1, 5), 0),
    ((2, 70_000), 1),
    ((200_001,), 0),
    ((3, 4, 5), None),
    ((3, 70_000), None),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", POSITIONS, ids=str)
def test_the_first_of_equal_extremes_is_found(case, path):
    shape, dim = case
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for lost in (False, True):
            x = rng.integers(-9, 9, shape).astype(dtype)
            if lost:
                x.reshape(-1)[rng.integers(0, x.size, 2)] = math.nan
            with setting(path):
                for keep in (True, False):
                    how = {"dim": dim, "keepdim": keep}
                    right = np.argmax(x, axis=dim, keepdims=keep)
                    same(kernel("argmax", x, **how), np.asarray(right))
                    right = np.argmin(x, axis=dim, keepdims=keep)
                    same(kernel("argmin", x, **how), np.asarray(right))
                    if dim is None:
                        continue
                    values, index = kernel("max_dim", x, **how)
                    same(values, np.asarray(np.max(x, axis=dim, keepdims=keep)))
                    same(index, np.asarray(np.argmax(x, axis=dim, keepdims=keep)))
                    values, index = kernel("min_dim", x, **how)
                    same(values, np.asarray(np.min(x, axis=dim, keepdims=keep)))


def test_threads_do_not_change_results():
    for shape, dims in (
        ((300_000,), (0,)),
        ((5000, 60), (0,)),
        ((40, 3, 3000), (0, 2)),
    ):
        x = draws(shape)
        with setting(threads=1):
            alone = kernel("sum", x, dim=dims, keepdim=False)
        with setting(threads=2):
            same(kernel("sum", x, dim=dims, keepdim=False), alone)


SCANS = [((9,), 0), ((1, 5), 1), ((30, 1000), 1), ((30, 1000), 0), ((3, 50, 7), 1)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scan", SCANS, ids=str)
def test_running_sums_are_right(scan, path):
    shape, dim = scan
    x = draws(shape)
    wide = x.astype(np.float64)
    with setting(path):
        for reverse in (False, True):
            result = kernel("cumsum", x, dim=dim, reverse=reverse)
            turned = np.flip(wide, dim) if reverse else wide
            right = turned.cumsum(dim)
            right = np.flip(right, dim) if reverse else right
            same(result, right.astype(np.float32))
    kernel("cumsum", x.astype(np.int16), dim=dim, reverse=False, accepted=False)


@pytest.mark.parametrize(
    ("x", "dims"),
    [
        (np.arange(6), (0,)),
        (draws((4, 6)).T, (0,)),
        (draws((0, 3)), (0,)),
        (draws((2, 3, 4, 5, 6)), (0, 2, 4)),
        (np.broadcast_to(np.float32(1), (3, 4)), (0,)),
    ],
)
def test_others_are_left_to_the_reference(x, dims):
    result = kernel("sum", x, dim=dims, keepdim=False, accepted=False)
    np.testing.assert_allclose(result, x.sum(dims), 1e-6)
