"""Fractional pooling: windows by hand, what chance may choose, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import ArgumentError, DTypeError, ShapeError


def starts(sample, size, out, kernel):
    """Graham's sequence; the last window ends where the input does."""
    if out == 1:
        return [size - kernel]
    step = (size - kernel) / (out - 1)
    first = [int((i + sample) * step) - int(sample * step) for i in range(out - 1)]
    return [*first, size - kernel]


CASES = [
    (2, (7, 9), (2, 3), (3, 4)),
    (2, (6, 6), (2, 2), (5, 1)),
    (3, (5, 7, 6), (2, 1, 3), (3, 4, 2)),
]


@pytest.mark.parametrize(("n", "size", "kernel", "out"), CASES)
def test_values_indices_and_gradient_by_hand(n, size, kernel, out):
    rng = np.random.default_rng(0)
    data = rng.permutation(6 * int(np.prod(size))).reshape(2, 3, *size).astype(float)
    samples = rng.random((2, 3, n))
    x = lampas.from_numpy(data).requires_grad_()
    y, index = getattr(F, f"fractional_max_pool{n}d")(
        x, kernel, out, None, True, lampas.from_numpy(samples)
    )
    assert y.shape == index.shape == (2, 3, *out)
    grad = np.zeros_like(data)
    for b, c in np.ndindex(2, 3):
        drawn = samples[b, c] if n == 3 else samples[b, c][::-1]
        axes = [starts(*s) for s in zip(drawn, size, out, kernel, strict=True)]
        for at in np.ndindex(*out):
            first = [a[i] for a, i in zip(axes, at, strict=True)]
            spans = zip(first, kernel, strict=True)
            window = itertools.product(*(range(f, f + k) for f, k in spans))
            best = max(window, key=lambda t, b=b, c=c: data[(b, c, *t)])
            assert y[(b, c, *at)].item() == data[(b, c, *best)]
            assert index[(b, c, *at)].item() == np.ravel_multi_index(best, size)
            grad[(b, c, *best)] += 1
    (found,) = lampas.autograd.grad(y.sum(), [x])
    np.testing.assert_array_equal(found.numpy(), grad)


def test_a_generator_repeats_itself():
    x = lampas.randn(2, 3, 9, 9)
    drawn = [
        F.fractional_max_pool2d(
            x, 2, output_ratio=0.6, generator=lampas.Generator().manual_seed(3)
        )
        for _ in range(2)
    ]
    assert lampas.equal(*drawn)
    assert drawn[0].shape == (2, 3, 5, 5)


def test_planes_of_one_image_are_pooled_apart():
    line = lampas.arange(40.0).expand(50, 1, 1, 40)
    _, index = F.fractional_max_pool2d_with_indices(line, (1, 2), (1, 15))
    assert len({tuple(row) for row in index.flatten(1).tolist()}) > 1


def test_unbatched_half_and_nan():
    x = lampas.tensor([[[1.0, 2.0], [3.0, float("nan")]]]).half()
    y, index = F.fractional_max_pool2d(x, 2, 1, return_indices=True)
    assert y.dtype == lampas.float16
    assert y.isnan().all()
    assert index.item() == 3


def test_no_batch():
    assert F.fractional_max_pool3d(lampas.zeros(0, 2, 4, 4, 4), 2, 2).shape[0] == 0


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({}, ArgumentError, "output_size or output_ratio"),
        ({"output_ratio": 1.5}, ArgumentError, "between 0 and 1"),
        ({"output_ratio": (0.5,) * 3}, ArgumentError, "a number or 2"),
        ({"output_size": 6}, ShapeError, "too large"),
        ({"output_size": 0}, ShapeError, "positive"),
        (
            {"output_size": 2, "_random_samples": lampas.rand(1, 1, 3)},
            ShapeError,
            "_random_samples must have shape",
        ),
        (
            {"output_size": 2, "_random_samples": lampas.rand(1, 1, 2).double()},
            DTypeError,
            "input's dtype",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(given, error, text):
    with pytest.raises(error, match=text):
        F.fractional_max_pool2d(lampas.zeros(1, 1, 6, 6), 2, **given)


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(DTypeError, match="floating"):
        F.fractional_max_pool2d(lampas.zeros(1, 6, 6).long(), 2, 2)
    with pytest.raises(ShapeError, match="3D or 4D"):
        F.fractional_max_pool2d(lampas.zeros(6, 6), 2, 2)
    with pytest.raises(ShapeError, match="empty dimension"):
        F.fractional_max_pool2d(lampas.zeros(1, 0, 6), 2, 2)
