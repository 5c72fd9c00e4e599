"""The optimizers' native steps against their formulas in float64."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Around the widths of vectors and of chunks; 0-d; nothing at all.
SHAPES = [(), (0,), (3, 0), (1,), (7,), (3, 5), (17, 64), (70_001,)]
ADAMS = [
    {},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"amsgrad": True, "weight_decay": 0.1},
    {"lr": 0.3, "betas": (0.5, 0.6), "eps": 1e-3, "maximize": True},
]
SGDS = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.2},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.2},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
]


# How far single numbers may be off after some steps, relatively and absolutely.
NEAR = {"float32": (3e-6, 3e-6), "float64": (1e-14, 1e-14)}
BOTH = pytest.mark.parametrize("dtype", NEAR)


def steps(make, options, count=3, dtype="float32"):
    """Parameters after some steps, and what float64 makes of the same numbers."""
    rng = np.random.default_rng(0)

    def drawn():
        # Numbers of float32 in any case, so that there are the same ones in both.
        made = [rng.standard_normal(s).astype(np.float32) for s in SHAPES]
        return [a.astype(dtype) for a in made]

    starts, slopes = drawn(), [drawn() for _ in range(count)]
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    optimizer = make(params, **options)
    for row in slopes:
        for p, g in zip(params, row, strict=True):
            p.grad = lampas.tensor(g)
        optimizer.step()
    sign = -1.0 if options.get("maximize") else 1.0
    wide = [[sign * g.astype(np.float64) for g in row] for row in slopes]
    return params, [a.astype(np.float64) for a in starts], wide


def adam(p, slopes, o, decoupled):
    b1, b2 = o.get("betas", (0.9, 0.999))
    lr, eps = o.get("lr", 1e-3), o.get("eps", 1e-8)
    decay = o.get("weight_decay", 0.01 if decoupled else 0.0)
    m = v = top = 0.0
    for t, g in enumerate(slopes, 1):
        if decoupled:
            p = p * (1 - lr * decay)
        else:
            g = g + decay * p
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        top = np.maximum(top, v)
        used = top if o.get("amsgrad") else v
        p = p - lr * (m / (1 - b1**t)) / (np.sqrt(used / (1 - b2**t)) + eps)
    return p


def sgd(p, slopes, o):
    velocity, lr, momentum = None, o["lr"], o.get("momentum", 0.0)
    for g in slopes:
        g = g + o.get("weight_decay", 0.0) * p
        if velocity is None:
            velocity = g
        else:
            velocity = momentum * velocity + (1 - o.get("dampening", 0.0)) * g
        step = velocity if momentum else g
        p = p - lr * (g + momentum * velocity if o.get("nesterov") else step)
    return p


@pytest.mark.parametrize("options", ADAMS, ids=str)
@pytest.mark.parametrize("decoupled", [False, True])
@BOTH
def test_adam(path, options, decoupled, dtype):
    make = lampas.optim.AdamW if decoupled else lampas.optim.Adam
    taken = kernels.report()["adam_step"][0]
    params, starts, slopes = steps(make, options, dtype=dtype)
    assert kernels.report()["adam_step"][0] == taken + 3
    for i, p in enumerate(params):
        expected = adam(starts[i], [row[i] for row in slopes], options, decoupled)
        np.testing.assert_allclose(p.detach().numpy(), expected, *NEAR[dtype])


@pytest.mark.parametrize("options", SGDS, ids=str)
@BOTH
def test_sgd(path, options, dtype):
    taken = kernels.report()["sgd_step"][0]
    params, starts, slopes = steps(lampas.optim.SGD, options, dtype=dtype)
    # The first step of a momentum makes the velocity, which the reference does.
    by_kernel = 2 if options.get("momentum") else 3
    assert kernels.report()["sgd_step"][0] == taken + by_kernel
    for i, p in enumerate(params):
        expected = sgd(starts[i], [row[i] for row in slopes], options)
        np.testing.assert_allclose(p.detach().numpy(), expected, *NEAR[dtype])


# By the name of the kernel: the optimizer and what sets its branches apart.
DECAYS = {"weight_decay": 0.1, "maximize": True}
OTHERS = [
    ("rmsprop", "RMSprop", {}),
    ("rmsprop", "RMSprop", {"momentum": 0.9, **DECAYS}),
    ("rmsprop", "RMSprop", {"centered": True, "alpha": 0.7}),
    ("rmsprop", "RMSprop", {"centered": True, "momentum": 0.5, **DECAYS}),
    ("adagrad", "Adagrad", {}),
    ("adagrad", "Adagrad", {"lr_decay": 0.3, "initial_accumulator_value": 0.5}),
    ("adagrad", "Adagrad", DECAYS),
    ("adadelta", "Adadelta", {}),
    ("adadelta", "Adadelta", {"rho": 0.6, "eps": 1e-3, **DECAYS}),
    ("adamax", "Adamax", {}),
    ("adamax", "Adamax", {"betas": (0.5, 0.6), "eps": 1e-3, **DECAYS}),
    ("nadam", "NAdam", {}),
    ("nadam", "NAdam", {"betas": (0.5, 0.6), "momentum_decay": 0.1, **DECAYS}),
    ("nadam", "NAdam", {"decoupled_weight_decay": True, **DECAYS}),
    ("radam", "RAdam", {}),
    ("radam", "RAdam", {"betas": (0.5, 0.999), "lr": 0.1, **DECAYS}),
    ("radam", "RAdam", {"decoupled_weight_decay": True, **DECAYS}),
    ("rprop", "Rprop", {}),
    ("rprop", "Rprop", {"etas": (0.4, 1.3), "step_sizes": (1e-3, 0.02)}),
    ("rprop", "Rprop", {"maximize": True}),
    ("asgd", "ASGD", {"lr": 0.1}),
    ("asgd", "ASGD", {"lr": 0.1, "t0": 2, "lambd": 0.1, **DECAYS}),
]


@contextlib.contextmanager
def numbers_of(dtype):
    """Counts and rates in the states are of the default type."""
    before = lampas.get_default_dtype()
    lampas.set_default_dtype(getattr(lampas, dtype))
    try:
        yield
    finally:
        lampas.set_default_dtype(before)


@pytest.mark.parametrize(("name", "make", "options"), OTHERS, ids=str)
@pytest.mark.parametrize(
    ("dtype", "near"), [("float32", (2e-5, 5e-6)), ("float64", (1e-13, 1e-13))]
)
def test_other_optimizers(path, name, make, options, dtype, near):
    make, count = getattr(lampas.optim, make), 7
    taken = kernels.report()[f"{name}_step"][0]
    with numbers_of(dtype):
        params, _, _ = steps(make, options, count, dtype)
    assert kernels.report()[f"{name}_step"][0] == taken + count
    with numbers_of("float64"), kernels.disabled():
        right, _, _ = steps(make, options, count, "float64")
    for p, q in zip(params, right, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), *near)


@BOTH
@pytest.mark.parametrize(("name", "make", "options"), OTHERS, ids=str)
def test_steps_of_what_is_not_finite(path, name, make, options, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e15, 1e-15, 2.0], dtype)
    results = []
    for enabled in (True, False):
        before = native.extension.set_enabled(enabled)
        try:
            p = lampas.nn.Parameter(lampas.ones(8, dtype=getattr(lampas, dtype)))
            optimizer = getattr(lampas.optim, make)([p], **options)
            for sign in (1.0, 1.0, -1.0):
                p.grad = lampas.tensor(sign * values)
                optimizer.step()
        finally:
            native.extension.set_enabled(before)
        results.append(p.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_a_parameter_listed_twice_is_changed_twice():
    p = lampas.nn.Parameter(lampas.ones(2))
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = lampas.optim.SGD([p, p], lr=0.25)
    p.grad = lampas.ones(2)
    left = kernels.report()["sgd_step"][1]
    optimizer.step()
    assert kernels.report()["sgd_step"][1] == left + 1
    assert p.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("kind", [lampas.optim.SGD, lampas.optim.RMSprop])
def test_a_gradient_that_is_another_parameter_is_read_before_or_after(kind):
    """One thread must not read what another writes meanwhile."""
    values = np.random.default_rng(0).standard_normal((2, 400_000)).astype(np.float32)

    def stepped():
        p, q = (lampas.nn.Parameter(lampas.tensor(row)) for row in values)
        p.grad, q.grad = lampas.tensor(values[1]), p.detach()
        kind([p, q], lr=0.1, momentum=0.9).step()
        return q.detach().numpy()

    before = lampas.get_num_threads()
    lampas.set_num_threads(2)
    try:
        ours = stepped()
    finally:
        lampas.set_num_threads(before)
    with kernels.disabled():
        right = stepped()
    # Of a gradient near zero, whose rounding differs, RMSprop takes the sign.
    np.testing.assert_allclose(ours, right, rtol=1e-5, atol=1e-3)


def test_gradients_in_another_order_of_memory_are_left_to_the_reference():
    p = lampas.nn.Parameter(lampas.zeros(3, 2))
    p.grad = lampas.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).t()
    left = kernels.report()["sgd_step"][1]
    lampas.optim.SGD([p], lr=1.0).step()
    assert kernels.report()["sgd_step"][1] == left + 1
    assert p.tolist() == [[-1.0, -4.0], [-2.0, -5.0], [-3.0, -6.0]]


@pytest.mark.parametrize("dtype", [lampas.bfloat16, lampas.complex64])
@pytest.mark.parametrize("make", [lampas.optim.SGD, lampas.optim.Adam])
def test_other_types_are_left_to_the_reference(make, dtype):
    p = lampas.nn.Parameter(lampas.ones(3, dtype=dtype))
    p.grad = lampas.ones(3, dtype=dtype)
    make([p], lr=0.5).step()
    assert p.detach().to(lampas.complex64).real.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("make", [lampas.optim.SGD, lampas.optim.Adam])
@pytest.mark.parametrize("narrow", [lampas.float32, lampas.float16])
def test_parameters_of_several_types_are_left_to_the_reference(make, narrow):
    for dtypes in ([narrow, lampas.float64], [lampas.float64, narrow]):
        params = [lampas.nn.Parameter(lampas.ones(3, dtype=d)) for d in dtypes]
        for p in params:
            p.grad = lampas.ones_like(p)
        make(params, lr=0.5).step()
        assert [p.dtype for p in params] == dtypes
        for p in params:
            np.testing.assert_allclose(p.detach().numpy(), 0.5, 1e-7)


@pytest.mark.parametrize("make", [lampas.optim.SGD, lampas.optim.Adam])
def test_the_kernel_takes_the_others_of_a_group(make):
    types = [lampas.float32, lampas.bfloat16, lampas.float64, lampas.float32]
    params = [lampas.nn.Parameter(lampas.ones(3, 2, dtype=d)) for d in types]
    for p in params:
        p.grad = lampas.ones_like(p)
    params[3].grad = lampas.ones(2, 3).t()
    name = f"{make.__name__.lower()}_step"
    taken, left = kernels.report()[name]
    make(params, lr=0.5).step()
    # All are tried, then what is of each type, and then floats one after the other.
    assert kernels.report()[name] == (taken + 2, left + 4)
    for p in params:
        np.testing.assert_allclose(p.detach().double().numpy(), 0.5, 1e-7)


def test_a_parameter_whose_velocity_is_to_be_made_leaves_the_others_to_the_kernel():
    params = [lampas.nn.Parameter(lampas.ones(2)) for _ in range(2)]
    optimizer = lampas.optim.SGD(params, lr=0.25, momentum=0.5)
    params[0].grad = lampas.ones(2)
    optimizer.step()
    params[1].grad = lampas.ones(2)
    taken = kernels.report()["sgd_step"][0]
    optimizer.step()
    assert kernels.report()["sgd_step"][0] == taken + 1
    assert params[0].tolist() == [0.375, 0.375]
    assert params[1].tolist() == [0.75, 0.75]


def test_moments_of_another_type_are_left_to_the_reference():
    p = lampas.nn.Parameter(lampas.ones(3, dtype=lampas.float64))
    p.grad = lampas.ones_like(p)
    optimizer = lampas.optim.Adam([p], lr=0.5)
    optimizer.step()
    state = optimizer.state[p]
    state["exp_avg"] = state["exp_avg"].float()
    left = kernels.report()["adam_step"][1]
    optimizer.step()
    assert kernels.report()["adam_step"][1] == left + 1
    np.testing.assert_allclose(p.detach().numpy(), 0.0, atol=1e-7)


def test_threads_do_not_change_a_step():
    results, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            params, _, _ = steps(lampas.optim.Adam, {})
            results.append([p.detach().numpy().tobytes() for p in params])
    finally:
        lampas.set_num_threads(before)
    assert results[0] == results[1]
