"""Hooks, kept gradients, and what a user's code meets inside a backward pass."""

import numpy as np
import pytest

import lampas
from lampas.nn import functional


def test_a_kept_gradient_is_what_all_hooks_made_of_it():
    x = lampas.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward()
    assert y.grad.tolist() == [30.0] * 3
    assert x.grad.tolist() == [60.0] * 3


def test_a_kept_gradient_follows_a_change_in_place():
    """The hook stays with the value that it was put on, as in PyTorch."""
    x = lampas.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.mul_(3)
    y.sum().backward()
    assert y.grad.tolist() == [1.0] * 3
    assert x.grad.tolist() == [60.0] * 3


def test_kept_gradients_of_a_base_and_its_view():
    x = lampas.ones(3, requires_grad=True)
    y = x * 2
    view = y[:2]
    view.retain_grad()
    y.retain_grad()
    y.mul_(3)
    (view.sum() + y.sum()).backward()
    assert y.grad.tolist() == [2.0, 2.0, 1.0]
    assert view.grad.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [12.0, 12.0, 6.0]


def test_a_kept_gradient_follows_a_change_of_shape():
    x = lampas.ones(2, 3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.t_()
    (y * 5).sum().backward()
    assert y.grad.shape == (3, 2)


class Divides(lampas.autograd.Function):
    """Its backward divides arrays by zero, as a user's code may."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        np.ones(1) / np.zeros(1)
        return g


def _divide(_):
    np.ones(1) / np.zeros(1)


PUT = {
    "hook": lambda x: x.register_hook(_divide),
    "after": lambda x: x.register_post_accumulate_grad_hook(_divide),
    "Function": lambda x: None,
}


@pytest.mark.parametrize("kind", PUT)
@pytest.mark.parametrize("create_graph", [False, True])
def test_numpy_warns_in_code_of_the_user(kind, create_graph):
    x = lampas.ones(2, requires_grad=True)
    y = Divides.apply(x) if kind == "Function" else x * 0 / 0
    PUT[kind](x)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        y.sum().backward(create_graph=create_graph)


def test_the_users_own_setting_holds_there():
    x = lampas.ones(2, requires_grad=True)
    y = Divides.apply(x).sum()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        y.backward()
    with np.errstate(divide="ignore"):
        Divides.apply(x).sum().backward()
        assert np.geterr()["divide"] == "ignore"


DOUBLE = np.float64(0.5)
WITH_A_DOUBLE = {
    "clamp": lambda x: x.clamp(min=DOUBLE),
    "clamp both": lambda x: x.clamp(-DOUBLE, DOUBLE),
    "hardtanh": lambda x: functional.hardtanh(x, -DOUBLE, DOUBLE),
    "leaky_relu": lambda x: functional.leaky_relu(x, DOUBLE),
    "elu": lambda x: functional.elu(x, DOUBLE),
    "celu": lambda x: functional.celu(x, DOUBLE),
    "softplus": lambda x: functional.softplus(x, DOUBLE, DOUBLE),
    "threshold": lambda x: functional.threshold(x, DOUBLE, DOUBLE),
    "softshrink": lambda x: functional.softshrink(x, DOUBLE),
    "dropout": lambda x: functional.dropout(x, DOUBLE),
    "add": lambda x: x.add(x, alpha=DOUBLE),
    "addcmul": lambda x: x.addcmul(x, x, value=DOUBLE),
    "lerp": lambda x: x.lerp(x, DOUBLE),
    "pow": lambda x: x.abs().pow(DOUBLE),
    "masked_fill": lambda x: x.masked_fill(x > 0, DOUBLE),
    "where": lambda x: lampas.where(x > 0, x, DOUBLE),
    "layer_norm": lambda x: functional.layer_norm(x, (3,), eps=DOUBLE),
    "normalize": lambda x: functional.normalize(x, dim=0, eps=DOUBLE),
    "pad": lambda x: functional.pad(x, (1, 1), value=DOUBLE),
    "smooth_l1_loss": lambda x: functional.smooth_l1_loss(x, x * 3, beta=DOUBLE),
    "huber_loss": lambda x: functional.huber_loss(x, x * 3, delta=DOUBLE),
    "nan_to_num": lambda x: x.nan_to_num(DOUBLE),
}


@pytest.mark.parametrize("dtype", [lampas.float32, lampas.float16, lampas.bfloat16])
@pytest.mark.parametrize("name", WITH_A_DOUBLE)
def test_numpy_doubles_as_parameters_do_not_widen(name, dtype):
    x = lampas.tensor([-1.0, 0.25, 2.0], dtype=dtype, requires_grad=True)
    y = WITH_A_DOUBLE[name](x)
    assert y.dtype is dtype
    y.sum().backward()
    assert x.grad.dtype is dtype


def test_numpy_doubles_as_fill_values():
    assert lampas.full((2,), DOUBLE).dtype is lampas.float32
    assert lampas.full_like(lampas.ones(2), DOUBLE).dtype is lampas.float32
