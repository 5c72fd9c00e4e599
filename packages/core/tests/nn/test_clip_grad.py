"""Clipping of gradients, against norms in float64."""

import math

import numpy as np
import pytest

import lampas
from lampas.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm


def parameters_with(*grads, dtype=lampas.float32):
    parameters = []
    for g in grads:
        p = lampas.zeros(np.shape(g), dtype=dtype, requires_grad=True)
        p.grad = lampas.tensor(g, dtype=dtype)
        parameters.append(p)
    return parameters


GRADS = [[[3.0, -4.0], [0.0, 12.0]], [-84.0]]


@pytest.mark.parametrize(
    ("order", "norm"),
    [
        (2, 85.0),
        (1, 103.0),
        (math.inf, 84.0),
        ("inf", 84.0),
        (-math.inf, 0.0),
        (3, (27 + 64 + 12**3 + 84**3) ** (1 / 3)),
    ],
)
def test_norm_is_that_of_all_entries(order, norm):
    total = clip_grad_norm_(parameters_with(*GRADS), 1e9, order)
    assert total.shape == ()
    assert total.dtype is lampas.float32
    assert total.item() == pytest.approx(norm, rel=1e-6)


def test_zero_norm_is_the_norm_of_counts():
    # As in PyTorch, orders are applied twice: within tensors, then over their norms.
    assert get_total_norm([lampas.tensor(g) for g in GRADS], 0).item() == 2.0


@pytest.mark.parametrize("dtype", [lampas.float16, lampas.bfloat16, lampas.float32])
def test_gradients_are_scaled_down(dtype):
    parameters = parameters_with(*GRADS, dtype=dtype)
    clip_grad_norm_(parameters, 17.0)
    tolerance = 1e-5 if dtype is lampas.float32 else 1e-2
    for p, g in zip(parameters, GRADS):
        assert p.grad.dtype is dtype
        np.testing.assert_allclose(
            p.grad.double().numpy(), np.array(g) / 5, rtol=tolerance
        )


def test_small_gradients_are_left_alone():
    parameters = parameters_with(*GRADS)
    clip_grad_norm_(parameters, 85.1)
    assert [p.grad.tolist() for p in parameters] == GRADS


def test_very_large_and_small_entries():
    big = get_total_norm(lampas.tensor([3e30, 4e30]))
    assert big.item() == pytest.approx(5e30, rel=1e-6)
    small = get_total_norm(lampas.tensor([3e-30, 4e-30]))
    assert small.item() == pytest.approx(5e-30, rel=1e-6)


def test_parameters_without_gradient_are_left_out():
    bare = lampas.ones(3, requires_grad=True)
    (p,) = parameters_with([3.0, 4.0])
    assert clip_grad_norm_(iter([bare, p]), 1.0).item() == pytest.approx(5.0)
    assert bare.grad is None
    assert clip_grad_norm_([bare], 1.0).item() == 0.0
    assert clip_grad_norm_([], 1.0).item() == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_refuses_what_is_not_finite_before_changing_anything(bad):
    parameters = parameters_with([1.0, 2.0], [bad])
    with pytest.raises(RuntimeError, match=f"of 2 gradients is {bad}"):
        clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert parameters[0].grad.tolist() == [1.0, 2.0]


def test_infinite_norm_clears_and_nan_spreads():
    parameters = parameters_with([1.0], [math.inf])
    assert clip_grad_norm_(parameters, 1.0).item() == math.inf
    assert parameters[0].grad.item() == 0.0
    parameters = parameters_with([1.0], [math.nan])
    clip_grad_norm_(parameters, 1.0)
    assert math.isnan(parameters[0].grad.item())


def test_values_are_clipped():
    parameters = parameters_with([-3.0, 0.5, 2.0], [[math.inf]])
    clip_grad_value_(parameters, 1)
    assert [p.grad.tolist() for p in parameters] == [[-1.0, 0.5, 1.0], [[1.0]]]
    with pytest.raises(ValueError, match="clip_value must be >= 0, got -1"):
        clip_grad_value_(parameters, -1)


def test_one_tensor_alone_and_wrong_types():
    (p,) = parameters_with([3.0, 4.0])
    assert clip_grad_norm_(p, 1.0).item() == pytest.approx(5.0)
    with pytest.raises(TypeError, match="got str at position 0"):
        clip_grad_norm_(["w"], 1.0)


def test_a_clipped_gradient_that_the_tape_needs_is_missed():
    w = lampas.tensor([3.0], requires_grad=True)
    (w**3).sum().backward(create_graph=True)
    penalty = (w.grad**2).sum()
    clip_grad_norm_(w, 1.0)
    with pytest.raises(RuntimeError, match="clip_grad_norm_"):
        penalty.backward()
