"""functional_call: other parameters for one call, and nothing left behind."""

import pytest

import lampas
from lampas import nn
from lampas.nn._functional_call import functional_call


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def test_given_tensors_are_used_and_gradients_reach_them():
    layer = nn.Linear(3, 2)
    before = dict(layer.named_parameters())
    weight = lampas.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], requires_grad=True)
    y = functional_call(
        layer, {"weight": weight, "bias": lampas.zeros(2)}, lampas.ones(3)
    )
    assert y.tolist() == [6.0, 1.0]
    y.sum().backward()
    assert weight.grad.tolist() == [[1.0] * 3] * 2
    assert all(v is before[k] and v.grad is None for k, v in layer.named_parameters())
    assert layer.weight is before["weight"]


def test_names_left_out_keep_the_modules_own():
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, 3.0)
    y = functional_call(layer, {"bias": lampas.tensor([1.0])}, (lampas.ones(2),))
    assert y.tolist() == [7.0]


def test_tied_weights_are_replaced_under_every_name():
    net, x = Tied(), lampas.ones(2)
    double = 2 * lampas.eye(2)
    assert functional_call(net, {"first.weight": double}, x).tolist() == [4.0, 4.0]
    assert net.second.weight is net.first.weight
    nn.init.eye_(net.first.weight)
    y = functional_call(net, {"first.weight": double}, x, tie_weights=False)
    assert y.tolist() == [2.0, 2.0]
    other = {"first.weight": double, "second.weight": lampas.eye(2)}
    with pytest.raises(ValueError, match="tied"):
        functional_call(net, other, x)
    assert functional_call(net, other, x, tie_weights=False).tolist() == [2.0, 2.0]


def test_strict_names_what_is_missing_and_unknown():
    layer = nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match="missing key.s.: bias; unexpected.*extra"):
        functional_call(
            layer,
            {"weight": layer.weight, "extra": layer.weight},
            lampas.ones(2),
            strict=True,
        )
    names = dict(Tied().named_parameters())
    functional_call(Tied(), names, lampas.ones(2), strict=True)


def test_several_dictionaries_must_not_repeat_a_name():
    layer = nn.BatchNorm1d(2).eval()
    params, buffers = dict(layer.named_parameters()), dict(layer.named_buffers())
    x = lampas.ones(3, 2)
    assert functional_call(layer, (params, buffers), x).shape == (3, 2)
    with pytest.raises(ValueError, match="weight.*several dictionaries"):
        functional_call(layer, (params, {"weight": params["weight"]}), x)
    with pytest.raises(TypeError, match="dict"):
        functional_call(layer, 3, x)


def test_buffers_change_in_the_dictionary_and_not_in_the_module():
    norm = nn.BatchNorm1d(1, momentum=1.0)
    given = {"running_mean": lampas.zeros(1), "running_var": lampas.ones(1)}
    functional_call(norm, given, lampas.tensor([[1.0], [3.0]]))
    assert given["running_mean"].tolist() == [2.0]
    assert norm.running_mean.tolist() == [0.0]


def test_an_assigned_buffer_goes_into_the_dictionary():
    class Count(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("n", lampas.zeros(1))

        def forward(self, step=1):
            self.n = self.n + step
            return self.n

    module, given = Count(), {"n": lampas.ones(1)}
    assert functional_call(module, given, (), {"step": 2}).tolist() == [3.0]
    assert given["n"].tolist() == [3.0]
    assert module.n.tolist() == [0.0]


def test_an_error_leaves_the_module_as_it_was():
    layer = nn.Linear(2, 1)
    weight = layer.weight
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": lampas.ones(1, 5)}, lampas.ones(2))
    assert layer.weight is weight and layer._parameters["weight"] is weight
