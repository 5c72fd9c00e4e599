"""Adafactor's native step against its formula in float64, and its reference."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Vectors; matrices small enough to be taken side by side, whole ones, and some that are
# cut into tiles in either dimension; batches of each.
SHAPES = [(), (1,), (7,), (70_001,), (1, 1), (3, 5), (16, 16), (17, 16), (16, 17)]
SHAPES += [(5, 3, 3), (64, 32, 3, 3), (3, 7, 7, 7), (40, 9, 1, 1), (3, 40, 100)]
SHAPES += [(300, 517), (1, 70_000), (70_000, 1), (3, 40_000), (2, 300, 301)]
OPTIONS = [
    {},
    {"lr": 0.3, "beta2_decay": -0.5, "d": 1.5},
    {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
    {"lr": 0.3, "eps": (0.1, 0.5)},
]
COUNT = 3


def drawn(shapes=SHAPES, dtype=np.float32):
    """Parameters, and their gradients of some steps, of sizes far apart."""
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(s).astype(dtype) for s in shapes]
    slopes = [
        [
            (rng.standard_normal(s) * 10.0 ** rng.uniform(-2, 2, s)).astype(dtype)
            for s in shapes
        ]
        for _ in range(COUNT)
    ]
    return starts, slopes


def stepped(starts, slopes, options):
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    optimizer = lampas.optim.Adafactor(params, **options)
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    return [p.detach().numpy() for p in params]


def formula(p, slopes, least, o):
    """The steps of one parameter in float64."""
    p, rows, columns = p.astype(np.float64), 0.0, 0.0
    lr, d, decay = o.get("lr", 0.01), o.get("d", 1.0), o.get("weight_decay", 0.0)
    least, smallest = o.get("eps", (least, 1e-3))
    for t, g in enumerate(slopes, 1):
        g = g.astype(np.float64) * (-1 if o.get("maximize") else 1)
        b = t ** o.get("beta2_decay", -0.8)
        size = max(smallest, np.sqrt(np.mean(p**2))) * min(lr, 1 / np.sqrt(t))
        if p.ndim < 2:
            rows = v = (1 - b) * rows + b * g**2
        else:
            rows = (1 - b) * rows + b * np.mean(g**2, -1, keepdims=True)
            columns = (1 - b) * columns + b * np.mean(g**2, -2, keepdims=True)
            v = rows * columns / np.maximum(rows.mean(-2, keepdims=True), least)
        u = g / np.sqrt(np.maximum(v, least**2))
        u = u / max(1.0, np.sqrt(np.mean(u**2)) / d)
        p = p * (1 - lr * decay) - size * u
    return p


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_formula(path, dtype, options):
    starts, slopes = drawn(dtype=dtype)
    taken = kernels.report()["adafactor_step"][0]
    found = stepped(starts, slopes, options)
    assert kernels.report()["adafactor_step"][0] == taken + COUNT
    eps = float(np.finfo(dtype).eps)
    for i, got in enumerate(found):
        want = formula(starts[i], [row[i] for row in slopes], eps, options)
        np.testing.assert_allclose(got, want, 20 * eps, 20 * eps, str(SHAPES[i]))


def test_groups_have_their_own_options_and_nothing_is_stepped_too():
    starts, slopes = drawn([(0,), (3, 5), (2, 0, 3), (4, 5)])
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.2}]
    optimizer = lampas.optim.Adafactor(groups)
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    assert [int(optimizer.state[p]["step"]) for p in params] == [COUNT] * 4
    for i, options in ((1, {}), (3, {"lr": 0.2})):
        want = formula(starts[i], [row[i] for row in slopes], 2**-23, options)
        np.testing.assert_allclose(params[i].detach().numpy(), want, 2e-6, 2e-6)


@pytest.mark.parametrize("shape", [(8,), (2, 4), (17, 40), (4, 2, 2), (2, 70_000)])
@pytest.mark.parametrize("eps", [(None, 1e-3), (0.0, 0.0)])
def test_what_is_not_finite_goes_where_the_reference_takes_it(path, shape, eps):
    values = [np.nan, np.inf, -np.inf, 0.0, 1e25, -1e25, 1e-25, 2.0]
    for i, value in enumerate(values):
        slope = np.resize([1.0, -2.0, 0.0, 3.0, 0.5], shape).astype(np.float32)
        slope.reshape(-1)[i * slope.size // 8] = value
        start = np.ones(shape, np.float32)
        slopes = [[slope], [np.zeros_like(slope)], [slope]]
        got = stepped([start], slopes, {"eps": eps})[0]
        with kernels.disabled():
            want = stepped([start], slopes, {"eps": eps})[0]
        np.testing.assert_allclose(got, want, 2e-5, err_msg=str(value))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_the_size_of_a_parameter_that_is_no_number_counts_as_the_least(value):
    start = np.array([[1.0, value], [0.0, 2.0]], np.float32)
    slopes = [[np.ones((2, 2), np.float32)]]
    got = stepped([start], slopes, {})
    with kernels.disabled():
        want = stepped([start], slopes, {})
    np.testing.assert_allclose(got, want, 1e-6)


def test_threads_do_not_change_a_step():
    starts, slopes = drawn()
    results, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            found = stepped(starts, slopes, {"weight_decay": 0.1})
            results.append([p.tobytes() for p in found])
    finally:
        lampas.set_num_threads(before)
    assert results[0] == results[1]


def twice():
    p = lampas.nn.Parameter(lampas.ones(3, 4))
    with pytest.warns(UserWarning, match="duplicate"):
        return [p], lampas.optim.Adafactor([p, p])


def one(p):
    return [p], lampas.optim.Adafactor([p])


LEFT = {
    "listed twice": twice,
    "another order": lambda: one(lampas.nn.Parameter(lampas.ones(4, 3).t())),
    "half precision": lambda: one(lampas.nn.Parameter(lampas.ones(3).bfloat16())),
}


@pytest.mark.parametrize("make", LEFT.values(), ids=LEFT)
def test_left_to_the_reference(make):
    found = []
    left = kernels.report()["adafactor_step"][1]
    for enabled in (True, False):
        before = native.extension.set_enabled(enabled)
        params, optimizer = make()
        for p in params:
            p.grad = lampas.ones_like(p) * 0.5
        optimizer.step()
        native.extension.set_enabled(before)
        found.append(params[0].detach().float().numpy())
    assert kernels.report()["adafactor_step"][1] == left + 1
    np.testing.assert_array_equal(*found)
    assert (found[0] < 1).all()


def test_the_kernel_takes_the_others_of_a_group():
    starts, slopes = drawn([(4, 6), (6, 4), (9,)])
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    # One lies in columns.
    turned = lampas.tensor(np.ascontiguousarray(starts[1].T))
    params[1] = lampas.nn.Parameter(turned.t())
    optimizer = lampas.optim.Adafactor(params)
    taken, left = kernels.report()["adafactor_step"]
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    # The group is tried at first.
    expected = (taken + 2 * COUNT, left + 2 * COUNT)
    assert kernels.report()["adafactor_step"] == expected
    for i, p in enumerate(params):
        want = formula(starts[i], [row[i] for row in slopes], 2**-23, {})
        np.testing.assert_allclose(p.detach().numpy(), want, 2e-6, 2e-6)


def test_state_that_lies_otherwise_is_left_to_the_reference():
    p = lampas.nn.Parameter(lampas.ones(3, 4))
    optimizer = lampas.optim.Adafactor([p])
    p.grad = lampas.ones(3, 4)
    optimizer.step()
    state = optimizer.state[p]
    state["row_var"] = lampas.zeros(3, 2)[:, ::2]
    left = kernels.report()["adafactor_step"][1]
    optimizer.step()
    assert kernels.report()["adafactor_step"][1] == left + 1
    assert (state["row_var"] > 0.5).all()
