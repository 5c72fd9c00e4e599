"""Optimizers against their formulas, written out in float64."""

import itertools

import numpy as np
import pytest

import lampas
from lampas.optim import SGD, Adam, AdamW

START = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])


def gradient(p):
    """Of ``0.5 * sum(a * p**2) + sum(sin(p))`` with unequal ``a``."""
    return np.arange(1.0, 7.0).reshape(2, 3) * p + np.cos(p)


def train(make, steps=6, dtype=lampas.float64, p=None, optimizer=None):
    """Parameters after each step on the function whose gradient stands above."""
    if p is None:
        p = lampas.tensor(START, dtype=dtype, requires_grad=True)
        optimizer = make([p])
    a = lampas.tensor(np.arange(1.0, 7.0).reshape(2, 3), dtype=dtype)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * a * p * p + p.sin()).sum().backward()
        optimizer.step()
        history.append(p.detach().double().numpy().copy())
    return history, p, optimizer


def sgd(lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    p, v = START, None
    while True:
        g = -gradient(p) if maximize else gradient(p)
        g = g + weight_decay * p
        if momentum:
            v = g if v is None else momentum * v + (1 - dampening) * g
            g = g + momentum * v if nesterov else v
        p = p - lr * g
        yield p


SGD_OPTIONS = [
    {},
    {"weight_decay": 0.1},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.2},
    {"momentum": 0.5, "weight_decay": 0.2, "maximize": True},
    {"maximize": True},
]


