"""The native kernels that read and write by index, against loops and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

import lampas
from lampas.backend import native
from lampas.errors import BoundsError
from lampas.ops._indices import bounds, nonzero_places

DTYPES = (np.float32, np.float64, np.int64)


def numbers(shape, dtype=np.float32, seed=0):
    return (draws(shape, np.float64, seed) * 50).astype(dtype)


def places(shape, size, seed=1):
    return np.random.default_rng(seed).integers(0, size, shape)


# Shapes, the dimension, and how many indices it has: single elements, rows, columns,
# all of them short or long; work for one thread and for several.
ALONG = [
    ((7,), 0, 5),
    ((1,), 0, 9),
    ((40_001,), 0, 70_000),
    ((5, 3), 1, 4),
    ((5, 3), 0, 11),
    ((300, 200), 1, 200),
    ((300, 200), 0, 150),
    ((1000, 3), 0, 40_000),
    ((3, 1000), 1, 40_000),
    ((4, 5, 6), 1, 8),
    ((60, 1, 500), 2, 700),
    ((2, 3, 4, 5), 2, 3),
]


def along(shape, dim, count):
    wanted = (*shape[:dim], count, *shape[dim + 1 :])
    return places(wanted, shape[dim])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", ALONG, ids=str)
def test_elements_along_a_dimension(case, path):
    shape, dim, count = case
    index = along(shape, dim, count)
    with setting(path):
        for dtype in (*DTYPES, np.int32, np.int16, bool, np.complex128):
            x = numbers(shape, dtype)
            right = np.take_along_axis(x, index, dim)
            same(kernel("gather", x, dim=dim, index=index), right)
            same(kernel("collect", x, index, dim=dim), right)


def added(x, source, dim, index, ufunc=np.add):
    result = np.moveaxis(x.copy(), dim, -1)
    rows = np.moveaxis(index, dim, -1).reshape(-1, index.shape[dim])
    values = np.moveaxis(source, dim, -1).reshape(rows.shape)
    for at, (row, value) in zip(
        np.ndindex(result.shape[:-1]), zip(rows, values, strict=True), strict=True
    ):
        if ufunc is None:
            for i, v in zip(row, value, strict=True):
                result[at][i] = v
        else:
            ufunc.at(result[at], row, value)
    return np.moveaxis(result, -1, dim)


WIDER = {np.float32: (np.float64, 1e-6), np.float64: (np.longdouble, 1e-14)}


def same_sum(result, x, add):
    """What ``add`` does to a copy of x; floats are as close as wider ones would be."""
    assert result.dtype == x.dtype
    if x.dtype.type not in WIDER:
        return same(result, add(x.copy()))
    wider, near = WIDER[x.dtype.type]
    right = add(x.astype(wider))
    np.testing.assert_allclose(result, right, near, near * max(1, np.abs(right).max()))


def at(x, index, value):
    """x, with the values added to what the index names, one after the other."""
    np.add.at(x, index, value)
    return x


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype, near", [(np.float32, 1e-7), (np.float64, 2e-16)])
def test_a_place_that_much_is_added_to_loses_no_digits(path, dtype, near):
    source, index = np.full(100_000, 0.123, dtype), np.zeros(100_000, np.int64)
    right = np.longdouble(source[0]) * 100_000
    with setting(path):
        how = {"dim": 0, "index": index}
        for result in (
            kernel("scatter_zeros", source, shape=(1,), **how),
            kernel("scatter_sum", np.zeros(1, dtype), source, **how),
            kernel("take_add", source, shape=(2,), index=(index,)),
        ):
            np.testing.assert_allclose(result[0], right, near)
        few, first = source[:20_000], index[:20_000]
        result = kernel("take_add", few, shape=few.shape, index=(first,))
        np.testing.assert_allclose(result[0], right / 5, near)
        assert not result[1:].any()


@pytest.mark.parametrize("path", PATHS)
def test_sums_of_doubles_that_are_not_finite_or_zero_are_kept(path):
    x = np.array([-0.0, 1.0, 2.0, 3.0, 0.0])
    source = np.array([np.inf, np.nan, -0.0, 1e308, 1e308])
    index, rows = np.repeat([1, 2, 3, 4, 4], 100), np.repeat(source, 100)
    with setting(path), np.errstate(all="ignore"):
        result = kernel("index_sum", x, rows, index=(index,))
    same(result, np.array([-0.0, np.inf, np.nan, 3.0, np.inf]))
    assert np.signbit(result[0])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", ALONG, ids=str)
def test_values_joined_along_a_dimension(case, path):
    shape, dim, count = case
    index = along(shape, dim, count)
    how = {"dim": dim, "index": index}
    with setting(path):
        for dtype in DTYPES:
            x, source = numbers(shape, dtype), numbers(index.shape, dtype, 2)
            zeros = np.zeros(shape, dtype)
            for threads in (1, 2):
                with setting(path, threads):
                    total = kernel("scatter_sum", x, source, **how)
                    written = kernel("scatter_set", x, source, **how)
                    alone = kernel("scatter_zeros", source, shape=shape, **how)
                    most = kernel("scatter_extreme", x, source, largest=True, **how)
                    least = kernel("scatter_extreme", x, source, largest=False, **how)
                # Elements come one after the other, as in NumPy.
                same_sum(total, x, lambda a: added(a, source, dim, index))  # noqa: B023
                same(written, added(x, source, dim, index, None))
                same_sum(alone, zeros, lambda a: added(a, source, dim, index))  # noqa: B023
                same(most, added(x, source, dim, index, np.maximum))
                same(least, added(x, source, dim, index, np.minimum))
            same(kernel("deposit", source, index, dim=dim, shape=shape), alone)
            small = (source % 2 + 1).astype(dtype)
            product = kernel("scatter_product", x, small, **how)
            same(product, added(x, small, dim, index, np.multiply))


def test_an_index_shorter_than_the_array():
    x, index = numbers((6, 8)), places((4, 5), 6)
    same(kernel("gather", x, dim=0, index=index), x[index, np.arange(5)])
    source = numbers((4, 5), seed=3)
    right = x.copy()
    np.add.at(right, (index, np.arange(5)), source)
    same(kernel("scatter_sum", x, source, dim=0, index=index), right)


def test_operands_that_are_views():
    x, index = numbers((30, 50)).T, places((30, 50), 50).T
    same(kernel("gather", x, dim=0, index=index), np.take_along_axis(x, index, 0))
    source = np.broadcast_to(np.float32(3), index.shape)
    right = added(np.ascontiguousarray(x), source, 0, index)
    same(kernel("scatter_sum", x, source, dim=0, index=index), right)
    wide = np.broadcast_to(places((50, 1), 50), (50, 30))
    same(kernel("gather", x, dim=0, index=wide), x[wide[:, 0]])
    every = numbers((60, 50))[::2].T
    same(
        kernel("gather", every, dim=0, index=index), np.take_along_axis(every, index, 0)
    )


def test_nan_is_the_largest_and_the_smallest():
    x = np.array([1.0, np.nan, 3.0, 4.0], np.float32)
    index, source = np.array([0, 1, 2, 2]), np.array([np.nan, 1, np.nan, 7], np.float32)
    for largest in (True, False):
        found = kernel(
            "scatter_extreme", x, source, dim=0, index=index, largest=largest
        )
        np.testing.assert_array_equal(found, np.float32([np.nan, np.nan, np.nan, 4]))


def test_indices_outside_are_left_to_the_reference():
    x, source = numbers((4, 5)), numbers((4, 5), seed=2)
    for bad in (4, -1):
        index = places((4, 5), 4)
        index[2, 3] = bad
        before = x.copy()
        named = {"dim": 0, "index": index}
        if bad < 0:
            found = kernel("gather", x, accepted=False, **named)
            same(found, np.take_along_axis(x, index, 0))
            kernel("scatter_sum", x, source, accepted=False, **named)
        else:
            for name, operands in (("gather", (x,)), ("scatter_set", (x, source))):
                with pytest.raises(IndexError):
                    kernel(name, *operands, accepted=False, **named)
        same(x, before)


TUPLES = [
    ((7,), lambda r: (r(4, 7),)),
    ((50, 30), lambda r: (r(70, 50),)),
    ((50, 30), lambda r: (slice(None), r(70, 30))),
    ((50, 30), lambda r: (r(90, 50), r(90, 30))),
    ((50, 30), lambda r: (r((9, 1), 50), r(8, 30))),
    ((500, 30), lambda r: (r((30, 70), 500),)),
    ((40, 50, 3), lambda r: (slice(None), r(40_000, 50))),
    ((40, 50, 3), lambda r: (r(40_000, 40), r(40_000, 50))),
    ((40, 50, 3), lambda r: (r((), 40), r((5, 4), 50))),
    ((4, 50, 30), lambda r: (slice(None), r((5, 4), 50), r((5, 1), 30))),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", TUPLES, ids=range(len(TUPLES)))
def test_indices_by_arrays_and_slices(case, path):
    shape, make = case
    index = make(lambda shape, size: places(shape, size, seed=size))
    with setting(path):
        for dtype in DTYPES:
            x = numbers(shape, dtype)
            right = x[index]
            same(kernel("take", x, index=index), right)
            value = numbers(right.shape, dtype, 2)
            for given in (value, value[..., :1], np.asarray(value.reshape(-1)[0])):
                total, written = kernel("index_sum", x, given, index=index), x.copy()
                same_sum(total, x, lambda a: at(a, index, given))  # noqa: B023
                written[index] = given
                same(kernel("index_set", x, given, index=index), written)
            alone = kernel("take_add", value, shape=shape, index=index)
            zeros = np.zeros(shape, dtype)
            same_sum(alone, zeros, lambda a: at(a, index, value))  # noqa: B023
            cleared = x.copy()
            cleared[index] = 0
            same(kernel("index_clear", x, index=index), cleared)


def test_indices_that_stand_apart_are_left_to_the_reference():
    x, index = numbers((5, 6, 7)), (places(4, 5), slice(None), places(4, 7))
    same(kernel("take", x, accepted=False, index=index), x[index])
    index = (slice(1, 3), places(4, 6))
    same(kernel("take", x, accepted=False, index=index), x[index])


@pytest.mark.parametrize("shape", [(0,), (3,), (4, 5), (300, 70)], ids=str)
def test_rows_of_a_table(shape):
    index, how = places(shape, 40), {"padding_idx": 3, "by_count": False}
    for width in (1, 7, 64):
        table = numbers((40, width))
        accepted = index.size > 0
        found = kernel("embedding", table, accepted=accepted, index=index, **how)
        same(found, table[index])


def test_elements_back_in_their_places():
    x = numbers((30, 40))
    order = np.argsort(x, 1, kind="stable")
    ordered = kernel("resort", x, order, dim=1)
    same(ordered, np.sort(x, 1))
    same(kernel("unsort", ordered, order, shape=x.shape, dim=1), x)
    top = order[:, -1:]
    picked = kernel("pick", x, top, dim=1)
    same(picked, x.max(1, keepdims=True))
    right = np.where(np.arange(40) == top, x, np.float32(0))
    same(kernel("place", picked, top, dim=1, shape=x.shape), right)


def test_elements_of_rows():
    x, index = numbers((20, 30)), places((20, 50), 30)
    right = np.take_along_axis(x, index, 1)
    same(kernel("gather_flat", x, index, unique=False), right)
    result = kernel("scatter_flat", right, index, size=30, unique=False)
    rows = np.arange(20)[:, None]
    zeros = np.zeros((20, 30), np.float32)
    same_sum(result, zeros, lambda a: at(a, (rows, index), right))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1, 3, 8, 9, 1000, 65_536, 65_537, 200_003])
def test_bounds_of_integers(size, path):
    x = np.random.default_rng(size).integers(-(2**62), 2**62, size)
    with setting(path):
        assert bounds(x) == (x.min(), x.max())
        for at, value in ((0, -(2**63)), (-1, 2**63 - 1), (size // 2, -(2**63))):
            x[at] = value
            assert bounds(x) == (x.min(), x.max())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "shape",
    [(1,), (7,), (8,), (100,), (5, 7), (3, 40, 9), (70_001,), (700, 300)],
    ids=str,
)
def test_places_of_what_is_set(shape, path):
    for share in (0.0, 0.02, 0.5, 1.0):
        mask = np.random.default_rng(0).random(shape) < share
        taken = native.extension.report()["nonzero_places"][0]
        with setting(path):
            found = nonzero_places(mask)
        assert native.extension.report()["nonzero_places"][0] == taken + 1
        assert len(found) == len(shape)
        for place, right in zip(found, mask.nonzero(), strict=True):
            same(place, right)


def test_numbers_are_looked_at_by_the_reference():
    x = np.array([[0, 2], [3, 0]])
    for place, right in zip(nonzero_places(x), ([0, 1], [1, 0]), strict=True):
        np.testing.assert_array_equal(place, right)


def test_types_without_a_sum_are_left_to_the_reference():
    x, index = numbers(5, np.int32), np.array([1, 1])
    source = np.array([2, 3], np.int32)
    found = kernel("scatter_sum", x, source, accepted=False, dim=0, index=index)
    same(found, x + np.array([0, 5, 0, 0, 0], np.int32))
    mask, more = np.array([False, True]), np.array([True, False])
    how = {"dim": 0, "index": np.array([0, 0])}
    found = kernel("scatter_sum", mask, more, accepted=False, **how)
    same(found, np.array([True, True]))


def test_functions_say_what_is_wrong_before_a_kernel_writes():
    x = lampas.zeros(3)
    for call in (
        lambda i: lampas.gather(x, 0, i),
        lambda i: lampas.scatter(x, 0, i, 1.0),
        lambda i: lampas.scatter_add(x, 0, i, lampas.ones(1)),
        lambda i: lampas.index_select(x, 0, i),
        lambda i: x[i + 0 * i if int(i) > 0 else i - 3],
    ):
        for bad in (3, -1):
            with pytest.raises(BoundsError):
                call(lampas.tensor([bad]))
    assert x.tolist() == [0, 0, 0]


def test_gradients_with_and_without_kernels():
    def slopes():
        generator = np.random.default_rng(0)
        x = lampas.tensor(generator.standard_normal((6, 5)), requires_grad=True)
        v = lampas.tensor(generator.standard_normal((6, 5)), requires_grad=True)
        i = lampas.tensor(generator.integers(0, 5, (6, 5)))
        y = lampas.scatter_add(x, 1, i, v) * lampas.scatter(x, 1, i, v)
        y = y + lampas.index_add(x, 0, i[:, 0], v) + lampas.gather(v, 1, i)
        (y * y).sum().backward()
        return x.grad.numpy(), v.grad.numpy()

    first = slopes()
    native.extension.set_enabled(False)
    try:
        second = slopes()
    finally:
        native.extension.set_enabled(True)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, 1e-12, 1e-12)
    assert reference("gather", np.arange(3), dim=0, index=np.array([2])).tolist() == [2]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("few", [1, 10, 256, 257])
@pytest.mark.parametrize("count", [2048, 4099, 200_001])
def test_many_numbers_in_few_places_lose_no_digits(count, few, path):
    rng = np.random.default_rng(count)
    x, index = rng.random(few, np.float32), rng.integers(0, few, count)
    value = rng.random(count, np.float32)
    made = []
    for threads in (1, 2):
        with setting(path, threads):
            made.append(kernel("scatter_sum", x, value, dim=0, index=index))
    same(*made)
    right = x + np.bincount(index, value.astype(np.float64), few)
    np.testing.assert_array_almost_equal_nulp(made[0], right.astype(np.float32), 1)
    index[count // 2] = few
    with pytest.raises(IndexError):
        kernel("scatter_sum", x, value, dim=0, index=index, accepted=False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("shape", [(100_000,), (40_000, 3)])
@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_many_numbers_in_one_of_many_places_lose_no_digits(share, shape, path):
    rng = np.random.default_rng(0)
    index = rng.integers(0, shape[0], 200_000)
    index[rng.random(len(index)) < share] = 7
    value = rng.random((len(index), *shape[1:]), np.float32) + np.float32(0.1)
    x = np.zeros(shape, np.float32)
    right = at(np.zeros(shape), index, value.astype(np.float64))
    with setting(path):
        made = kernel("index_sum", x, value, index=(index,))
    np.testing.assert_array_almost_equal_nulp(made[7], right[7].astype(np.float32), 1)
    np.testing.assert_allclose(made, right, 1e-6)


@pytest.mark.parametrize("count", [64, 100_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_added_leaves_the_sign_of_a_zero(dtype, count):
    x = np.full(2, -0.0, dtype)
    index = np.zeros(count, np.int64)
    value = np.full(count, -0.0, dtype)
    y = kernel("scatter_sum", x, value, dim=0, index=index)
    assert np.signbit(y).all()


# Of many numbers for each place, pieces have sums of their own; of few, each thread has
# some of the places.
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("few", [7, 300, 3000, 12_000, 100_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_sums_at_few_places_and_many(dtype, few, path):
    rng = np.random.default_rng(few)
    grid = rng.integers(-(2**62), 2**62, (2, 100_001), dtype=np.int64)
    value = grid if dtype is np.int64 else (grid / 2**62).astype(dtype)
    index = rng.integers(0, few, (100_001, 2))
    x = np.arange(few).astype(dtype)
    made = []
    for threads in (1, 2, 3):
        with setting(path, threads):
            how = {"index": (index,)}
            made.append(kernel("index_sum", x, value.T, **how))
    same(made[0], made[1])
    same(made[0], made[2])
    wide = x.copy() if dtype is np.int64 else x.astype(np.longdouble)
    right = at(wide, index, value.T)
    if dtype is np.int64:
        same(made[0], right)
    else:
        sizes = at(x.astype(np.float64), index, np.abs(value.T))
        error = np.abs(made[0] - right) / (sizes * np.finfo(dtype).eps)
        assert error.max() < 8
    index[50_000, 1] = few
    with pytest.raises(IndexError):
        kernel("index_sum", x, value.T, accepted=False, index=(index,))
