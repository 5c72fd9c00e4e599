"""Initialisers: bounds and deviations from their formulas; the same from one seed."""

import math

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn import init

SHAPE = (60, 50, 3, 3)
FAN_IN, FAN_OUT = 450, 540


def filled(name, **params):
    generator = lampas.Generator().manual_seed(1)
    w = lampas.zeros(*SHAPE)
    return getattr(init, name)(w, generator=generator, **params).numpy()


UNIFORM = [
    ("xavier_uniform_", {}, math.sqrt(6 / (FAN_IN + FAN_OUT))),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / math.sqrt(FAN_IN)),
    ("kaiming_uniform_", {"mode": "fan_out"}, math.sqrt(6 / FAN_OUT)),
    ("uniform_", {"a": -0.5, "b": 0.5}, 0.5),
]
NORMAL = [
    ("xavier_normal_", {"gain": 2.0}, 2 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
    ("kaiming_normal_", {"nonlinearity": "relu"}, math.sqrt(2 / FAN_IN)),
    ("normal_", {"std": 0.02}, 0.02),
]


@pytest.mark.parametrize(("name", "params", "bound"), UNIFORM)
def test_uniform_ones_fill_their_interval(name, params, bound):
    w = filled(name, **params)
    assert np.abs(w).max() <= bound * (1 + 1e-6)
    assert w.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert abs(w.mean()) < 0.02 * bound


@pytest.mark.parametrize(("name", "params", "std"), NORMAL)
def test_normal_ones_have_their_deviation(name, params, std):
    w = filled(name, **params)
    assert w.std() == pytest.approx(std, rel=0.02)
    assert abs(w.mean()) < 0.02 * std


def test_truncated_normals_stay_inside():
    w = filled("trunc_normal_", std=1.0, a=-0.5, b=1.0)
    assert w.min() >= -0.5 and w.max() <= 1.0


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 2, 3)])
def test_orthogonal_rows_or_columns(shape):
    w = init.orthogonal_(lampas.zeros(*shape)).numpy().reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)


def test_dirac_makes_a_convolution_the_identity():
    w = init.dirac_(lampas.zeros(3, 3, 3, 3))
    x = lampas.randn(1, 3, 5, 5)
    assert lampas.allclose(nn.functional.conv2d(x, w, padding=1), x)


def test_layers_draw_what_pytorchs_do():
    layer = nn.Linear(400, 300)
    bound = 1 / math.sqrt(400)
    assert layer.weight.abs().max().item() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert layer.bias.abs().max().item() <= bound
    assert nn.Embedding(200, 100).weight.std().item() == pytest.approx(1.0, rel=0.02)
    assert nn.Embedding(4, 3, padding_idx=1).weight[1].tolist() == [0.0, 0.0, 0.0]


def test_one_seed_gives_one_layer():
    lampas.manual_seed(3)
    first = nn.Conv2d(2, 3, 3).weight.tolist()
    lampas.manual_seed(3)
    assert nn.Conv2d(2, 3, 3).weight.tolist() == first


def test_initialisers_record_nothing_and_keep_the_leaf():
    w = nn.Parameter(lampas.zeros(2, 2))
    assert init.ones_(w) is w and w.is_leaf and w.requires_grad


def test_fans_need_two_dimensions():
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_uniform_(lampas.zeros(3))