@pytest.mark.parametrize("options", SGD_OPTIONS, ids=str)
def test_sgd(options):
    history, _, _ = train(lambda ps: SGD(ps, lr=0.05, **options))
    wanted = itertools.islice(sgd(0.05, **options), len(history))
    for got, want in zip(history, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


def adam(
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    amsgrad=False,
    maximize=False,
    decoupled=False,
):
    p, m, v, top = START, np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    for t in itertools.count(1):
        g = -gradient(p) if maximize else gradient(p)
        if decoupled:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        top = np.maximum(top, v)
        second = (top if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(second) + eps)
        yield p


ADAM_OPTIONS = [
    {},
    {"lr": 0.1, "betas": (0.5, 0.6)},
    {"lr": 0.1, "eps": 0.1},
    {"lr": 0.1, "weight_decay": 0.3},
    {"lr": 0.5, "betas": (0.9, 0.3), "amsgrad": True},
    {"lr": 0.1, "weight_decay": 0.3, "maximize": True},
]


@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=str)
@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_adam(kind, options):
    history, _, _ = train(lambda ps: kind(ps, **options), steps=8)
    options = {"weight_decay": 0.01 if kind is AdamW else 0, **options}
    wanted = adam(**options, decoupled=kind is AdamW)
    for got, want in zip(history, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_adam_can_decouple_its_decay():
    one, _, _ = train(lambda ps: AdamW(ps, lr=0.1, weight_decay=0.2))
    two, _, _ = train(
        lambda ps: Adam(ps, lr=0.1, weight_decay=0.2, decoupled_weight_decay=True)
    )
    np.testing.assert_array_equal(one[-1], two[-1])


MAKERS = [
    pytest.param(lambda ps: SGD(ps, 0.05, momentum=0.9, nesterov=True), id="sgd"),
    pytest.param(lambda ps: Adam(ps, 0.05, weight_decay=0.1), id="adam"),
    pytest.param(lambda ps: AdamW(ps, 0.05, amsgrad=True), id="adamw"),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [lampas.float16, lampas.bfloat16, lampas.float32])
def test_lower_precision_follows(make, dtype):
    """Rounding once a step keeps near the path of float64."""
    exact, _, _ = train(make)
    history, p, _ = train(make, dtype=dtype)
    assert p.dtype is dtype
    tolerance = {lampas.float32: 1e-5, lampas.float16: 0.01, lampas.bfloat16: 0.08}
    np.testing.assert_allclose(
        history[-1], exact[-1], rtol=tolerance[dtype], atol=tolerance[dtype]
    )


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", [lampas.float32, lampas.bfloat16])
def test_state_goes_on_to_the_bit(make, dtype, tmp_path):
    whole, _, _ = train(make, steps=7, dtype=dtype)
    half, p, optimizer = train(make, steps=3, dtype=dtype)
    lampas.save(optimizer.state_dict(), tmp_path / "state.pt")
    q = p.detach().clone().requires_grad_()
    other = make([q])
    other.load_state_dict(lampas.load(tmp_path / "state.pt"))
    rest, _, _ = train(make, steps=4, dtype=dtype, p=q, optimizer=other)
    np.testing.assert_array_equal(np.stack(half + rest), np.stack(whole))


def test_loaded_state_is_a_copy():
    _, p, optimizer = train(lambda ps: Adam(ps), steps=1)
    saved = optimizer.state_dict()
    other = Adam([lampas.zeros(2, 3, dtype=lampas.float64, requires_grad=True)])
    other.load_state_dict(saved)
    before = saved["state"][0]["exp_avg"].clone()
    train(None, steps=1, p=p, optimizer=optimizer)
    loaded = next(iter(other.state.values()))["exp_avg"]
    np.testing.assert_array_equal(loaded.numpy(), before.numpy())


def test_keys_of_the_state_are_pytorchs():
    _, _, optimizer = train(lambda ps: Adam(ps, amsgrad=True), steps=2)
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"}
    assert list(state["state"][0]) == [
        "step",
        "exp_avg",
        "exp_avg_sq",
        "max_exp_avg_sq",
    ]
    assert state["state"][0]["step"].item() == 2
    assert state["param_groups"][0]["params"] == [0]
    _, _, optimizer = train(lambda ps: SGD(ps, momentum=0.5), steps=1)
    assert list(optimizer.state_dict()["state"][0]) == ["momentum_buffer"]


# ---- groups


def leaf(value=1.0):
    return lampas.tensor([value], dtype=lampas.float64, requires_grad=True)


def test_groups_have_options_of_their_own():
    a, b, c = leaf(), leaf(), leaf()
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    optimizer.add_param_group({"params": [c], "weight_decay": 1.0})
    (2 * (a + b + c)).sum().backward()
    optimizer.step()
    assert a.item() == pytest.approx(1 - 0.1 * 2)
    assert b.item() == pytest.approx(1 - 0.5 * 2)
    assert c.item() == pytest.approx(1 - 0.1 * (2 + 1))
    assert [g["params"] for g in optimizer.state_dict()["param_groups"]] == [
        [0],
        [1],
        [2],
    ]


def test_named_parameters():
    optimizer = SGD([("w", leaf()), ("b", leaf())], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    assert len(optimizer.param_groups[0]["params"]) == 2


def test_parameters_without_gradient_stay():
    a, b = leaf(), leaf()
    optimizer = Adam([a, b], lr=0.1)
    a.sum().backward()
    optimizer.step()
    assert b.item() == 1.0
    assert len(optimizer.state) == 1


def test_zero_grad():
    a = leaf()
    optimizer = SGD([a], lr=0.1)
    a.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert a.grad is None


def test_closure_and_hooks():
    a, seen = leaf(3.0), []
    optimizer = SGD([a], lr=0.1)
    handle = optimizer.register_step_pre_hook(lambda o, args, kw: seen.append("pre"))
    optimizer.register_step_post_hook(lambda o, args, kw: seen.append("post"))

    def closure():
        optimizer.zero_grad()
        loss = (a * a).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert a.item() == pytest.approx(3 - 0.1 * 6)
    handle.remove()
    optimizer.step(closure)
    assert seen == ["pre", "post", "post"]


def test_a_step_is_seen_by_the_tape():
    a = leaf(3.0)
    loss = (a * a).sum()
    loss.backward(retain_graph=True)
    SGD([a], lr=0.1).step()
    with pytest.raises(RuntimeError, match="an optimizer step"):
        loss.backward()


BAD = [
    (lambda: SGD([leaf()], lr=-1), ValueError, "lr must be >= 0, got -1"),
    (lambda: SGD([leaf()], momentum=-0.5), ValueError, "momentum must be >= 0"),
    (lambda: SGD([leaf()], weight_decay=-1), ValueError, "weight_decay must be >= 0"),
    (lambda: SGD([leaf()], nesterov=True), ValueError, "nesterov needs a momentum"),
    (lambda: Adam([leaf()], lr=-1), ValueError, "lr must be >= 0"),
    (lambda: Adam([leaf()], eps=-1), ValueError, "eps must be >= 0"),
    (lambda: Adam([leaf()], betas=(1.0, 0.5)), ValueError, r"betas\[0\] must be in"),
    (lambda: AdamW([leaf()], betas=(0.9, -1)), ValueError, r"betas\[1\] must be in"),
    (lambda: SGD([]), ValueError, "params is empty"),
    (lambda: SGD(leaf()), TypeError, "put it into a list"),
    (lambda: SGD([1.0]), TypeError, "takes Tensors, got float"),
    (lambda: SGD([leaf() * 2]), ValueError, "not a leaf"),
    (
        lambda: SGD([{"params": [x := leaf()]}, {"params": [x]}]),
        ValueError,
        "more than",
    ),
    (lambda: SGD([leaf()]).add_param_group([leaf()]), TypeError, "must be a dict"),
]


@pytest.mark.parametrize(("make", "error", "text"), BAD, ids=[b[2] for b in BAD])
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_state_of_other_groups_is_refused():
    saved = SGD([leaf(), leaf()], lr=0.1).state_dict()
    with pytest.raises(ValueError, match=r"groups of \[2\] parameters.*of \[1\]"):
        SGD([leaf()], lr=0.1).load_state_dict(saved)
