"""Parametrisations: tensors computed from others, and back to ordinary ones."""

import copy
import pickle

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


class Product(nn.Module):
    def forward(self, a, b):
        return a * b

    def right_inverse(self, x):
        return x.sign(), x.abs()


class Rows(nn.Module):
    def forward(self, x):
        return x[:2]


def test_the_tensor_is_computed_and_its_original_is_trained():
    layer = nn.Linear(3, 3)
    before = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert layer.parametrizations.weight.original is before
    w = before.detach().numpy()
    np.testing.assert_allclose(
        layer.weight.detach().numpy(), np.triu(w) + np.triu(w, 1).T
    )
    assert [n for n, _ in layer.named_parameters()] == [
        "bias",
        "parametrizations.weight.original",
    ]
    layer.weight.sum().backward()
    assert before.grad.tolist() == [[1, 2, 2], [0, 1, 2], [0, 0, 1]]


def test_assigning_goes_back_through_the_right_inverse():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    value = lampas.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
    layer.weight = value
    assert layer.weight.tolist() == value.tolist()
    assert layer.parametrizations.weight.original[2, 0] == 0
    parametrize.register_parametrization(layer, "bias", Double())
    with pytest.raises(RuntimeError, match="Double does not implement right_inverse"):
        layer.bias = lampas.zeros(3)


def test_parametrizations_are_applied_one_after_the_other():
    layer = nn.Linear(2, 2)
    nn.init.ones_(layer.weight)
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.weight.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert len(layer.parametrizations.weight) == 2
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_several_originals():
    layer = nn.Linear(2, 2)
    value = layer.weight.tolist()
    parametrize.register_parametrization(layer, "weight", Product())
    assert layer.weight.tolist() == value
    names = [n for n, _ in layer.named_parameters()]
    assert names[1:] == [f"parametrizations.weight.original{i}" for i in (0, 1)]
    layer.weight = -lampas.ones(2, 2)
    assert layer.parametrizations.weight.original0.tolist() == [[-1.0, -1.0]] * 2
    with pytest.raises(ValueError, match="one original"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight.tolist() == [[-1.0, -1.0]] * 2
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)


@pytest.mark.parametrize(("leave", "expected"), [(True, 2.0), (False, 1.0)])
def test_removing_keeps_the_value_or_the_original(leave, expected):
    layer = nn.Linear(2, 1)
    weight = nn.init.ones_(layer.weight)
    optimizer = lampas.optim.SGD(layer.parameters(), lr=1.0)
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
    assert layer.weight is weight and weight.tolist() == [[expected, expected]]
    assert type(layer) is nn.Linear and not hasattr(layer, "parametrizations")
    layer(lampas.ones(1, 2)).sum().backward()
    optimizer.step()
    assert layer.weight.tolist() == [[expected - 1.0] * 2]


def test_buffers_can_be_parametrized():
    layer = nn.BatchNorm1d(2)
    parametrize.register_parametrization(layer, "running_var", Double())
    assert layer.running_var.tolist() == [2.0, 2.0]
    assert "parametrizations.running_var.original" in layer.state_dict()
    parametrize.remove_parametrizations(layer, "running_var")
    assert layer._buffers["running_var"].tolist() == [2.0, 2.0]


def test_a_cached_block_computes_once():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return 2 * x

    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Counted())
    calls.clear()
    with parametrize.cached():
        first, second = layer.weight, layer.weight
        with pytest.raises(RuntimeError, match="cached"):
            layer.weight = lampas.zeros(2, 2)
    assert first is second and len(calls) == 1
    assert layer.weight is not first and len(calls) == 2


def test_what_does_not_fit_is_refused():
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="may not change the shape"):
        parametrize.register_parametrization(layer, "weight", Rows())
    assert type(layer) is nn.Linear and layer.weight.shape == (3, 3)
    with pytest.raises(ValueError, match="'other'"):
        parametrize.register_parametrization(layer, "other", Double())
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(layer, "weight")
    parametrize.register_parametrization(layer, "weight", Double())
    with pytest.raises(ValueError, match="may not change the shape"):
        parametrize.register_parametrization(layer, "weight", Rows())
    parametrize.register_parametrization(layer, "weight", Rows(), unsafe=True)
    assert layer.weight.shape == (2, 3)


def test_a_deep_copy_is_independent_and_pickling_is_refused():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    copied = copy.deepcopy(layer)
    assert copied.weight.tolist() == layer.weight.tolist()
    parametrize.remove_parametrizations(copied, "weight")
    assert parametrize.is_parametrized(layer, "weight")
    nn.init.zeros_(copied.weight)
    assert layer.weight.abs().sum() > 0
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_parametrizations_move_to_another_module():
    source = nn.Linear(2, 2)
    parametrize.register_parametrization(source, "weight", Symmetric())
    target = nn.Linear(2, 2)
    parametrize.transfer_parametrizations_and_params(source, target, "weight")
    assert target.weight.tolist() == source.weight.tolist()
    originals = [m.parametrizations.weight.original for m in (source, target)]
    assert originals[0] is not originals[1]
    with pytest.raises(ValueError, match="not parametrized"):
        parametrize.transfer_parametrizations_and_params(nn.Linear(1, 1), target)


def test_recurrent_layers_read_parametrized_weights():
    layer = nn.LSTM(2, 3)
    x = lampas.randn(4, 1, 2)
    before = layer(x)[0].tolist()
    parametrizations.weight_norm(layer, "weight_hh_l0")
    np.testing.assert_allclose(layer(x)[0].tolist(), before, atol=1e-6)
    layer(x)[0].sum().backward()
    assert layer.parametrizations.weight_hh_l0.original0.grad is not None
