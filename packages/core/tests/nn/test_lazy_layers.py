"""Lazy layers: shapes from the first call, states, and errors before it."""

import copy
import pickle

import pytest

import lampas
from lampas import nn
from lampas.nn.modules.lazy import LazyModuleMixin
from lampas.nn.parameter import UninitializedParameter, is_lazy

LAYERS = [
    (lambda: nn.LazyLinear(3), (2, 5), nn.Linear, {"weight": (3, 5), "bias": (3,)}),
    (lambda: nn.LazyConv1d(4, 3), (2, 6, 5), nn.Conv1d, {"weight": (4, 6, 3)}),
    (
        lambda: nn.LazyConv2d(4, (3, 2), groups=2),
        (6, 5, 5),
        nn.Conv2d,
        {"weight": (4, 3, 3, 2), "bias": (4,)},
    ),
    (lambda: nn.LazyConv3d(2, 1), (1, 3, 2, 2, 2), nn.Conv3d, {"bias": (2,)}),
    (
        lambda: nn.LazyConvTranspose1d(4, 3, groups=2),
        (2, 6, 5),
        nn.ConvTranspose1d,
        {"weight": (6, 2, 3)},
    ),
    (
        lambda: nn.LazyConvTranspose2d(4, 2, stride=2),
        (1, 3, 4, 4),
        nn.ConvTranspose2d,
        {"weight": (3, 4, 2, 2), "bias": (4,)},
    ),
    (
        lambda: nn.LazyConvTranspose3d(4, 1),
        (3, 2, 2, 2),
        nn.ConvTranspose3d,
        {"weight": (3, 4, 1, 1, 1)},
    ),
    (
        nn.LazyBatchNorm1d,
        (4, 3),
        nn.BatchNorm1d,
        {"weight": (3,), "running_var": (3,), "num_batches_tracked": ()},
    ),
    (nn.LazyBatchNorm2d, (2, 3, 2, 2), nn.BatchNorm2d, {"running_mean": (3,)}),
    (nn.LazyBatchNorm3d, (2, 3, 2, 2, 2), nn.BatchNorm3d, {"bias": (3,)}),
    (nn.LazyInstanceNorm1d, (3, 4), nn.InstanceNorm1d, {"weight": (3,)}),
    (nn.LazyInstanceNorm2d, (2, 3, 4, 4), nn.InstanceNorm2d, {"weight": (3,)}),
    (nn.LazyInstanceNorm3d, (2, 3, 2, 2, 2), nn.InstanceNorm3d, {"bias": (3,)}),
]


@pytest.mark.parametrize(("make", "size", "kind", "shapes"), LAYERS)
def test_first_call_gives_shapes_and_the_ordinary_class(make, size, kind, shapes):
    layer = make()
    assert layer.has_uninitialized_params()
    layer(lampas.randn(*size))
    assert type(layer) is kind
    state = layer.state_dict()
    assert {k: tuple(state[k].shape) for k in shapes} == shapes
    assert all(type(p) is lampas.Tensor for p in layer.parameters())
    assert all(p.requires_grad for p in layer.parameters())


@pytest.mark.parametrize(("make", "size", "kind", "shapes"), LAYERS)
def test_a_state_gives_the_shapes_too(make, size, kind, shapes):
    x = lampas.randn(*size)
    first, second = make(), make()
    first(x)
    second.load_state_dict(first.state_dict())
    assert not second.has_uninitialized_params()
    first.eval(), second.eval()
    assert second(x).tolist() == first(x).tolist()
    assert type(second) is kind
    assert repr(first) == repr(second)


def test_values_are_drawn_as_those_of_the_ordinary_layer():
    lampas.manual_seed(3)
    lazy = nn.LazyLinear(2)
    lazy(lampas.ones(1, 4))
    lampas.manual_seed(3)
    assert lazy.weight.tolist() == nn.Linear(4, 2).weight.tolist()


