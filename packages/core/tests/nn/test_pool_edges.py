"""Pooling where windows overlap, reach over the edge or hold ties and nan."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F

SIZES = {1: (7,), 2: (5, 6), 3: (3, 5, 4)}


def windows(n, size, k, s, p, d, ceil):
    """For each output place, the places of its window inside the input."""
    reach = n_out(size, k, s, p, d, ceil)
    for at in itertools.product(*map(range, reach)):
        starts = [a * s - p for a in at]
        taps = itertools.product(*[range(t, t + k * d, d) for t in starts])
        inside = [
            t for t in taps if all(0 <= i < z for i, z in zip(t, size, strict=True))
        ]
        yield at, inside


def n_out(size, k, s, p, d, ceil):
    result = []
    for n in size:
        reach = n + 2 * p - d * (k - 1) - 1
        out = (-(-reach // s) if ceil else reach // s) + 1
        if ceil and (out - 1) * s >= n + p:
            out -= 1
        result.append(out)
    return result


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("k", "s", "p", "d"),
    [
        (2, 2, 0, 1),
        (3, 2, 1, 1),
        (2, 2, 0, 2),
        (2, 3, 1, 2),
        (2, 1, 1, 2),
        (3, 3, 1, 1),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_max_and_its_gradient_by_hand(n, k, s, p, d, ceil):
    size = SIZES[n]
    if min(n_out(size, k, s, p, d, ceil)) < 1:
        k, p = 2, 0
    rng = np.random.default_rng(0)
    data = rng.permutation(np.prod(size)).astype(float).reshape(1, *size)
    x = lampas.from_numpy(data).requires_grad_()
    pool = getattr(F, f"max_pool{n}d")
    y, index = pool(x, k, s, p, d, ceil, return_indices=True)
    grad = np.zeros_like(data[0])
    for at, inside in windows(n, size, k, s, p, d, ceil):
        best = max(inside, key=lambda t: data[0][t])
        assert y[(0, *at)].item() == data[0][best]
        assert index[(0, *at)].item() == np.ravel_multi_index(best, size)
        grad[best] += 1 + sum(at)
    weights = sum(np.indices(y.shape[1:])) + 1.0
    (found,) = lampas.autograd.grad((y * lampas.from_numpy(weights)).sum(), [x])
    np.testing.assert_array_equal(found[0].numpy(), grad)


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_mean_by_hand(n, ceil, include):
    size, k, s, p = SIZES[n], 3, 2, 1
    data = np.random.default_rng(0).standard_normal((1, *size))
    pool = getattr(F, f"avg_pool{n}d")
    y = pool(lampas.from_numpy(data), k, s, p, ceil, include)
    for at, inside in windows(n, size, k, s, p, 1, ceil):
        count = len(inside)
        if include:
            # Padding counts, what lies behind the padding does not.
            count = 1
            for a, z in zip(at, size, strict=True):
                count *= min(a * s - p + k, z + p) - (a * s - p)
        wanted = sum(data[0][t] for t in inside) / count
        assert y[(0, *at)].item() == pytest.approx(wanted, rel=1e-12)


def test_integers_are_divided_towards_zero():
    x = lampas.tensor([[-3, -4, 3, 4]])
    assert F.avg_pool1d(x, 2).tolist() == [[-3, 3]]
    plane = lampas.tensor([[[3, 4], [-7, 1]]])
    assert F.avg_pool2d(plane, (1, 2), divisor_override=-2).tolist() == [[[-3], [3]]]


def test_the_first_of_equals_is_taken_and_nan_wins():
    x = lampas.tensor([[2.0, 2.0, 1.0, float("nan")]])
    y, index = F.max_pool1d(x, 2, return_indices=True)
    assert index.tolist() == [[0, 3]]
    assert y[0, 0].item() == 2.0
    assert y[0, 1].isnan()
