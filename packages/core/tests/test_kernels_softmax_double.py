"""Softmax and its relatives of doubles against formulas in extended precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting
from test_kernels_rows import SIZES, terms

import lampas
from lampas import kernels, nn
from lampas.backend import native
from lampas.engine.record import RECORDS

EXTENDED = np.longdouble
F = nn.functional

if np.finfo(EXTENDED).eps > 2e-19:
    pytest.skip("there is no type wider than double", allow_module_level=True)

STEP = 2.0**-53
# Shapes and the dimension of the op: rows, and columns around the widths of vectors.
SHAPES = [
    *[((3, size), 1) for size in SIZES],
    ((17,), 0),
    ((2, 5, 33), 2),
    ((1, 1), 0),
    ((3, 1), 0),
    ((17, 3), 0),
    ((1000, 17), 0),
    ((2, 33, 9), 1),
    ((4, 10, 14, 14), 1),
    ((3, 1000, 1), 1),
    ((5000, 3), 0),
]


def numbers(shape, seed=0):
    return draws(shape, np.float64, seed)


def scores(shape, dim):
    """Numbers of which one in each row tops all, so that the others lose digits."""
    x = numbers(shape) * 5
    x[(*[slice(None)] * dim, 0)] = 40
    return x


def exact(x, dim):
    """Softmax, its logarithm and the logarithm of the sum, in extended precision."""
    x = x.astype(EXTENDED)
    top = x.max(dim, keepdims=True)
    total = np.exp(x - top).sum(dim, keepdims=True)
    return np.exp(x - top) / total, x - top - np.log(total), top + np.log(total)


def check(got, right, other, terms=0.0):
    """The error is at most twice the reference's, and two roundings.

    Args:
        got: the kernel's result.
        right: the same in extended precision.
        other: the reference's.
        terms: the size of what the result is the small difference of.
    """
    assert got.dtype == np.float64
    assert got.shape == right.shape == other.shape
    ours, theirs = (float(np.max(np.abs(a - right), initial=0)) for a in (got, other))
    size = max(float(np.max(np.abs(right))), terms)
    assert ours <= 2 * theirs + 2 * STEP * size


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES, ids=str)
def test_errors_are_at_most_twice_the_reference_s(shape, dim, path):
    x = scores(shape, dim)
    y, log_y, lse = exact(x, dim)
    along = {"dim": (dim,)}
    with setting(path):
        got = kernel("softmax", x, **along)
        check(got, y, reference("softmax", x, **along))
        got = kernel("log_softmax", x, **along)
        check(got, log_y, reference("log_softmax", x, **along))
        for keep in (True, False):
            got = kernel("logsumexp", x, keepdim=keep, **along)
            right = lse if keep else lse.squeeze(dim)
            check(got, right, reference("logsumexp", x, keepdim=keep, **along))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("shape", "dim"), SHAPES, ids=str)
def test_errors_of_gradients_are_at_most_twice_the_reference_s(shape, dim, path):
    # Scores that are alike: a sum of shares then has many terms.
    y, log_y, _ = (a.astype(np.float64) for a in exact(numbers(shape), dim))
    along = {"dim": (dim,)}
    for g in (numbers(shape, 1), np.broadcast_to(np.float64(2.1), shape)):
        wide, p, log_p = (a.astype(EXTENDED) for a in (g, y, log_y))
        inner = (wide * p).sum(dim, keepdims=True)
        total = wide.sum(dim, keepdims=True)
        largest = float(np.max(np.abs(wide * p)))
        with setting(path):
            got = kernel("softmax_backward", g, y, **along)
            other = reference("softmax_backward", g, y, **along)
            check(got, p * (wide - inner), other, largest)
            got = kernel("log_softmax_backward", g, log_y, **along)
            other = reference("log_softmax_backward", g, log_y, **along)
            check(got, wide - np.exp(log_p) * total, other, float(np.max(np.abs(wide))))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("shape", [(100_000, 1), (50_000, 3)], ids=str)
def test_long_columns_lose_nothing(shape, path):
    x = numbers(shape)
    with setting(path):
        lse = kernel("logsumexp", x, dim=(0,), keepdim=False)
        dx = kernel("log_softmax_backward", x, np.full(shape, -1e9), dim=(0,))
        unit = kernel("log_softmax_backward", x, np.zeros(shape), dim=(0,))
    for c in range(shape[1]):
        right = math.log(math.fsum(np.exp(x[:, c]).tolist()))
        assert abs(lse[c] - right) <= 8 * STEP * right
        sum_of_g = float(np.median(dx[:, c] - unit[:, c]))
        exact_sum = math.fsum(x[:, c].tolist())
        assert abs(sum_of_g - exact_sum) <= 8 * STEP * math.sqrt(shape[0])


@pytest.mark.parametrize("path", PATHS)
def test_doubles_with_special_values_are_as_the_reference_says(path):
    x = np.array(
        [
            [math.nan, 1, 2, 3],
            [math.inf, 1, 2, 3],
            [-math.inf] * 4,
            [-math.inf, 1, 2, 3],
            [1e308, -1e308, 0, 1],
            [-1500, -700, 0, 0],
            [800, 799, 750, 0],
        ]
    )
    with setting(path):
        for name, more in (
            ("softmax", {}),
            ("log_softmax", {}),
            ("logsumexp", {"keepdim": True}),
        ):
            for a, dim in ((x, 1), (np.ascontiguousarray(x.T), 0)):
                expected = reference(name, a, dim=(dim,), **more)
                got = kernel(name, a, dim=(dim,), **more)
                with np.errstate(under="ignore"):
                    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=1e-307)


def test_threads_change_no_bits_of_shares():
    for shape, dim in (((300, 1000), 1), ((6, 300, 70), 1)):
        x, g = numbers(shape), numbers(shape, 1)
        found = []
        for threads in (1, 2):
            with setting(threads=threads):
                y = kernel("softmax", x, dim=(dim,))
                log_y = kernel("log_softmax", x, dim=(dim,))
                found.append(
                    (
                        y,
                        log_y,
                        kernel("softmax_backward", g, y, dim=(dim,)),
                        kernel("log_softmax_backward", g, log_y, dim=(dim,)),
                        kernel("logsumexp", x, dim=(dim,), keepdim=True),
                    )
                )
        for one, two in zip(*found, strict=True):
            same(one, two)


# ---- cross entropy


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("classes", [1, 2, 10, 1000, 9000])
def test_cross_entropy_of_doubles_and_its_gradient_are_right(path, classes):
    rng = np.random.default_rng(0)
    count = 13
    x = numbers((count, classes)) * 3
    target = rng.integers(0, classes, count)
    valid = rng.random(count) < 0.7
    weights = rng.random(count)
    y, log_y, lse = exact(x, 1)
    hot = np.eye(classes)[target]
    for how, factor in (
        (terms(target, peak=0.1, total=0.1), np.full(count, 0.1)),
        (terms(target, valid, weights * valid, weights * valid), weights * valid),
        (terms(target, valid, 0.5, 0.5), valid * 0.5),
    ):
        losses = -log_y[range(count), target] * factor
        delta = factor[:, None] * (y - hot)
        with setting(path):
            each, lses = kernel("cross_entropy", x, reduce=False, how=how)
            whole, _ = kernel("cross_entropy", x, reduce=True, how=how)
            with kernels.disabled():
                record = RECORDS["cross_entropy"].on_host
                other, other_lse = record(x, reduce=False, how=how)
                other_whole, _ = record(x, reduce=True, how=how)
            check(lses, lse, other_lse)
            largest = float(np.max(np.abs(lse)))
            check(each, losses, other, largest)
            check(np.asarray(whole), losses.sum(), np.asarray(other_whole), largest)
            for g in (np.asarray(1.7), numbers((count, 1), 2)):
                dx = kernel("cross_entropy_backward", g, x, lses, how=how)
                other = reference("cross_entropy_backward", g, x, lses, how=how)
                # The logarithm's own error moves each share by as much.
                check(dx, g * delta, other, largest)


def test_the_sum_of_many_losses_loses_nothing():
    count = 60_000
    x = numbers((count, 3))
    how = terms(np.random.default_rng(0).integers(0, 3, count))
    each, _ = kernel("cross_entropy", x, reduce=False, how=how)
    whole, _ = kernel("cross_entropy", x, reduce=True, how=how)
    right = math.fsum(each.tolist())
    assert abs(float(whole) - right) <= 4 * STEP * right


def test_rows_of_doubles_that_are_ignored_may_hold_infinities():
    x = np.array([[math.inf, 1.0], [1.0, 2.0]])
    how = terms(np.array([0, 1]), np.array([False, True]))
    losses, lse = kernel("cross_entropy", x, reduce=False, how=how)
    assert losses[0] == 0
    one = np.asarray(1.0)
    assert (kernel("cross_entropy_backward", one, x, lse, how=how)[0] == 0).all()


def test_doubles_beside_floats_are_left_to_the_reference():
    x, narrow = numbers((4, 8)), draws((4, 8))
    for dim in (0, 1):
        kernel("softmax_backward", narrow, x, dim=(dim,), accepted=False)
        kernel("log_softmax_backward", x, narrow, dim=(dim,), accepted=False)
    target, factors = np.array([0, 1, 2, 3]), np.ones(4, np.float32)
    how = terms(target, peak=factors)
    kernel("cross_entropy", x, reduce=False, how=how, accepted=False)
    how = terms(target)
    _, lse = kernel("cross_entropy", x, reduce=False, how=how)
    for g, scores_of, logarithms in (
        (np.asarray(1, np.float32), x, lse),
        (np.asarray(1.0), x, lse.astype(np.float32)),
        (np.asarray(1.0), narrow, lse),
    ):
        operands = (g, scores_of, logarithms)
        kernel("cross_entropy_backward", *operands, how=how, accepted=False)


# ---- gradients through what calls them


def _entropy(x):
    return F.cross_entropy(x, lampas.tensor([2, 0, 16, 5, 1]))


def _weighted(x):
    weight = lampas.linspace(0.5, 1.5, 17, dtype=lampas.float64)
    return F.cross_entropy(x, lampas.tensor([2, -100, 16, 5, 1]), weight)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("softmax", lambda x: F.softmax(x, 1)),
        ("softmax", lambda x: F.softmax(x, 0)),
        ("log_softmax", lambda x: F.log_softmax(x, 1)),
        ("log_softmax", lambda x: F.log_softmax(x, 0)),
        ("cross_entropy", _entropy),
        ("cross_entropy", _weighted),
        ("logsumexp", lambda x: x.logsumexp(1)),
        ("logsumexp", lambda x: x.logsumexp(0)),
    ],
)
def test_gradients_of_doubles_are_right_through_kernels(name, function):
    x = lampas.from_numpy(numbers((5, 17))).requires_grad_()
    before = native.extension.report()
    assert lampas.autograd.gradcheck(function, (x,), eps=1e-5, atol=1e-9, rtol=1e-9)
    after = native.extension.report()
    for part in (name, *[name + "_backward"] * (name != "logsumexp")):
        assert after[part][0] > before[part][0]
        assert after[part][1] == before[part][1], f"{part} declined"
