"""Normalisation of doubles by native kernels against formulas in extended precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

import lampas
from lampas import kernels, nn
from lampas.backend import native
from lampas.engine.record import RECORDS

EXTENDED = np.longdouble
F = nn.functional

if np.finfo(EXTENDED).eps > 2e-19:
    pytest.skip("there is no type wider than double", allow_module_level=True)

STEP = 2.0**-53
EVERY = ("standardize", "standardize_scaled", "standardize_affine")

# Shape of x, reduced dimensions, shape of the weights: by runs and by columns.
NORMS = [
    ((1, 17), (1,), (17,)),
    ((5, 1), (1,), (1,)),
    ((3, 8), (1,), (8,)),
    ((300, 33), (1,), (33,)),
    ((2, 17, 1000), (2,), (1000,)),
    ((2, 3, 4, 10), (2, 3), (4, 10)),
    ((2, 1, 9000), (2,), (9000,)),
    ((17, 3, 2, 9), (2, 3), (1, 3, 2, 1)),
    ((4, 3, 9, 1), (2, 3), (1, 3, 9, 1)),
    ((4, 6, 11), (2,), (1, 6, 1)),
    ((3, 2, 1000), (0, 2), (1, 2, 1)),
    ((16, 40, 12, 12), (0, 2, 3), (1, 40, 1, 1)),
    ((5, 16), (0,), (1, 16)),
    ((1000, 100), (0,), (1, 100)),
    ((12, 700), (0,), (1, 700)),
    ((17, 12, 7, 7), (0, 2, 3), (1, 12, 1, 1)),
    ((8, 130, 4, 4), (0, 2, 3), (1, 130, 1, 1)),
    ((3, 4, 15, 17), (0, 2, 3), (1, 4, 1, 1)),
    ((2, 300, 3, 5), (0, 2, 3), (1, 300, 1, 1)),
]
# Shapes of (N, C, ...) whose statistics are given: runs of one element and more.
GIVEN = [
    (3, 1),
    (256, 100),
    (17, 12, 7, 7),
    (3, 2, 60, 60),
    (2, 3, 17),
    (1, 17, 3),
    (5, 3, 1000),
]


def numbers(shape, seed=0):
    return draws(shape, np.float64, seed)


def ones_like(g):
    return np.broadcast_to(np.float64(2.1), g.shape)


def compared(name, *operands, **params):
    """A kernel's error is at most twice the reference's, and a few roundings."""
    results = kernel(name, *operands, **params)
    wide = [a.astype(EXTENDED) for a in operands]
    with kernels.disabled():
        exact = RECORDS[name].on_host(*wide, **params)
        theirs = RECORDS[name].on_host(*operands, **params)
    if not isinstance(results, tuple):
        results, exact, theirs = (results,), (exact,), (theirs,)
    largest = max(float(np.max(np.abs(a))) for a in operands)
    size = max(a.size for a in operands)
    for got, right, other in zip(results, exact, theirs, strict=True):
        assert got.dtype == np.float64
        assert got.shape == other.shape == right.shape
        # What rounding the result, and the terms of a sum, is worth.
        terms = largest * math.sqrt(size / got.size)
        unit = STEP * (float(np.max(np.abs(right))) + terms)
        ours = float(np.max(np.abs(got - right)))
        assert ours <= 2 * float(np.max(np.abs(other - right))) + 4 * unit
    return results


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_errors_are_at_most_twice_the_reference_s(norm, path):
    shape, dims, weights = norm
    x, g = numbers(shape) + 3, numbers(shape, 3)
    weight, bias = numbers(weights, 1), numbers(weights, 2)
    for center in (True, False):
        how = {"dims": dims, "center": center}
        every = {**how, "shape": weights, "eps": 1e-5}
        with setting(path):
            _, mean, scale = compared("standardize", x, **every)
            compared("standardize_scaled", x, weight, **every)
            compared("standardize_affine", x, weight, bias, **every)
            for cotangent in (g, ones_like(g)):
                compared("standardize_backward", cotangent, x, mean, scale, **how)
                operands = (cotangent, x, weight, mean, scale)
                compared("standardize_affine_backward", *operands, shape=weights, **how)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("shape", GIVEN, ids=str)
def test_errors_by_given_statistics_are_at_most_twice_the_reference_s(shape, path):
    x, g = numbers(shape) + 3, numbers(shape, 3)
    mean, weight, bias = (numbers(shape[1], i) for i in (4, 5, 6))
    var = numbers(shape[1], 7) ** 2 + 0.5
    with setting(path):
        compared("standardize_given", x, mean, var, weight, bias, eps=1e-5)
        for cotangent in (g, ones_like(g)):
            operands = (cotangent, x, mean, var, weight)
            compared("standardize_given_backward", *operands, eps=1e-5)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("shape", "dims", "weights"),
    [
        ((40_000, 17), (0,), (1, 17)),
        ((40_000, 1, 16), (0, 2), (1, 1, 1)),
        ((30_000, 17), (1,), (17,)),
        ((20_000, 1, 40), (2,), (1, 1, 1)),
    ],
)
def test_long_sums_lose_nothing(shape, dims, weights, path):
    x, g = numbers(shape) + 1000, numbers(shape, 3)
    how = {"dims": dims, "center": True}
    with setting(path):
        _, mean, scale = kernel("standardize", x, shape=weights, eps=1e-5, **how)
        operands = (g, x, np.ones(weights), mean, scale)
        _, _, dbias = kernel(
            "standardize_affine_backward", *operands, shape=weights, **how
        )
    kept = [i for i in range(len(shape)) if i not in dims]
    by_group = np.moveaxis(x, kept, range(len(kept))).reshape(mean.size, -1)
    for got, row in list(zip(mean.reshape(-1), by_group, strict=True))[:20]:
        assert abs(got - math.fsum(row) / row.size) <= 4 * STEP * 1000
    columns = g.reshape(-1, 17) if weights[-1] == 17 else g.reshape(-1, 1)
    for got, column in zip(dbias.reshape(-1), columns.T, strict=True):
        # Some ten numbers are added up before what they lose is kept.
        right = math.fsum(column)
        terms = 4 * math.sqrt(column.size)
        assert abs(got - right) <= STEP * (2 * abs(right) + terms)


@pytest.mark.parametrize("shape", [(40, 8, 4), (4, 3, 300)], ids=str)
def test_eps_has_all_digits_of_a_double(shape):
    x, c = np.full(shape, 2.5), shape[1]
    how = {"dims": (0, 2), "shape": (1, c, 1), "center": True}
    y, _, scale = kernel("standardize", x, eps=0.1, **how)
    np.testing.assert_allclose(scale, 1 / math.sqrt(0.1), rtol=3e-16)
    assert (y == 0).all()
    zero, one = np.zeros(c), np.ones(c)
    y = kernel("standardize_given", x, zero, zero, one, zero, eps=0.1)
    np.testing.assert_allclose(y, 2.5 / math.sqrt(0.1), rtol=5e-16)


def test_large_means_cost_the_variance_of_doubles_no_digits():
    x = numbers((64, 32, 3, 3)) + 1e8
    how = {"dims": (0, 2, 3), "center": True, "shape": (1, 32, 1, 1), "eps": 1e-5}
    _, mean, scale = kernel("standardize", x, **how)
    wide = x.astype(EXTENDED)
    right = wide.mean((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(mean, right.astype(np.float64), rtol=1e-15)
    root = 1 / np.sqrt(((wide - mean) ** 2).mean((0, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(scale, root.astype(np.float64), rtol=1e-14)


def test_threads_change_no_bits_of_doubles():
    for shape, dims, weights in (
        ((40, 300, 5), (0, 2), (1, 300, 1)),
        ((5000, 40), (1,), (40,)),
        ((16, 40, 30, 30), (0, 2, 3), (1, 40, 1, 1)),
    ):
        x, g, weight = numbers(shape), numbers(shape, 1), numbers(weights)
        how = {"dims": dims, "center": True, "shape": weights}
        found = []
        for threads in (1, 2):
            with setting(threads=threads):
                y, mean, scale = kernel("standardize", x, eps=1e-5, **how)
                operands = (g, x, weight, mean, scale)
                slopes = kernel("standardize_affine_backward", *operands, **how)
                c = np.ones(shape[1])
                by = kernel("standardize_given_backward", g, x, c, c, c, eps=1e-5)
                found.append((y, mean, scale, *slopes, *by))
        for one, two in zip(*found, strict=True):
            same(one, two)


def test_types_that_differ_are_left_to_the_reference():
    x, w = numbers((6, 20, 4)), np.ones(20, np.float32)
    v = w.astype(np.float64)
    how = {"dims": (0, 2), "center": True}
    every = {**how, "shape": (1, 20, 1), "eps": 1e-5}
    kernel("standardize_scaled", x, w, accepted=False, **every)
    kernel("standardize_affine", x, v, w, accepted=False, **every)
    _, mean, scale = kernel("standardize", x, **every)
    g = x.astype(np.float32)
    kernel("standardize_backward", g, x, mean, scale, accepted=False, **how)
    kernel("standardize_backward", x, x, mean.astype("f"), scale, accepted=False, **how)
    kernel(
        "standardize_affine_backward",
        *(x, x, w, mean, scale),
        accepted=False,
        shape=(1, 20, 1),
        **how,
    )
    kernel("standardize_given", x, v, v, v, w, eps=0.0, accepted=False)
    kernel("standardize_given", x, w, v, v, v, eps=0.0, accepted=False)
    kernel("standardize_given_backward", g, x, v, v, v, eps=0.0, accepted=False)


# ---- layers


LAYERS = {
    "layer_norm": ((5, 17), [(17,), (17,)], lambda x, w, b: F.layer_norm(x, 17, w, b)),
    "layer_norm (plain)": ((5, 3, 4), [], lambda x: F.layer_norm(x, (3, 4))),
    "rms_norm": ((5, 17), [(17,)], lambda x, w: F.rms_norm(x, (17,), w)),
    "group_norm": (
        (3, 6, 5),
        [(6,), (6,)],
        lambda x, w, b: F.group_norm(x, 2, w, b),
    ),
    "instance_norm": (
        (3, 4, 9),
        [(4,), (4,)],
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
    ),
    "batch_norm by columns": (
        (4, 8, 3),
        [(8,), (8,)],
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    ),
    "batch_norm by runs": (
        (3, 2, 20),
        [(2,), (2,)],
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    ),
    "batch_norm after training": (
        (4, 8, 3),
        [(8,), (8,)],
        lambda x, w, b: F.batch_norm(x, *_statistics(8), w, b),
    ),
}


def _statistics(count):
    mean = lampas.linspace(-1, 1, count, dtype=lampas.float64)
    return mean, mean * mean + 0.5


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_layers_of_doubles_are_right_through_kernels(name):
    shape, others, function = LAYERS[name]
    inputs = tuple(
        lampas.from_numpy(numbers(s, i)).requires_grad_()
        for i, s in enumerate((shape, *others))
    )
    before = native.extension.report()
    # Two-sided differences of doubles have some ten digits.
    assert lampas.autograd.gradcheck(function, inputs, eps=1e-5, atol=1e-9, rtol=1e-9)
    after = native.extension.report()
    taken = [n for n in after if n.startswith("standardize") and after[n] != before[n]]
    assert any("backward" in n for n in taken)
    assert any("backward" not in n for n in taken)
    for n in taken:
        assert after[n][0] > before[n][0]
        assert after[n][1] == before[n][1], f"{n} declined"
