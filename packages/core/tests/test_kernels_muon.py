"""Muon's native step against its formula in float64."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Wide, tall and square; around bands of symmetric products; some split over threads.
SHAPES = [(1, 1), (1, 9), (9, 1), (5, 7), (33, 20), (64, 64), (146, 150), (260, 146)]
OPTIONS = [
    {},
    {"nesterov": False, "momentum": 0.7, "weight_decay": 0.0},
    {"adjust_lr_fn": "match_rms_adamw", "eps": 10.0},
    {"ns_coefficients": (2, -1.5, 0.5), "ns_steps": 7},
    {"ns_steps": 0},
]
COUNT = 3


def drawn(shapes=SHAPES, dtype=np.float32):
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(s).astype(dtype) for s in shapes]
    slopes = [
        [rng.standard_normal(s).astype(dtype) for s in shapes] for _ in range(COUNT)
    ]
    return starts, slopes


def stepped(starts, slopes, options):
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    optimizer = lampas.optim.Muon(params, lr=0.1, **options)
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    return [p.detach().numpy() for p in params]


def formula(p, slopes, o):
    """The steps of one parameter in float64."""
    p, m = p.astype(np.float64), 0.0
    rows, columns = p.shape
    momentum, lr = o.get("momentum", 0.95), 0.1
    a, b, c = o.get("ns_coefficients", (3.4445, -4.775, 2.0315))
    scale = np.sqrt(max(1, rows / columns))
    if o.get("adjust_lr_fn") == "match_rms_adamw":
        scale = 0.2 * np.sqrt(max(rows, columns))
    for g in slopes:
        m = momentum * m + (1 - momentum) * g.astype(np.float64)
        x = momentum * m + (1 - momentum) * g if o.get("nesterov", True) else m
        x = x / max(np.linalg.norm(x), o.get("eps", 1e-7))
        for _ in range(o.get("ns_steps", 5)):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        p = p * (1 - lr * o.get("weight_decay", 0.1)) - lr * scale * x
    return p


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_formula(path, dtype, options):
    starts, slopes = drawn(dtype=dtype)
    taken = kernels.report()["muon_step"][0]
    found = stepped(starts, slopes, options)
    assert kernels.report()["muon_step"][0] == taken + COUNT
    for i, got in enumerate(found):
        want = formula(starts[i], [row[i] for row in slopes], options)
        # A few roundings of float32, in which doubles are iterated too.
        np.testing.assert_allclose(got, want, 0, 2e-6, err_msg=str(SHAPES[i]))


@pytest.mark.parametrize("count", [5, 20])
def test_few_large_and_many_small_matrices(count):
    shapes = [(130, 260), (260, 130), (12, 5), (0, 3), (3, 0)][:count] * (
        count // 5 + 1
    )
    starts, slopes = drawn(shapes)
    found = stepped(starts, slopes, {})
    for i, got in enumerate(found):
        if got.size:
            want = formula(starts[i], [row[i] for row in slopes], {})
            np.testing.assert_allclose(got, want, 1e-5, 1e-5)


def test_groups_have_their_own_options():
    starts, slopes = drawn([(4, 6), (7, 3)])
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    groups = [{"params": params[:1]}, {"params": params[1:], "momentum": 0.5}]
    optimizer = lampas.optim.Muon(groups, lr=0.1)
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    for i, options in enumerate(({}, {"momentum": 0.5})):
        want = formula(starts[i], [row[i] for row in slopes], options)
        np.testing.assert_allclose(params[i].detach().numpy(), want, 1e-5, 1e-5)


def test_matrices_that_lie_in_columns_are_taken():
    starts, slopes = drawn([(4, 6), (7, 3)])
    params = [
        lampas.nn.Parameter(lampas.tensor(np.ascontiguousarray(a.T)).t())
        for a in starts
    ]
    optimizer = lampas.optim.Muon(params, lr=0.1)
    taken = kernels.report()["muon_step"][0]
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(np.ascontiguousarray(g.T)).t()
        optimizer.step()
    assert kernels.report()["muon_step"][0] == taken + COUNT
    for i, p in enumerate(params):
        want = formula(starts[i], [row[i] for row in slopes], {})
        np.testing.assert_allclose(p.detach().numpy(), want, 1e-5, 1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_what_is_not_finite_spreads_to_the_whole_matrix(path, value):
    starts = [np.ones((3, 5), np.float32), np.ones((200, 160), np.float32)]
    slopes = [[np.full(a.shape, value * (value == 0), np.float32) for a in starts]]
    for g in slopes[0]:
        g[1, 2] = value
    # Without a gradient there is the decay alone.
    want = 1 - 0.1 * 0.1 if value == 0 else np.nan
    for got in stepped(starts, slopes, {}):
        np.testing.assert_allclose(got, want, 1e-6)


def test_threads_do_not_change_a_step():
    starts, slopes = drawn([*SHAPES, (160, 1100)])
    results, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            found = stepped(starts, slopes, {})
            results.append([p.tobytes() for p in found])
    finally:
        lampas.set_num_threads(before)
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", [lampas.bfloat16, lampas.float16])
def test_half_precision_is_left_to_the_reference(dtype):
    p = lampas.nn.Parameter(lampas.eye(2, dtype=dtype))
    p.grad = lampas.eye(2, dtype=dtype)
    left = kernels.report()["muon_step"][1]
    lampas.optim.Muon([p], lr=0.5, weight_decay=0.0).step()
    assert kernels.report()["muon_step"][1] == left + 1
    assert p[0, 1].item() == 0.0
    assert 0.4 < p[0, 0].item() < 0.7


def test_the_kernel_takes_the_others_of_a_group():
    shapes = [(4, 6), (5, 5), (7, 3)]
    starts, slopes = drawn(shapes)
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    params[1] = lampas.nn.Parameter(params[1].detach().bfloat16())
    optimizer = lampas.optim.Muon(params, lr=0.1)
    taken, left = kernels.report()["muon_step"]
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g).to(p.dtype)
        optimizer.step()
    # The group is tried at first, and then what is of each type.
    assert kernels.report()["muon_step"] == (taken + COUNT, left + 2 * COUNT)
    for i, p in enumerate(params):
        want = formula(starts[i], [row[i] for row in slopes], {})
        near = 1e-5 if p.dtype is lampas.float32 else 0.1
        np.testing.assert_allclose(p.detach().float().numpy(), want, near, near)


def test_a_gradient_that_is_the_parameter_is_left_to_the_reference():
    p = lampas.nn.Parameter(lampas.eye(2) * 2)
    p.grad = p.detach()
    left = kernels.report()["muon_step"][1]
    lampas.optim.Muon([p], lr=0.5, weight_decay=0.0).step()
    assert kernels.report()["muon_step"][1] == left + 1
    assert 1.4 < p[0, 0].item() < 1.7
