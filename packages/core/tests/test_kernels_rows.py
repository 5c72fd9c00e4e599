"""The native kernels along rows: softmax, normalisation, cross entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

SIZES = (1, 2, 7, 8, 9, 31, 33, 128, 1000, 2049, 9000)


def exact(x, dim=-1):
    """The float64 softmax and its logarithm."""
    x = x.astype(np.float64)
    shifted = x - x.max(dim, keepdims=True)
    total = np.exp(shifted).sum(dim, keepdims=True)
    return np.exp(shifted) / total, shifted - np.log(total)


def close(result, right, rtol=3e-6, atol=1e-6):
    assert result.dtype == np.float32
    assert result.shape == right.shape
    np.testing.assert_allclose(result, right, rtol=rtol, atol=atol)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
def test_softmax_and_its_relatives_are_right(path, threads):
    with setting(path, threads):
        for size in SIZES:
            for shape in ((3, size), (size,), (2, 5, size)):
                x, g = draws(shape) * 5, draws(shape, seed=1)
                x[..., 0] = 40  # the others lose digits where sums are careless
                y, log_y = exact(x)
                dim = {"dim": (x.ndim - 1,)}
                close(kernel("softmax", x, **dim), y)
                close(kernel("log_softmax", x, **dim), log_y, atol=5e-6)
                y, log_y = y.astype(np.float32), log_y.astype(np.float32)
                wide = g.astype(np.float64)
                inner = (wide * y).sum(-1, keepdims=True)
                close(kernel("softmax_backward", g, y, **dim), y * (wide - inner))
                right = wide - np.exp(log_y.astype(float)) * wide.sum(-1, keepdims=True)
                close(kernel("log_softmax_backward", g, log_y, **dim), right, atol=2e-5)
                for keep in (True, False):
                    right = np.logaddexp.reduce(x.astype(float), -1, keepdims=keep)
                    same_shape = kernel("logsumexp", x, keepdim=keep, **dim)
                    close(same_shape, np.asarray(right))


def test_one_cotangent_for_all_rows():
    y = exact(draws((6, 40)))[0].astype(np.float32)
    g = np.broadcast_to(np.float32(2), y.shape)
    # The sum of probabilities has no slope.
    close(kernel("softmax_backward", g, y, dim=(1,)), np.zeros(y.shape))
    right = 2 - np.exp(y.astype(float)) * 80
    close(kernel("log_softmax_backward", g, y, dim=(1,)), right, rtol=1e-5)


def test_rows_with_special_values_are_as_the_reference_says():
    x = np.array(
        [
            [math.nan, 1, 2, 3],
            [math.inf, 1, 2, 3],
            [-math.inf] * 4,
            [-math.inf, 1, 2, 3],
            [3e38, -3e38, 0, 1],
            [-200, -100, 0, 0],
        ],
        np.float32,
    )
    for name, params in (
        ("softmax", {"dim": (1,)}),
        ("log_softmax", {"dim": (1,)}),
        ("logsumexp", {"dim": (1,), "keepdim": True}),
    ):
        expected = reference(name, x, **params)
        with np.errstate(under="ignore"):
            np.testing.assert_allclose(
                kernel(name, x, **params), expected, rtol=1e-6, atol=1e-37
            )


@pytest.mark.parametrize(
    ("x", "dim"),
    [
        (draws((4, 8)), (0, 1)),
        (draws((4, 8), np.longdouble), (1,)),
        (draws((8, 4)).T, (1,)),
        (draws((0, 4)), (1,)),
        (np.float32(1) * np.ones(()), ()),
    ],
)
def test_other_rows_are_left_to_the_reference(x, dim):
    x = np.asarray(x)
    result = kernel("softmax", x, dim=dim, accepted=False)
    same(np.asarray(result), reference("softmax", x, dim=dim))


# ---- cross entropy


def terms(target, valid=None, peak=1.0, total=1.0, **more):
    return {
        "target": target,
        "valid": valid,
        "peak": peak,
        "total": total,
        "floor": None,
        "even": None,
        **more,
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("classes", [2, 10, 1000, 9000])
def test_cross_entropy_and_its_gradient_are_right(path, classes):
    rng = np.random.default_rng(0)
    count = 13
    x = draws((count, classes)) * 3
    target = rng.integers(0, classes, count)
    valid = rng.random(count) < 0.7
    weights = rng.random(count).astype(np.float32)
    y, log_y = exact(x)
    hot = np.eye(classes)[target]
    lse = (x - log_y)[:, :1]
    for how, factor in (
        (terms(target, peak=0.25, total=0.25), np.full(count, 0.25)),
        (terms(target, valid, weights * valid, weights * valid), weights * valid),
        (terms(target, valid, 0.5, 0.5), valid * 0.5),
    ):
        losses = -log_y[range(count), target] * factor
        with setting(path):
            each, lses = kernel("cross_entropy", x, reduce=False, how=how)
            whole, _ = kernel("cross_entropy", x, reduce=True, how=how)
            close(each, losses)
            close(lses, lse)
            close(whole, losses.sum())
            g = np.asarray(1.5, np.float32)
            dx = kernel("cross_entropy_backward", g, x, lses, how=how)
            close(dx, 1.5 * factor[:, None] * (y - hot))
            g = draws((count, 1), seed=2)
            dx = kernel("cross_entropy_backward", g, x, lses, how=how)
            close(dx, g * factor[:, None] * (y - hot))


def test_ignored_rows_may_hold_infinities():
    x = np.array([[math.inf, 1.0], [1.0, 2.0]], np.float32)
    how = terms(np.array([0, 1]), np.array([False, True]))
    losses, lse = kernel("cross_entropy", x, reduce=False, how=how)
    assert losses[0] == 0
    one = np.asarray(1, np.float32)
    assert (kernel("cross_entropy_backward", one, x, lse, how=how)[0] == 0).all()


def test_smoothed_targets_are_left_to_the_reference():
    x = draws((3, 4))
    how = terms(np.array([0, 1, 2]), floor=np.ones(4, np.float32), even=0.1)
    result = kernel("cross_entropy", x, reduce=False, how=how, accepted=False)
    assert result[0].shape == (3,)


# ---- normalisation

# Shape of x, reduced dimensions, shape of the weights.
NORMS = [
    ((5, 8), (1,), (8,)),
    ((300, 33), (1,), (33,)),
    ((2, 3, 4, 10), (2, 3), (4, 10)),
    ((2, 1, 9000), (2,), (9000,)),
    ((4, 6, 5, 5), (0, 2, 3), (1, 6, 1, 1)),
    ((16, 40, 30, 30), (0, 2, 3), (1, 40, 1, 1)),
    ((4, 3, 2, 9), (2, 3), (1, 3, 2, 1)),
    ((4, 3, 9, 1), (2, 3), (1, 3, 9, 1)),
    ((4, 6, 11), (2,), (1, 6, 1)),
    ((1, 7), (1,), (7,)),
]


def standard(x, dims, center, eps=1e-5):
    x = x.astype(np.float64)
    mean = x.mean(dims, keepdims=True) * center
    scale = 1 / np.sqrt(((x - mean) ** 2).mean(dims, keepdims=True) + eps)
    return mean, scale, (x - mean) * scale


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_normalisation_and_its_gradients_are_right(norm, threads, path):
    shape, dims, weights = norm
    x = draws(shape) + 3
    weight, bias = draws(weights, seed=1), draws(weights, seed=2)
    g = draws(shape, seed=3)
    for center in (True, False):
        mean, scale, right = standard(x, dims, center)
        how = {"dims": dims, "center": center}
        with setting(path, threads):
            every = {**how, "shape": weights, "eps": 1e-5}
            y, m, s = kernel("standardize", x, **every)
            for made, true in ((y, right), (m, mean), (s, scale)):
                close(made, true, 1e-5, 1e-5)
            y = kernel("standardize_scaled", x, weight, **every)[0]
            close(y, right * weight, 1e-5, 1e-5)
            y = kernel("standardize_affine", x, weight.reshape(-1), bias, **every)[0]
            close(y, right * weight + bias, 1e-5, 1e-5)
            for cotangent in (g, np.broadcast_to(np.float32(2), shape)):
                dx = slope(cotangent, right, scale, dims, center)
                made = kernel("standardize_backward", cotangent, x, m, s, **how)
                close(made, dx, 1e-5, 1e-5)
                dx = slope(cotangent * weight, right, scale, dims, center)
                made = kernel(
                    "standardize_affine_backward",
                    *(cotangent, x, weight, m, s),
                    shape=weights,
                    **how,
                )
                axes = tuple(
                    i
                    for i in range(len(shape))
                    if i < len(shape) - len(weights)
                    or weights[i - len(shape) + len(weights)] == 1 < shape[i]
                )
                size = math.prod(shape) / weight.size
                dweight = (cotangent * right).sum(axes).reshape(weights)
                dbias = cotangent.astype(np.float64).sum(axes).reshape(weights)
                close(made[0], dx, 1e-5, 1e-5)
                close(made[1], dweight, 1e-5, 1e-6 * size)
                close(made[2], dbias, 1e-5, 1e-6 * size)


def slope(g, right, scale, dims, center):
    """The gradient by x, from the formula in float64."""
    g = g.astype(np.float64)
    inner = (g * right).mean(dims, keepdims=True)
    return (g - right * inner - g.mean(dims, keepdims=True) * center) * scale


def test_threads_do_not_change_sums_over_rows():
    x, g, weight = draws((5000, 40)), draws((5000, 40), seed=1), draws(40)
    how = {"dims": (1,), "center": True}
    _, mean, scale = kernel("standardize", x, shape=(40,), eps=1e-5, **how)
    made = []
    for threads in (1, 2):
        with setting(threads=threads):
            operands = (g, x, weight, mean, scale)
            made.append(
                kernel("standardize_affine_backward", *operands, shape=(40,), **how)
            )
    for one, two in zip(*made, strict=True):
        same(one, two)


@pytest.mark.parametrize(
    ("x", "dims"),
    [
        (draws((6, 4)), (0,)),
        (draws((6, 3, 4)), (0, 2)),
        (draws((3, 6, 5, 9)), (1, 3)),
        (draws((6, 8), np.longdouble), (1,)),
        (draws((8, 6)).T, (1,)),
    ],
)
def test_other_dimensions_are_left_to_the_reference(x, dims):
    how = {"dims": dims, "shape": (), "eps": 1e-5, "center": True}
    y, _, _ = kernel("standardize", x, accepted=False, **how)
    np.testing.assert_allclose(y, standard(x, dims, 1)[2], rtol=1e-4, atol=1e-5)
