"""The native kernel of linear maps along a dimension, which resizes images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

import lampas
from lampas.backend import native

F = lampas.nn.functional


def matrix_of(rows, columns, filled, seed=0):
    """Random, with about ``filled`` of its elements; one row has none."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, columns))
    matrix *= rng.random((rows, columns)) < filled
    matrix[rows // 2] = 0
    return matrix


# Shape, dimension and new size: lines around vectors, in the last dimension and before.
SHAPES = [
    ((2, 3, 5), 2, 9),
    ((1, 9), 1, 17),
    ((17, 8), 1, 8),
    ((40, 33), 1, 16),
    ((3, 700), 1, 31),
    ((300, 130), 1, 260),
    ((6, 5), 0, 11),
    ((2, 4, 9), 1, 7),
    ((2, 9, 31), 1, 5),
    ((3, 7, 64, 70), 2, 20),
    ((2, 3, 4, 5), 1, 6),
    ((7, 3, 1), 1, 4),
    ((11,), 0, 5),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("shape", "dim", "rows"), SHAPES, ids=str)
def test_maps_along_a_dimension_are_right(shape, dim, rows, threads, path):
    for filled in (0.1, 1.0):
        matrix = matrix_of(rows, shape[dim], filled)
        for dtype, digits in ((np.float32, 2e-6), (np.float64, 1e-14)):
            x = draws(shape, dtype)
            exact = np.tensordot(matrix, x.astype(np.float64), (1, dim))
            exact = np.moveaxis(exact, 0, dim)
            tolerance = {"rtol": digits, "atol": digits * shape[dim] ** 0.5}
            for given in (matrix, np.asfortranarray(matrix)):
                with setting(path, threads):
                    y = kernel("resample", x, dim=dim, matrix=given)
                assert y.dtype == dtype
                np.testing.assert_allclose(y, exact, strict=False, **tolerance)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dim", [0, 1])
def test_rows_of_many_elements_lose_no_digits(dim, path):
    for dtype in (np.float32, np.float64):
        x = np.abs(draws((20_000, 21) if dim == 0 else (21, 20_000), dtype))
        matrix = np.abs(matrix_of(3, 20_000, 1.0))
        with setting(path):
            y = kernel("resample", x, dim=dim, matrix=matrix)
        wide = x.astype(np.longdouble), matrix.astype(np.longdouble)
        right = wide[1] @ wide[0] if dim == 0 else wide[0] @ wide[1].T
        # Adding them one after the other costs 20 units and more.
        unit = np.finfo(dtype).eps * right
        np.testing.assert_array_less(np.abs(y - right), 8 * unit + 1e-300)


def test_what_has_no_weight_does_not_spread():
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    for dim in (0, 1):
        x = np.ones((2, 2), np.float32)
        x[1] = math.nan
        x = x if dim == 0 else x.T.copy()
        y = np.moveaxis(kernel("resample", x, dim=dim, matrix=matrix), dim, 0)
        assert np.isnan(y).all(1).tolist() == [False, True, True]
        assert (y[0] == 1).all()


def test_other_layouts_and_broadcast_cotangents_are_copied_first():
    matrix = matrix_of(6, 9, 0.5)
    x = draws((5, 9))
    right = kernel("resample", x, dim=1, matrix=matrix)
    same(kernel("resample", np.asfortranarray(x), dim=1, matrix=matrix), right)
    one = np.broadcast_to(np.float32(2), (5, 9))
    made = kernel("resample", one, dim=1, matrix=matrix)
    np.testing.assert_allclose(made, np.tile(2 * matrix.sum(1), (5, 1)), 1e-5, 1e-6)


def test_what_else_is_mapped_is_left_to_the_reference():
    matrix = matrix_of(3, 4, 1.0)
    whole = np.ones((2, 4), np.float16)
    assert kernel("resample", whole, dim=1, matrix=matrix, accepted=False).shape == (
        2,
        3,
    )
    empty = np.zeros((0, 4), np.float32)
    assert kernel("resample", empty, dim=1, matrix=matrix, accepted=False).shape == (
        0,
        3,
    )


@pytest.mark.parametrize(
    ("mode", "size"),
    [("nearest", 20), ("bilinear", 20), ("bicubic", 7), ("area", 4), ("bilinear", 5)],
)
def test_resized_images_reach_the_kernel_and_have_its_transpose_as_gradient(mode, size):
    x = lampas.tensor(draws((2, 3, 10, 11)), requires_grad=True)
    before = native.extension.report()["resample"]
    y = F.interpolate(x, size=size, mode=mode)
    g = lampas.tensor(draws(y.shape, seed=1))
    y.backward(g)
    after = native.extension.report()["resample"]
    assert (after[0] - before[0], after[1] - before[1]) == (4, 0)
    h = lampas.tensor(draws(x.shape, seed=2))
    # <g, A h> = <A^T g, h>
    along = float((F.interpolate(h, size=size, mode=mode) * g).sum())
    assert float((x.grad * h).sum()) == pytest.approx(along, rel=1e-4, abs=1e-3)
