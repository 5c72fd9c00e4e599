"""Gradients summed, measured and scaled natively, against float64 and against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm
from lampas.optim import swa_utils

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
DTYPES = [np.float32, np.float64]
# Around the widths of vectors and of chunks; 0-d; nothing at all.
SHAPES = [(), (0,), (1,), (7,), (3, 5), (3, 0), (17, 64), (70_001,)]


def taken(name):
    return kernels.report()[name][0]


def left(name):
    return kernels.report()[name][1]


def parameters(dtype, scale=1.0, shapes=SHAPES):
    rng = np.random.default_rng(1)
    found = []
    for shape in shapes:
        p = lampas.nn.Parameter(
            lampas.zeros(shape, dtype=lampas.tensor(dtype(0)).dtype)
        )
        p.grad = lampas.tensor((rng.standard_normal(shape) * scale).astype(dtype))
        found.append(p)
    return found


def joined(params):
    return np.concatenate([p.grad.numpy().ravel() for p in params]).astype(np.float64)


# ---- clipping


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [1.0, 2.0, math.inf])
def test_norms(path, dtype, order):
    params = parameters(dtype)
    before = taken("total_norm")
    total = get_total_norm([p.grad for p in params], order)
    assert taken("total_norm") == before + 1
    assert total.shape == () and total.numpy().dtype == dtype
    expected = np.linalg.norm(joined(params), order)
    assert total.item() == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("order", [0.0, 3.0, -math.inf])
def test_other_orders_are_left_to_the_reference(order):
    before = left("total_norm")
    total = get_total_norm([lampas.tensor([3.0, -4.0])], order)
    assert left("total_norm") == before + 1
    expected = {0.0: 1.0, 3.0: 91 ** (1 / 3), -math.inf: 3.0}
    assert total.item() == pytest.approx(expected[order])


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_squares_of_small_and_large_numbers_have_room(path, size):
    total = get_total_norm([lampas.tensor([3 * size, 4 * size])])
    assert total.item() == pytest.approx(5 * size)


@pytest.mark.parametrize("size", [1e-200, 1e200, 0.0])
def test_doubles_out_of_range_are_left_to_the_reference(path, size):
    before = left("total_norm")
    wide = lampas.tensor([3 * size, 4 * size], dtype=lampas.float64)
    assert get_total_norm([wide]).item() == pytest.approx(5 * size, abs=0.0)
    assert left("total_norm") == before + 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("order", [1.0, 2.0, math.inf])
@pytest.mark.parametrize("at", [0, 8, 37])
def test_norms_of_what_is_not_finite(path, bad, order, at):
    values = np.ones(40, np.float32)
    values[at] = bad
    total = get_total_norm([lampas.tensor(values), lampas.ones(3)], order).item()
    assert math.isnan(total) if math.isnan(bad) else total == math.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_clipped_norms(path, dtype):
    params, raw = parameters(dtype), parameters(dtype)
    before = taken("scale_all")
    norm = clip_grad_norm_(params, 2.0).item()
    assert taken("scale_all") == before + 1
    factor = dtype(2.0 / (norm + 1e-6))
    for p, q in zip(params, raw, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy() * factor)


@pytest.mark.parametrize("dtype", DTYPES)
def test_clipped_values(path, dtype):
    params, raw = parameters(dtype), parameters(dtype)
    params[3].grad[2:5] = lampas.tensor([math.nan, math.inf, -math.inf]).to(
        params[3].grad.dtype
    )
    raw[3].grad[2:5] = params[3].grad[2:5]
    before = taken("clamp_all")
    clip_grad_value_(params, 0.3)
    assert taken("clamp_all") == before + 1
    for p, q in zip(params, raw, strict=True):
        expected = np.clip(q.grad.numpy(), -dtype(0.3), dtype(0.3))
        np.testing.assert_array_equal(p.grad.numpy(), expected)


def test_gradients_set_to_zero(path):
    params, before = parameters(np.float32), taken("zero_all")
    params[3].grad[0] = math.nan
    x = lampas.ones(7, requires_grad=True)
    y = (x * params[3].grad).sum()
    lampas.optim.SGD(params, lr=1.0).zero_grad(set_to_none=False)
    assert taken("zero_all") == before + 1
    assert not any(p.grad.numpy().any() for p in params)
    with pytest.raises(RuntimeError, match="zero_grad"):
        y.backward()


def test_a_gradient_listed_twice_is_scaled_twice():
    p = lampas.nn.Parameter(lampas.zeros(2))
    p.grad = lampas.tensor([3.0, 4.0])
    before = left("scale_all")
    lampas.nn.utils.clip_grads_with_norm_([p, p], 1.0, lampas.tensor(2.0))
    assert left("scale_all") == before + 1
    np.testing.assert_allclose(p.grad.numpy(), [0.75, 1.0], rtol=1e-5)


@pytest.mark.parametrize("dtype", [lampas.bfloat16, lampas.complex64])
def test_other_types_are_left_to_the_reference(dtype):
    p = lampas.nn.Parameter(lampas.zeros(2, dtype=dtype))
    p.grad = lampas.tensor([3.0, 4.0]).to(dtype)
    assert clip_grad_norm_([p], 1.0).item() == 5.0
    values = p.grad.to(lampas.complex64).real.numpy()
    np.testing.assert_allclose(values, [0.6, 0.8], rtol=1e-2)


def test_gradients_in_another_order_of_memory():
    p = lampas.nn.Parameter(lampas.zeros(4, 3))
    p.grad = lampas.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4)).t()
    before = taken("total_norm")
    assert get_total_norm([p.grad]).item() == pytest.approx(506**0.5)
    assert taken("total_norm") == before + 1
    holes = lampas.arange(8.0)[::2]
    assert get_total_norm([holes]).item() == pytest.approx(56**0.5)


def test_threads_do_not_change_a_norm():
    params, before, found = parameters(np.float32), lampas.get_num_threads(), []
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            found.append(get_total_norm([p.grad for p in params], 1.0).item())
    finally:
        lampas.set_num_threads(before)
    assert found[0] == found[1]


# ---- scaling of losses


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 70_000])
def test_gradients_are_divided_and_looked_at(path, dtype, bad, at):
    params = parameters(dtype)
    if bad is not None:
        params[-1].grad[at] = bad
    raw = [p.grad.clone() for p in params]
    optimizer = lampas.optim.SGD(params, lr=0.0)
    scaler, before = lampas.GradScaler("cpu", init_scale=8.0), taken("unscale_all")
    scaler.unscale_(optimizer)
    assert taken("unscale_all") == before + 1
    for p, g in zip(params, raw, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), g.numpy() / 8)
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == (8.0 if bad is None else 4.0)


# ---- averages


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponential", [False, True])
def test_averages(path, dtype, exponential):
    ours, new = parameters(dtype), parameters(dtype, 3.0)
    averages, currents = [p.grad for p in ours], [p.grad for p in new]
    first, second = joined(ours), joined(new)
    move = swa_utils.get_ema_multi_avg_fn(0.9)
    weight = 0.1
    if not exponential:
        move, weight = swa_utils.get_swa_multi_avg_fn(), 1 / 4
    before = taken("mix_all")
    move(averages, currents, 3)
    assert taken("mix_all") == before + 1
    expected = first + weight * (second - first)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(joined(ours), expected, rtol=4 * eps, atol=4 * eps)


def test_averages_count_as_written():
    average = lampas.ones(3)
    x = lampas.ones(3, requires_grad=True)
    y = x * average
    swa_utils.get_ema_multi_avg_fn(0.5)([average], [lampas.zeros(3)], 1)
    with pytest.raises(RuntimeError, match="an average"):
        y.sum().backward()


# ---- gradients that are added up


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_gradient_of_two_passes(path, dtype, shape):
    rng = np.random.default_rng(2)
    first, second = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    x = lampas.tensor(np.zeros(shape, dtype), requires_grad=True)
    x.backward(lampas.tensor(first))
    grad, before = x.grad, taken("add_into")
    x.backward(lampas.tensor(second))
    if first.size:
        assert taken("add_into") == before + 1
    assert x.grad is grad
    np.testing.assert_array_equal(x.grad.numpy(), first + second)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_of_many_uses(path, shape):
    # The first and the last use leave gradients that are not the pass's own.
    rng = np.random.default_rng(3)
    x = lampas.tensor(rng.standard_normal(shape), requires_grad=True)
    weights = rng.standard_normal(shape)
    y = x * 1.0
    ((y + y.exp() + y.sin() * y + y) * lampas.tensor(weights)).sum().backward()
    data = x.detach().numpy()
    slope = 2 + np.exp(data) + np.cos(data) * data + np.sin(data)
    np.testing.assert_allclose(x.grad.numpy(), weights * slope, rtol=1e-12)


def test_gradients_given_are_not_added_to():
    given = lampas.ones(40_000)
    x = lampas.zeros(40_000, requires_grad=True)
    y = x * 1.0
    (y + y * 2.0).backward(given)
    assert given.numpy().min() == given.numpy().max() == 1.0
    assert x.grad.numpy().min() == x.grad.numpy().max() == 3.0


def test_gradients_that_overlap_are_left_to_the_reference():
    memory = np.arange(8, dtype=np.float32)
    x = lampas.zeros(7, requires_grad=True)
    x.grad = lampas.from_numpy(memory)[1:]
    before = left("add_into")
    x.backward(lampas.from_numpy(memory)[:-1])
    assert left("add_into") == before + 1
    assert x.grad.tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0]
