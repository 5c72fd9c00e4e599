"""The native kernels of weighted sums around points, under grid_sample."""

from __future__ import annotations

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

# Images, channels, elements, taps, points: points around the blocks they are taken in.
SIZES = [
    (1, 1, 1, 1, 1),
    (2, 3, 17, 4, 9),
    (3, 2, 50, 16, 511),
    (1, 5, 40, 8, 513),
    (2, 70, 30, 4, 1100),
    (2, 1, 3000, 5, 40),
    (1, 2, 9, 3, 7),
]


def operands(sizes, dtype):
    n, c, m, k, p = sizes
    index = np.random.default_rng(9).integers(0, m, (n, k, p))
    x, weight = draws((n, c, m), dtype), draws((n, k, p), dtype, 1)
    return x, weight, index, draws((n, c, p), dtype, 2)


def dense(weight, index, m):
    """The map as a matrix for each image, (N, P, M), in float64."""
    n, k, p = index.shape
    matrix = np.zeros((n, p, m))
    for image in range(n):
        for tap in range(k):
            np.add.at(
                matrix[image], (np.arange(p), index[image, tap]), weight[image, tap]
            )
    return matrix


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_samples_and_their_transposes_are_right(sizes, threads, path):
    for dtype, digits in ((np.float32, 1e-5), (np.float64, 1e-13)):
        x, weight, index, g = operands(sizes, dtype)
        matrix = dense(weight.astype(np.float64), index, x.shape[2])
        tolerance = {"rtol": digits, "atol": digits * 4}
        with setting(path, threads):
            y = kernel("sample", x, weight, index)
            dx = kernel("sample_spread", g, weight, index, size=x.shape[2])
            dweight = kernel("sample_match", g, x, index)
        assert y.dtype == dx.dtype == dweight.dtype == dtype
        np.testing.assert_allclose(y, x @ matrix.transpose(0, 2, 1), **tolerance)
        np.testing.assert_allclose(dx, g @ matrix, **tolerance)
        taken = np.stack([a[:, i] for a, i in zip(x, index, strict=True)])
        right = np.einsum("ncp,nckp->nkp", g.astype(np.float64), taken)
        np.testing.assert_allclose(dweight, right, **tolerance)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_points_on_few_elements_lose_no_digits(dtype, path):
    x, weight, index, g = operands((1, 2, 20, 4, 20_000), dtype)
    g, weight = np.abs(g), np.abs(weight)  # sums that grow with each term
    right = np.zeros(x.shape, np.longdouble)
    for k in range(4):
        terms = g.astype(np.longdouble) * weight[:, k, None]
        np.add.at(right, np.s_[:, :, index[0, k]], terms)
    with setting(path):
        dx = kernel("sample_spread", g, weight, index, size=20)
    # Adding 4000 terms one after the other costs 15 units and more.
    unit = np.finfo(dtype).eps * right
    assert np.max(np.abs(dx - right) / unit) <= 4


def test_threads_change_no_bits():
    x, weight, index, g = operands((2, 70, 30, 4, 1100), np.float32)
    made = []
    for threads in (1, 2):
        with setting(threads=threads):
            made.append(
                (
                    kernel("sample", x, weight, index),
                    kernel("sample_spread", g, weight, index, size=30),
                    kernel("sample_match", g, x, index),
                )
            )
    for one, two in zip(*made, strict=True):
        same(one, two)


def test_other_layouts_are_copied_first():
    x, weight, index, g = operands((2, 3, 17, 4, 9), np.float32)
    right = kernel("sample", x, weight, index)
    far = [np.asfortranarray(a) for a in (x, weight, index)]
    same(kernel("sample", *far), right)
    one = np.broadcast_to(np.float32(2), g.shape)
    full = np.full(g.shape, 2, np.float32)
    how = {"size": 17}
    same(
        kernel("sample_spread", one, weight, index, **how),
        kernel("sample_spread", full, weight, index, **how),
    )
    same(kernel("sample_match", one, x, index), kernel("sample_match", full, x, index))


def test_what_else_is_sampled_is_left_to_the_reference():
    x, weight, index, _ = operands((2, 3, 17, 4, 9), np.float32)
    # Counted from the end, as NumPy's indices may be.
    y = kernel("sample", x[:1], weight[:1], index[:1] - 17, accepted=False)
    np.testing.assert_allclose(y, kernel("sample", x, weight, index)[:1], 1e-5, 1e-6)
    none = np.zeros((2, 4, 0), np.int64)
    empty = kernel("sample", x, weight[..., :0], none, accepted=False)
    assert empty.shape == (2, 3, 0)