def test_use_before_the_first_call_says_what_to_do():
    layer = nn.LazyLinear(2)
    for use in (
        lambda: layer.weight + 1,
        lambda: layer.weight.shape,
        lambda: layer.weight.numel(),
        lambda: nn.init.ones_(layer.weight),
        lambda: sum(p.numel() for p in layer.parameters()),
    ):
        with pytest.raises(RuntimeError, match="call the lazy module with an example"):
            use()
    with pytest.raises(ValueError, match="UninitializedParameter"):
        layer.weight.sum()
    with pytest.raises(RuntimeError, match="share"):
        layer.share_memory()
    assert repr(layer.weight) == "<UninitializedParameter>"
    assert isinstance(layer.weight, nn.Parameter)


def test_dtype_and_device_are_kept_until_there_is_a_shape():
    layer = nn.LazyBatchNorm1d().double()
    assert layer.weight.dtype is layer.running_mean.dtype is lampas.float64
    layer(lampas.randn(3, 2, dtype=lampas.float64))
    assert layer.weight.dtype is layer.running_var.dtype is lampas.float64
    on_sim = nn.LazyLinear(2, device="sim")
    assert on_sim.weight.device.type == "sim"
    on_sim(lampas.ones(1, 3, device="sim"))
    assert on_sim.weight.device.type == "sim"


def test_an_open_state_loads_into_an_open_layer_only():
    state = nn.LazyLinear(2).state_dict()
    assert list(state) == ["weight", "bias"] and all(map(is_lazy, state.values()))
    other = nn.LazyLinear(2)
    other.load_state_dict(state)
    assert other.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="uninitialized and has no shape"):
        nn.Linear(3, 2).load_state_dict(state)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_stay_lazy_and_apart(again):
    layer = nn.LazyBatchNorm1d(dtype=lampas.float64)
    copied = again(layer)
    copied(lampas.randn(2, 3, dtype=lampas.float64))
    assert copied.weight.shape == (3,) and copied.weight.dtype is lampas.float64
    assert layer.has_uninitialized_params()
    layer(lampas.randn(2, 5, dtype=lampas.float64))
    assert layer.running_mean.shape == (5,)


def test_a_network_trains_after_one_example():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten())
    net.append(nn.LazyLinear(1))
    x = lampas.randn(2, 3, 4, 4)
    net(x)
    optimizer = lampas.optim.SGD(net.parameters(), lr=0.1)
    before = net[0].weight.tolist()
    net(x).sum().backward()
    optimizer.step()
    assert net[0].weight.tolist() != before


def test_wrong_inputs_are_refused():
    with pytest.raises(RuntimeError, match=r"LazyConv2d.*expected 3D"):
        nn.LazyConv2d(2, 1)(lampas.ones(2, 3))
    with pytest.raises(ValueError, match=r"in_channels \(3\).*divisible by groups"):
        nn.LazyConv1d(2, 1, groups=2)(lampas.ones(1, 3, 2))
    with pytest.raises(ValueError, match="out_channels"):
        nn.LazyConv1d(3, 1, groups=2)
    with pytest.raises(ValueError, match="expected 4D"):
        nn.LazyBatchNorm2d()(lampas.ones(2, 3))


def test_a_lazy_module_of_ones_own():
    class Scale(LazyModuleMixin):
        def __init__(self, leave=False):
            super().__init__()
            self.factor, self.leave = UninitializedParameter(), leave

        def initialize_parameters(self, x):
            if not self.leave:
                self.factor.materialize((x.shape[-1],))
                nn.init.constant_(self.factor, 2.0)

        def forward(self, x):
            return x * self.factor

    scale = Scale()
    assert scale(lampas.ones(2)).tolist() == [2.0, 2.0]
    assert scale(lampas.ones(2)).tolist() == [2.0, 2.0]
    assert type(scale) is Scale
    with pytest.raises(RuntimeError, match="left parameters"):
        Scale(leave=True)(lampas.ones(2))
    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        nn.Module.__call__(scale, lampas.ones(2))
        LazyModuleMixin().initialize_parameters()
