"""The native functions of three operands against formulas in float64."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from test_kernels_elementwise import (
    PATHS,
    SIZES,
    SPECIAL,
    draws,
    kernel,
    reference,
    same,
    setting,
)

import lampas
from lampas.nn import functional

DELTA, SLOPE = 0.7, 1.25


def huber(x, target):
    gap = np.abs(x - target)
    line = SLOPE * (gap - DELTA / 2)
    return np.where(gap < DELTA, SLOPE / DELTA / 2 * gap**2, line)


def huber_slope(g, x, target):
    return g * np.clip(SLOPE / DELTA * (x - target), -SLOPE, SLOPE)


# Each with the number of operands, parameters, and the formula.
FUNCTIONS = {
    "clamp_between": (3, {}, lambda x, low, high: np.minimum(np.maximum(x, low), high)),
    "lerp": (3, {}, lambda x, end, weight: x + weight * (end - x)),
    "addcmul": (3, {"value": 0.4}, lambda x, a, b: x + 0.4 * a * b),
    "addcdiv": (3, {"value": 0.4}, lambda x, a, b: x + 0.4 * a / b),
    "prelu": (2, {}, lambda x, weight: np.where(x > 0, x, weight * x)),
    "prelu_backward": (3, {}, lambda g, x, weight: g * np.where(x > 0, 1, weight)),
    "huber": (2, {"delta": DELTA, "slope": SLOPE}, huber),
    "huber_backward": (3, {"delta": DELTA, "slope": SLOPE}, huber_slope),
}
FORMS = {
    "rows": ((65, 33), (33,), (65, 1)),
    "columns": ((65, 1), (65, 33), (1, 33)),
    "cubes": ((4, 5, 19), (5, 1), (4, 1, 1)),
    "one": ((), (9,), ()),
}


def close(result, exact):
    """Within a few roundings of numbers of the size of what was added up."""
    assert result.shape == exact.shape
    unit = float(np.finfo(result.dtype).eps)
    scale = np.abs(exact) + np.median(np.abs(exact)) + 1.0
    assert np.max(np.abs(result - exact) / scale, initial=0.0) < 8 * unit


def operands(count, shapes, dtype):
    """The last one is kept away from 0: something is divided by it."""
    made = [draws(shape, dtype, i) for i, shape in enumerate(shapes[:count])]
    made[-1] = (np.abs(made[-1]) + 0.25).astype(dtype).reshape(shapes[count - 1])
    return [np.asarray(a, dtype) for a in made]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_operands_of_every_size_and_form(name, path):
    count, params, formula = FUNCTIONS[name]
    shapes = [((size,),) * 3 for size in SIZES] + list(FORMS.values())
    with setting(path):
        for dtype, form in itertools.product((np.float32, np.float64), shapes):
            arrays = operands(count, form, dtype)
            exact = formula(*(a.astype(np.longdouble) for a in arrays))
            close(kernel(name, *arrays, **params), exact.astype(np.float64))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numbers_strides_and_threads(name):
    count, params, formula = FUNCTIONS[name]
    x, y, z = operands(3, ((300, 500),) * 3, np.float32)
    wide = np.zeros((300, 600), np.float32)
    wide[:, 50:550] = x
    for arrays in (
        (x, y, 0.75),
        (wide[:, 50:550], y, z),
        (x.T, y.T, z.T),
        (np.broadcast_to(np.float32(1.5), (300, 500)), y, z),
    ):
        given = arrays[: count - 1] + arrays[-1:]
        exact = formula(*(np.asarray(a, np.float64) for a in given))
        results = []
        for threads in (1, 3):
            with setting(threads=threads):
                results.append(kernel(name, *given, **params))
        close(results[0], exact)
        np.testing.assert_array_equal(*results, strict=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, path):
    count, params, _ = FUNCTIONS[name]
    x, y, z = map(np.float32, zip(*itertools.product(SPECIAL, repeat=3), strict=True))
    with setting(path):
        result = kernel(name, *(x, y, z)[:count], **params)
    expected = reference(name, *(x, y, z)[:count], **params)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(result), np.isinf(expected))
    finite = np.isfinite(expected)
    # 0.4 * 1e-40 is rounded to one of few numbers, and once less where that is fused.
    found, right = (a[finite].astype(np.float64) for a in (result, expected))
    np.testing.assert_allclose(found, right, 1e-6, 3e-45)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_float_or_of_two_types_is_left_to_the_reference(name):
    count, params, _ = FUNCTIONS[name]
    integers = [np.arange(1, 9)] * count
    mixed = [np.ones(8, np.float32)] * (count - 1) + [np.ones(8)]
    same(
        kernel(name, *integers, accepted=False, **params),
        reference(name, *integers, **params),
    )
    assert kernel(name, *mixed, accepted=False, **params).dtype == np.float64
    empty = [np.ones((0, 3), np.float32)] * count
    assert kernel(name, *empty, accepted=False, **params).shape == (0, 3)


def test_gradients_of_bounds_go_where_the_bound_was_taken():
    x = lampas.tensor([-2.0, 0.5, 3.0, -1.0, 0.5, math.nan]).requires_grad_()
    low = lampas.tensor([-1.0, 0.0, 0.0, 1.0, 2.0, 0.0]).requires_grad_()
    high = lampas.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).requires_grad_()
    y = x.clamp(low, high)
    assert y[:5].tolist() == [-1.0, 0.5, 1.0, 1.0, 1.0]
    assert math.isnan(y[5].item())
    y.backward(lampas.ones(6))
    assert x.grad.tolist() == [0, 1, 0, 0, 0, 0]
    # Where both bounds are one number, neither was chosen.
    assert low.grad.tolist() == [1, 0, 0, 0, 0, 0]
    assert high.grad.tolist() == [0, 0, 1, 0, 1, 0]


def test_losses_of_broadcast_targets_have_gradients_of_their_own_shapes():
    x = lampas.tensor([[0.0, 3.0], [1.0, -2.0]]).requires_grad_()
    target = lampas.tensor([1.0, 1.0]).requires_grad_()
    with pytest.warns(UserWarning, match="different to the input size"):
        loss = functional.huber_loss(x, target, "sum", delta=2.0)
    # 1/2 + 2 + 0 + 2 (3 - 1)
    assert loss.item() == 6.5
    loss.backward()
    assert x.grad.tolist() == [[-1.0, 2.0], [0.0, -2.0]]
    assert target.grad.tolist() == [1.0, 0.0]
    pair = x.detach()[0], target.detach()
    losses = functional.smooth_l1_loss(*pair, reduction="none", beta=0.5)
    assert losses.tolist() == [0.75, 1.75]


def test_integers_are_added_to_products_of_integers():
    x = lampas.tensor([1, 2])
    assert lampas.addcmul(x, x, x, value=3).tolist() == [4, 14]
    with pytest.raises(RuntimeError, match="alpha must be an integer"):
        lampas.addcmul(x, x, x, value=0.5)
    mixed = lampas.addcmul(x, x, lampas.tensor([0.5, 0.25]), value=2)
    assert mixed.tolist() == [2.0, 3.0]
