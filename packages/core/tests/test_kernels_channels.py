"""The native kernels of batch norm: short runs, and statistics that are given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting
from test_kernels_rows import close, slope, standard

from lampas import nn, tensor
from lampas.backend import native

# Runs of every length around vectors, rows in and out of the blocks that are added up,
# more channels than one chunk has.
SHAPES = [
    (5, 16),
    (256, 100),
    (12, 700),
    (9, 16, 1),
    (4, 5, 2, 2),
    (8, 130, 4, 4),
    (17, 12, 7, 7),
    (2, 300, 3, 5),
    (6, 7, 5, 3),
    (4, 3, 14, 14),
    (3, 4, 15, 17),
    (1, 40, 6),
]


def sums(values, shape):
    return values.astype(np.float64).sum((0, *range(2, len(shape))))


def across(v, shape):
    return v.reshape(1, -1, *(1,) * (len(shape) - 2))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_short_runs_are_normalised_and_so_are_gradients(shape, threads, path):
    x, g = draws(shape) + 3, draws(shape, seed=3)
    weight, bias = draws(shape[1], seed=1), draws(shape[1], seed=2)
    dims = (0, *range(2, len(shape)))
    every = {"shape": across(weight, shape).shape, "eps": 1e-5}
    count = math.prod(shape) / shape[1]
    for center in (True, False):
        how = {"dims": dims, "center": center}
        mean, scale, right = standard(x, dims, center)
        w, b = across(weight, shape), across(bias, shape)
        with setting(path, threads):
            y, m, s = kernel("standardize", x, **every, **how)
            for made, true in ((y, right), (m, mean), (s, scale)):
                close(made, true, 1e-5, 1e-5)
            y = kernel("standardize_scaled", x, weight, **every, **how)[0]
            close(y, right * w, 1e-5, 1e-5)
            y = kernel("standardize_affine", x, weight, bias, **every, **how)[0]
            close(y, right * w + b, 1e-5, 1e-5)
            for cotangent in (g, np.broadcast_to(np.float32(2), shape)):
                made = kernel("standardize_backward", cotangent, x, m, s, **how)
                close(made, slope(cotangent, right, scale, dims, center), 1e-5, 2e-5)
                made = kernel(
                    "standardize_affine_backward",
                    *(cotangent, x, weight, m, s),
                    shape=w.shape,
                    **how,
                )
                right_dx = slope(cotangent * w, right, scale, dims, center)
                close(made[0], right_dx, 1e-5, 2e-5)
                dweight = sums(cotangent * right, shape)
                close(made[1], dweight, 1e-5, 2e-6 * count)
                close(made[2], sums(cotangent, shape), 1e-5, 1e-6 * count)


def test_large_means_cost_no_digits_of_the_variance():
    x = draws((64, 32, 3, 3)) + 1000
    dims = (0, 2, 3)
    how = {"dims": dims, "center": True, "shape": (1, 32, 1, 1), "eps": 1e-5}
    y, mean, scale = kernel("standardize", x, **how)
    right = standard(x, dims, True)
    close(mean, right[0], 1e-6, 0)
    close(scale, right[1], 1e-6, 0)
    close(y, right[2], 0, 3e-4)  # half a unit in the last place of a mean of 1000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(3, 3), (30, 10)])
def test_nan_and_infinities_stay_in_their_channels(sizes, dtype):
    x = draws((8, 40, *sizes), dtype)
    x[1, 2, 0, 0], x[3, 4, 1, 1] = math.nan, math.inf
    how = {"dims": (0, 2, 3), "center": True, "shape": (1, 40, 1, 1), "eps": 1e-5}
    y, mean, _ = kernel("standardize", x, **how)
    lost = np.isnan(y).any((0, 2, 3))
    assert lost.nonzero()[0].tolist() == [2, 4]
    assert math.isnan(mean[0, 2, 0, 0])
    assert mean[0, 4, 0, 0] == math.inf


def test_threads_change_no_bits():
    x, g, weight = draws((40, 300, 5)), draws((40, 300, 5), seed=1), draws(300)
    how = {"dims": (0, 2), "center": True, "shape": (1, 300, 1)}
    found = []
    for threads in (1, 2):
        with setting(threads=threads):
            y, mean, scale = kernel("standardize", x, eps=1e-5, **how)
            operands = (g, x, weight, mean, scale)
            slopes = kernel("standardize_affine_backward", *operands, **how)
            given = (mean.reshape(-1), scale.reshape(-1), weight)
            by = kernel("standardize_given_backward", g, x, *given, eps=1e-5)
            found.append((y, mean, scale, *slopes, *by))
    for one, two in zip(*found, strict=True):
        same(one, two)


# ---- statistics that are given


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [*SHAPES, (3, 2, 60, 60), (2, 3, 17)], ids=str)
def test_given_statistics_and_their_gradients_are_right(shape, threads, path):
    x, g = draws(shape) + 3, draws(shape, seed=3)
    mean, weight, bias = (draws(shape[1], seed=i) for i in (4, 5, 6))
    var = draws(shape[1], seed=7) ** 2 + np.float32(0.5)
    m, v, w, b = (
        across(a.astype(np.float64), shape) for a in (mean, var, weight, bias)
    )
    root = 1 / np.sqrt(v + 1e-5)
    count = math.prod(shape) / shape[1]
    with setting(path, threads):
        y = kernel("standardize_given", x, mean, var, weight, bias, eps=1e-5)
        close(y, (x - m) * root * w + b, 1e-5, 1e-5)
        for cotangent in (g, np.broadcast_to(np.float32(2), shape)):
            operands = (cotangent, x, mean, var, weight)
            dx, dw, db = kernel("standardize_given_backward", *operands, eps=1e-5)
            close(dx, cotangent * w * root, 1e-6, 1e-6)
            close(dw, sums(cotangent * (x - m) * root, shape), 1e-5, 2e-6 * count)
            close(db, sums(cotangent, shape), 1e-5, 1e-6 * count)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("run", [1, 100])
def test_what_is_at_a_given_mean_becomes_nothing_but_rounding(run, dtype, path):
    mean, weight = draws(200, dtype, 1), draws(200, dtype, 2)
    var, bias = draws(200, dtype, 3) ** 2 + dtype(0.1), np.zeros(200, dtype)
    x = np.broadcast_to(mean[:, None], (3, 200, run)).copy()
    with setting(path):
        y = kernel("standardize_given", x, mean, var, weight, bias, eps=0.0)
    # x factor and mean factor, of which one is rounded, or both alike.
    one = np.spacing(np.abs(mean * weight / np.sqrt(var)))
    assert (np.abs(y) <= 0.51 * one[:, None]).all()


def test_given_statistics_of_other_arrays_are_left_to_the_reference():
    x, c = draws((6, 20, 4)), np.ones(20, np.float32)
    cases = [
        (x.astype(np.float64), c, c, c, c),
        (x.transpose(2, 1, 0), c, c, c, c),
        (np.zeros((0, 20, 4), np.float32), c, c, c, c),
    ]
    for operands in cases:
        y = kernel("standardize_given", *operands, eps=0.0, accepted=False)
        np.testing.assert_allclose(y, operands[0], rtol=1e-6, atol=1e-6)
        g = np.ones_like(operands[0])
        made = kernel(
            "standardize_given_backward", g, *operands[:-1], eps=0.0, accepted=False
        )
        np.testing.assert_array_equal(made[0], g)


def test_layers_reach_the_kernels_in_training_and_after_it():
    layer, x = nn.BatchNorm2d(24), tensor(draws((4, 24, 4, 4)), requires_grad=True)
    before = native.extension.report()
    layer(x).sum().backward()
    layer.eval()
    layer(x).sum().backward()
    after = native.extension.report()
    for name in ("standardize_affine", "standardize_given"):
        for part in ("", "_backward"):
            assert after[name + part][0] == before[name + part][0] + 1
            assert after[name + part][1] == before[name + part][1]
