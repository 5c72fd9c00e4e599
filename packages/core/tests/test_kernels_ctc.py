"""The native kernels of ctc_loss beside sums over paths, in probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, kernel, same, setting

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.engine.record import RECORDS

F = lampas.nn.functional

# Times, sequences, classes, labels: states around the widths of vectors.
SIZES = [
    (1, 1, 2, 0),
    (1, 2, 3, 1),
    (6, 3, 4, 2),
    (9, 2, 5, 3),
    (12, 5, 3, 4),
    (40, 2, 30, 9),
    (30, 1, 70, 20),
]


def problem(sizes, dtype, seed=0):
    times, count, classes, longest = sizes
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((times, count, classes))
    x -= np.log(np.exp(x).sum(2, keepdims=True))
    blank = int(rng.integers(classes))
    states = np.full((count, 2 * longest + 1), blank)
    # Of few classes: many labels are repeated.
    labels = rng.integers(0, max(1, min(classes - 1, 4)), (count, longest))
    states[:, 1::2] = labels + (labels >= blank)
    inputs = rng.integers((times + 1) // 2, times + 1, count)
    inputs[0] = times
    lengths = rng.integers(0, min(longest, times // 3) + 1, count)
    how = {"states": states, "inputs": inputs, "lengths": lengths, "blank": blank}
    return x.astype(dtype), {**how, "lost": math.inf}


def posterior(x, how):
    """Each sequence's probability, and that of visiting each class at each time.

    In probabilities, for inputs so short that none of them vanishes.
    """
    times, count, _ = x.shape
    totals, visits = np.zeros(count), np.zeros(x.shape)
    for n in range(count):
        p = np.exp(x[: how["inputs"][n], n].astype(np.float64))
        label = how["states"][n, : 2 * how["lengths"][n] + 1]
        size = len(label)
        move = np.eye(size) + np.eye(size, k=1)
        for s in range(2, size):
            move[s - 2, s] = label[s] != how["blank"] and label[s] != label[s - 2]
        first = np.arange(size) < 2
        last = np.arange(size) >= size - 2
        begun, ended = [first * p[0, label]], [last * 1.0]
        for row in p[1:]:
            begun.append((begun[-1] @ move) * row[label])
        for row in p[:0:-1]:
            ended.insert(0, move @ (ended[0] * row[label]))
        totals[n] = begun[-1] @ last
        for t, (b, e) in enumerate(zip(begun, ended, strict=True)):
            np.add.at(visits[t, n], label, b * e / max(totals[n], 1e-300))
    return totals, visits


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_losses_and_gradients_are_right(sizes, threads, path):
    for dtype, digits in ((np.float32, 2e-6), (np.float64, 1e-13)):
        x, how = problem(sizes, dtype)
        g = np.linspace(1, 2, sizes[1]).astype(dtype)
        with setting(path, threads):
            losses, begun = kernel("ctc", x, **how)
            dx = kernel("ctc_backward", g, x, begun, **how)
        assert losses.dtype == begun.dtype == dx.dtype == dtype
        totals, visits = posterior(x, how)
        assert (totals > 0).any()
        with np.errstate(divide="ignore"):
            right = -np.log(totals)
        np.testing.assert_allclose(losses, right, digits, digits)
        alive = np.arange(sizes[0])[:, None, None] < how["inputs"][:, None]
        slope = np.where(alive, (np.exp(x) - visits) * g[:, None], 0.0)
        slope[:, totals == 0] = np.where(alive, np.nan, 0.0)[:, totals == 0]
        # Exponents are rounded where they are kept: to eight units of the loss.
        digits *= 8 * max(1.0, right[totals > 0].max())
        np.testing.assert_allclose(dx, slope, digits, digits)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_that_are_far_less_likely_than_what_is_seen(dtype):
    # One way at each step but for blanks: e ** -100 for each of 50 labels, which no
    # product of probabilities could hold.
    x = np.full((50, 1, 3), -100.0, dtype)
    x[:, :, 0] = 0.0
    states = np.zeros((1, 101), np.int64)
    states[0, 1::2] = 1 + np.arange(50) % 2
    how = {"states": states, "inputs": np.array([50]), "lengths": np.array([50])}
    how |= {"blank": 0, "lost": math.inf}
    losses, begun = kernel("ctc", x, **how)
    assert losses.tolist() == [5000.0]
    dx = kernel("ctc_backward", np.ones(1, dtype), x, begun, **how)
    np.testing.assert_allclose(dx[::2, 0], [[1.0, -1.0, 0.0]] * 25, 1e-6, 1e-6)


def test_a_loss_that_counts_nothing_has_no_gradient():
    x, how = problem((4, 2, 5, 6), np.float32)
    how["states"][1, 1::2] = (how["blank"] + 1) % 5
    how |= {"inputs": np.array([4, 3]), "lengths": np.array([1, 3]), "lost": 0.0}
    losses, begun = kernel("ctc", x, **how)
    assert losses[0] > 0
    assert losses[1] == 0
    dx = kernel("ctc_backward", np.ones(2, np.float32), x, begun, **how)
    assert dx[:, 0].any()
    assert not dx[:, 1].any()
    how["lost"] = math.inf
    assert kernel("ctc", x, **how)[0][1] == math.inf
    dx = kernel("ctc_backward", np.ones(2, np.float32), x, begun, **how)
    assert np.isnan(dx[:3, 1]).all()
    assert not dx[3, 1].any()


def test_threads_change_no_bits():
    x, how = problem((40, 7, 30, 9), np.float32)
    made = []
    for threads in (1, 2):
        with setting(threads=threads):
            losses, begun = kernel("ctc", x, **how)
            g = np.ones(7, np.float32)
            made.append((losses, begun, kernel("ctc_backward", g, x, begun, **how)))
    for one, two in zip(*made, strict=True):
        same(one, two)


def test_errors_are_no_more_than_the_references():
    x, how = problem((400, 2, 20, 60), np.float32)
    how |= {"inputs": np.array([400, 390]), "lengths": np.array([60, 45])}
    g = np.ones(2, np.float32)
    wide = x.astype(np.float64)
    loss_of, slope_of = (RECORDS[n].on_host for n in ("ctc", "ctc_backward"))
    with kernels.disabled(), np.errstate(under="ignore"):
        exact, begun = loss_of(wide, **how)
        slope = slope_of(g * 1.0, wide, begun, **how)
        plain, begun = loss_of(x, **how)
        plain_slope = slope_of(g, x, begun, **how)
    losses, begun = kernel("ctc", x, **how)
    dx = kernel("ctc_backward", g, x, begun, **how)
    assert np.abs(losses - exact).max() <= np.abs(plain - exact).max() + 1e-4
    assert np.abs(dx - slope).max() <= 2 * np.abs(plain_slope - slope).max()


def test_other_layouts_are_copied_first():
    x, how = problem((6, 3, 4, 2), np.float32)
    losses, begun = kernel("ctc", x, **how)
    far = np.asfortranarray(x)
    same(kernel("ctc", far, **how)[0], losses)
    one = np.broadcast_to(np.float32(2), (3,))
    same(
        kernel("ctc_backward", one, far, np.asfortranarray(begun), **how),
        kernel("ctc_backward", np.full(3, 2, np.float32), x, begun, **how),
    )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_likelihood_is_left_to_the_reference(value):
    x, how = problem((6, 1, 4, 2), np.float32)
    x[2, 0] = value
    losses, begun = kernel("ctc", x, accepted=False, **how)
    assert np.isnan(losses).all()
    g = np.ones(1, np.float32)
    kernel("ctc_backward", g, x, begun, accepted=False, **how)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classes_of_no_state_may_score_anything(dtype, path):
    x, how = problem((40, 1, 9, 2), dtype)
    other = next(c for c in range(9) if c not in how["states"])
    far = 80.0 if dtype == np.float32 else 705.0
    x[:5, 0, other] = [math.inf, math.nan, -math.inf, far, -far]
    g = np.full(1, 0.5, dtype)
    with setting(path):
        begun = kernel("ctc", x, **how)[1]
        dx = kernel("ctc_backward", g, x, begun, **how)
    with np.errstate(under="ignore"):
        right = np.exp(x[:, 0, other]) * 0.5
        np.testing.assert_allclose(dx[:, 0, other], right, 1e-6)


def test_an_infinity_in_any_state_at_the_end_is_left_to_the_reference():
    x, how = problem((6, 1, 4, 2), np.float32)
    how["inputs"], how["lengths"] = np.array([4]), np.array([1])
    begun = kernel("ctc", x, **how)[1].copy()
    begun[-1, 0, 4] = math.inf
    g = np.ones(1, np.float32)
    dx = kernel("ctc_backward", g, x, begun, accepted=False, **how)
    assert np.isnan(dx[:4, 0, how["blank"]]).all()


def test_ctc_loss_reaches_the_kernels():
    x = lampas.randn(8, 2, 5, requires_grad=True)
    targets = lampas.tensor([[1, 2, 2], [3, 4, 0]])
    before = native.extension.report()
    loss = F.ctc_loss(x.log_softmax(2), targets, [8, 7], [3, 2])
    loss.backward()
    after = native.extension.report()
    for name in ("ctc", "ctc_backward"):
        assert after[name][0] == before[name][0] + 1
        assert after[name][1] == before[name][1]
    assert math.isfinite(float(x.grad.sum()))
