"""The native copies: other orders and dtypes, dropped elements, tables of rows."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

from lampas.engine.record import RECORDS

SHAPES = [
    ((70, 90), (1, 0)),
    ((64, 64), (1, 0)),
    ((300, 17), (1, 0)),
    ((5, 30, 40), (0, 2, 1)),
    ((5, 30, 40), (2, 1, 0)),
    ((5, 30, 40), (1, 2, 0)),
    ((4, 20, 6, 15), (0, 2, 1, 3)),
    ((4, 20, 6, 15), (3, 1, 0, 2)),
    ((2, 1, 3000, 3), (0, 3, 1, 2)),
    ((1000, 200), (1, 0)),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
def test_copies_in_row_major_order(path, threads):
    with setting(path, threads):
        for shape, order in SHAPES:
            for dtype in (np.float32, np.float64, np.int64, np.int32):
                x = (draws(shape) * 100).astype(dtype).transpose(order)
                if x.flags.c_contiguous:
                    continue
                y = kernel("clone", x, order="C")
                same(y, x.copy(order="C"))
                assert y.flags.c_contiguous
                same(kernel("reshape", x, shape=(x.size,)), x.reshape(-1))


def test_parts_and_steps_are_copied():
    x = draws((100, 130))
    same(kernel("clone", x[10:90, 20:], order="C"), x[10:90, 20:].copy())
    same(kernel("clone", x[::-1], order="C"), x[::-1].copy())
    same(kernel("clone", x.T[2:], order="C"), x.T[2:].copy())
    kernel("clone", x[:, ::2], order="C", accepted=False)
    kernel("clone", draws((9, 9)).T, order="C", accepted=False)


def test_a_copy_shares_no_memory():
    for dtype in (np.float32, np.bool_, np.int8, np.complex128, ml_dtypes.bfloat16):
        for size in (5000, 300_000):
            x = np.ones(size, dtype)
            y = kernel("clone", x)
            assert not np.shares_memory(x, y)
            np.testing.assert_array_equal(x, y)


def test_a_reshape_that_needs_no_copy_is_a_view():
    x = draws((4, 60, 50))
    for view, shape in (
        (x.transpose(1, 0, 2), (60, 4, 5, 10)),
        (x[:, :30], (4, 1, 1500)),
        (x[:, :, ::2], (240, 25)),
    ):
        y = kernel("reshape", view, shape=shape, accepted=False)
        assert np.shares_memory(y, x)
        np.testing.assert_array_equal(y, view.reshape(shape))


# ---- other dtypes

TYPES = {
    "float32": ["float64", "int64", "int32", "bool", "bfloat16", "float16"],
    "float64": ["float32", "int64", "int32", "bool"],
    "int64": ["float32", "float64", "int32", "bool"],
    "int32": ["float32", "float64", "int64", "bool"],
    "uint8": ["float32", "float64", "int64", "int32", "bool"],
    "bool": ["float32", "float64", "int64", "int32"],
    "bfloat16": ["float32"],
    "float16": ["float32"],
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("source", TYPES)
def test_casts_are_as_the_reference(source, path):
    for size in (1, 7, 33, 1000, 40_001):
        x = np.abs(draws(size) * 50).astype(source)
        with setting(path):
            for target in TYPES[source]:
                dtype = np.dtype(target)
                half = "float16" in (source, target)
                accepted = not (half and path == "baseline")
                result = kernel("cast", x, accepted=accepted, dtype=dtype)
                same(result, x.astype(dtype))
            assert kernel("cast", x, dtype=x.dtype) is x


@pytest.mark.parametrize("path", PATHS)
def test_special_values_are_cast(path):
    values = [0.0, -0.0, math.inf, -math.inf, math.nan, 3.4e38, 1e-40, 65520, 1e-8]
    ties = [1 + 2**-8, 1 + 3 * 2**-8, 2049, 2051]
    x = np.array(values + ties, np.float32)
    with setting(path), np.errstate(all="ignore"):
        for target in (np.float64, bool, ml_dtypes.bfloat16, np.float16):
            dtype = np.dtype(target)
            result = RECORDS["cast"].on_host(x, dtype=dtype)
            right = x.astype(dtype)
            np.testing.assert_array_equal(
                result.astype(np.float64), right.astype(np.float64)
            )
            np.testing.assert_array_equal(np.signbit(result), np.signbit(right))
        halves = x.astype(np.float16)
        np.testing.assert_array_equal(
            RECORDS["cast"].on_host(halves, dtype=np.dtype(np.float32)),
            halves.astype(np.float32),
        )


def test_casts_keep_the_order_of_dimensions():
    x = draws((60, 70)).T
    y = kernel("cast", x, dtype=np.dtype(np.float64))
    same(y, x.astype(np.float64))
    assert y.strides == (8, 560)


# ---- dropped elements and tables of rows


def test_elements_are_dropped():
    rng = np.random.default_rng(0)
    for size in (1, 9, 1000, 40_001):
        x, mask = draws(size), rng.random(size) < 0.5
        result = kernel("dropout", x, keep=mask, scale=1.25)
        np.testing.assert_array_equal(result, x * mask * np.float32(1.25))
    lost = np.array([math.inf, math.nan, 1, -1], np.float32)
    how = {"keep": np.array([False, True, True, False]), "scale": 2.0}
    same(kernel("dropout", lost, **how), reference("dropout", lost, **how))
    one = {"keep": np.ones(1, bool), "scale": 2.0}
    same(kernel("dropout", lost, **one), lost * np.float32(2))
    columns = {"keep": np.ones((4, 1), bool), "scale": 2.0}
    kernel("dropout", lost, accepted=False, **columns)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_added_up_by_their_number(path, threads, dtype):
    rng = np.random.default_rng(0)
    for count, size, shape in ((7, 5, (20,)), (300, 33, (40, 50)), (2000, 8, (3,))):
        index = rng.integers(0, count, shape)
        g = draws((*shape, size), dtype)
        near = 1e-5 if dtype is np.float32 else 1e-13
        for padding in (None, 2):
            right = np.zeros((count, size))
            np.add.at(right, index, g.astype(np.float64))
            if padding is not None:
                right[padding] = 0
            how = {"index": index, "count": count, "by_count": False}
            with setting(path, threads):
                result = kernel("embedding_backward", g, padding_idx=padding, **how)
            assert result.dtype == dtype
            np.testing.assert_allclose(result, right, near, near)


def test_one_cotangent_for_all_rows_is_written_out():
    index = np.array([1, 1, 3])
    how = {"count": 5, "padding_idx": None, "by_count": False}
    g = np.broadcast_to(np.float32(2), (3, 4))
    result = kernel("embedding_backward", g, index=index, **how)
    right = np.array([0, 4, 0, 2, 0], np.float32)[:, None]
    np.testing.assert_array_equal(result, np.broadcast_to(right, (5, 4)))


def test_a_row_that_is_everywhere_loses_no_digits(path):
    index = np.full(100_000, 1)
    how = {"count": 2, "padding_idx": None, "by_count": False}
    for size in (3, 33):
        g = np.full((100_000, size), 0.123, np.float32)
        result = kernel("embedding_backward", g, index=index, **how)
        np.testing.assert_allclose(result[1], np.float64(g[0, 0]) * 100_000, 1e-7)


def test_rows_that_are_not_there_are_left_to_the_reference():
    how = {"count": 3, "padding_idx": None, "by_count": False}
    with pytest.raises(IndexError):
        kernel("embedding_backward", draws((1, 4)), index=np.array([3]), **how)
    how["by_count"] = True
    index = np.array([1, 1])
    kernel("embedding_backward", draws((2, 4)), index=index, accepted=False, **how)


@pytest.mark.parametrize("pattern", [((70, 33), (1,)), ((70, 33), (0, 1))], ids=str)
def test_the_norm_of_order_two(pattern):
    shape, dims = pattern
    x = draws(shape)
    right = np.sqrt((x.astype(np.float64) ** 2).sum(dims))
    how = {"dim": dims, "keepdim": False}
    result = kernel("vector_norm", x, ord=2, **how)
    np.testing.assert_allclose(result, right, 1e-6)
    result = kernel("vector_norm", x, ord=2.5, accepted=False, **how)
    right = (np.abs(x.astype(np.float64)) ** 2.5).sum(dims) ** 0.4
    np.testing.assert_allclose(result, right, 1e-5)


@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 7), (7, 5), (2, 3, 4), (300, 200)], ids=str
)
def test_triangles(shape):
    for dtype in (np.float32, np.float64, np.int64, np.int16, bool):
        x = (draws(shape, np.float64) * 9).astype(dtype)
        for diagonal in (-shape[-2], -2 if shape[-2] > 1 else 0, 0, 1, shape[-1]):
            same(kernel("tril", x, diagonal=diagonal), np.tril(x, diagonal))
            same(kernel("triu", x, diagonal=diagonal), np.triu(x, diagonal))
    kernel("tril", draws((5, 7)).T, accepted=False, diagonal=0)
