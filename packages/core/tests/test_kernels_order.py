"""The native sorting, ranks and medians against NumPy's stable order."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, kernel, same, setting

# Around what insertion, short digits and long ones sort, along every dimension.
SHAPES = [
    ((1,), 0),
    ((2,), 0),
    ((40,), 0),
    ((41,), 0),
    ((257,), 0),
    ((2001,), 0),
    ((30_000,), 0),
    ((200, 33), 1),
    ((33, 200), 0),
    ((3, 300, 5), 1),
    ((2, 2500), 1),
]


def mixed(shape, dtype, kind):
    """Few values, many, and special ones."""
    generator = np.random.default_rng(kind)
    if kind == 0:
        return generator.integers(-3, 4, shape).astype(dtype)
    if dtype is np.int64:
        return generator.integers(-(2**62), 2**62, shape)
    x = (generator.standard_normal(shape) * 10.0 ** generator.integers(-30, 30)).astype(
        dtype
    )
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, -np.nan]
    where = generator.random(shape) < 0.3
    return np.where(where, generator.choice(special, shape), x).astype(dtype)


def stable(x, dim, descending):
    if not descending:
        return np.argsort(x, dim, kind="stable")
    # Ties stay in their order: the last of the reversed entries comes first.
    back = np.argsort(np.flip(x, dim), dim, kind="stable")
    return np.flip(x.shape[dim] - 1 - back, dim)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_orders_are_stable(case, path):
    shape, dim = case
    for dtype in (np.float32, np.float64, np.int64):
        for kind in (0, 1):
            x = mixed(shape, dtype, kind)
            for descending in (False, True):
                order = stable(x, dim, descending)
                right = np.take_along_axis(x, order, dim)
                for threads in (1, 2):
                    with setting(path, threads):
                        values, places = kernel(
                            "sort", x, dim=dim, descending=descending
                        )
                    same(places, order)
                    same(values, right)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_ranks_are_those_of_the_order(case, path):
    shape, dim = case
    size = shape[dim]
    wanted = {(0, 1), (0, min(5, size)), (size - 1, 1), (size // 3, max(1, size // 9))}
    for dtype in (np.float32, np.float64, np.int64):
        for kind in (0, 1):
            x = mixed(shape, dtype, kind)
            for descending in (False, True):
                order = stable(x, dim, descending)
                for first, count in sorted(wanted):
                    how = {"dim": dim, "descending": descending}
                    with setting(path):
                        values, places = kernel(
                            "ranked", x, first=first, count=count, **how
                        )
                    some = np.take(order, range(first, first + count), dim)
                    same(places, some)
                    same(values, np.take_along_axis(x, some, dim))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_medians_are_the_lower_middle_or_the_first_nan(case, path):
    shape, dim = case
    for dtype in (np.float32, np.float64, np.int64):
        for kind in (0, 1):
            x = mixed(shape, dtype, kind)
            if kind and dtype is not np.int64 and x.ndim > 1:
                x[x != x] = 1  # some lines have a NaN, the others none
                x.reshape(-1)[: x.size // 7 : 3] = np.nan
            with setting(path):
                values, places = kernel("median_dim", x, dim=dim, keepdim=True)
            middle = (shape[dim] - 1) // 2
            right = np.take(stable(x, dim, False), [middle], dim)
            lost = x != x
            first = np.argmax(lost, dim, keepdims=True)
            right = np.where(lost.any(dim, keepdims=True), first, right)
            same(places, right)
            same(values, np.take_along_axis(x, right, dim))
            flat = kernel("median_dim", x, dim=dim, keepdim=False)
            same(flat[1], places.squeeze(dim))


def test_other_types_and_layouts_are_left_to_the_reference():
    for x in (np.arange(6, dtype=np.int16), np.arange(12.0)[::2], np.zeros((0, 3))):
        kernel("sort", x, accepted=False, dim=0, descending=False)
