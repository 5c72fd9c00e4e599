"""Module: attributes, registration, walking, hooks, modes, errors with a path."""

import copy
import gc
import pickle
import weakref

import pytest

import lampas
from lampas import nn
from lampas.errors import ArgumentTypeError, ShapeError


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 2)])
        self.scale = nn.Parameter(lampas.ones(1))
        self.register_buffer("steps", lampas.zeros(1))
        self.register_buffer("scratch", lampas.zeros(1), persistent=False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x * self.scale


def test_parameters_are_plain_tensors_with_a_mark():
    p = nn.Parameter(lampas.ones(2))
    assert type(p) is lampas.Tensor
    assert isinstance(p, nn.Parameter)
    assert p.requires_grad and p.is_leaf
    assert not isinstance(lampas.ones(2), nn.Parameter)
    assert not nn.Parameter(lampas.ones(2), requires_grad=False).requires_grad


def test_registered_names_are_found_in_order():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "scale",
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "layers.1.bias",
    ]
    assert [name for name, _ in net.named_buffers()] == ["steps", "scratch"]
    assert [name for name, _ in net.named_modules()] == [
        "",
        "layers",
        "layers.0",
        "layers.1",
    ]
    assert list(net.state_dict())[:2] == ["scale", "steps"]
    assert "scratch" not in net.state_dict()


def test_parameters_stand_in_the_instance_dictionary():
    net = Net()
    assert net.__dict__["scale"] is net._parameters["scale"]
    net._parameters["scale"] = other = nn.Parameter(lampas.zeros(1))
    assert net.scale is other
    del net._parameters["scale"]
    assert not hasattr(net, "scale")


def test_assigning_registers_replaces_and_removes():
    net = Net()
    net.scale = None
    assert "scale" in net._parameters and net.scale is None
    net.scale = nn.Parameter(lampas.ones(1))
    with pytest.raises(ArgumentTypeError, match="'scale': expected nn.Parameter"):
        net.scale = lampas.ones(1)
    net.extra = None
    net.extra = nn.Linear(1, 1)
    assert "extra" in net._modules
    del net.extra
    assert not hasattr(net, "extra") and "extra" not in net._modules
    net.steps = lampas.ones(1)
    assert net._buffers["steps"].item() == 1.0


def test_registration_before_init_is_refused():
    class Early(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match="before Module.__init__"):
        Early()


@pytest.mark.parametrize("name", ["", "a.b"])
def test_bad_names_are_refused(name):
    with pytest.raises(KeyError):
        nn.Module().register_parameter(name, None)


def test_shared_parameters_are_listed_once():
    first = nn.Linear(2, 2)
    net = nn.Sequential(first, first)
    assert len(list(net.parameters())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert len(net.state_dict()) == 4


def test_copies_are_independent():
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.scale is twin._parameters["scale"]
    assert isinstance(twin.scale, nn.Parameter)
    with lampas.no_grad():
        twin.scale.add_(1)
    assert net.scale.item() == 1.0 and twin.scale.item() == 2.0
    again = pickle.loads(pickle.dumps(nn.Linear(2, 1)))
    assert again.weight is again._parameters["weight"]


def test_a_module_is_freed_without_the_collector():
    gc.disable()
    try:
        net = Net()
        watch = weakref.ref(net)
        del net
        assert watch() is None
    finally:
        gc.enable()


def test_modes_dtypes_and_freezing_reach_every_part():
    net = Net()
    assert not net.eval().layers[0].training
    assert net.train().layers[1].training
    weight = net.layers[0].weight
    assert net.double().layers[0].weight is weight
    assert weight.dtype == lampas.float64 and net.steps.dtype == lampas.float64
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_zero_grad():
    net = Net()
    net(lampas.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0]
    net.zero_grad()
    assert net.scale.grad is None


def test_repr_is_indented_like_pytorchs():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


def test_an_error_names_the_module_by_its_path():
    net = nn.Sequential(Net())
    with pytest.raises(ShapeError, match=r"^in 0\.layers\.0 \(Linear\): linear: "):
        net(lampas.ones(1, 5))
    # The same error at the same place reads the same the second time.
    with pytest.raises(ShapeError, match=r"^in 0\.layers\.0 \(Linear\): linear: "):
        net(lampas.ones(1, 5))


def test_other_exceptions_keep_their_arguments_and_get_a_note():
    class Fails(nn.Module):
        def forward(self, x):
            raise KeyError("missing")

    with pytest.raises(KeyError) as caught:
        nn.Sequential(nn.Identity(), nn.Sequential(Fails()))(1)
    assert caught.value.args == ("missing",)
    assert caught.value.__notes__ == ["raised in module 1.0 (Fails)"]


def test_forward_hooks_see_and_replace():
    layer, seen = nn.Linear(2, 2), []
    pre = layer.register_forward_pre_hook(lambda m, args: (args[0] * 0,))
    post = layer.register_forward_hook(lambda m, args, y: seen.append(args) or y + 1)
    y = layer(lampas.ones(1, 2))
    assert seen[0][0].tolist() == [[0.0, 0.0]]
    assert lampas.allclose(y, layer.bias + 1)
    pre.remove()
    post.remove()
    layer(lampas.ones(1, 2))
    assert len(seen) == 1


def test_hooks_with_keywords_and_in_front():
    order = []
    layer = nn.Identity()
    layer.forward = lambda x, scale=1: x * scale
    layer.register_forward_hook(
        lambda m, args, kwargs, y: order.append(kwargs), with_kwargs=True
    )
    layer.register_forward_hook(lambda m, a, y: order.append("first"), prepend=True)
    layer(lampas.ones(1), scale=2)
    assert order == ["first", {"scale": 2}]


def test_a_hook_that_is_always_called_sees_failures():
    class Fails(nn.Module):
        def forward(self):
            raise ValueError("no")

    seen, layer = [], Fails()
    layer.register_forward_hook(lambda m, a, y: seen.append(y), always_call=True)
    with pytest.raises(ValueError, match="no"):
        layer()
    assert seen == [None]


def test_full_backward_hooks_see_gradients_at_both_ends():
    layer, seen = nn.Linear(2, 1, bias=False), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x = lampas.ones(1, 2, requires_grad=True)
    (layer(x) * 3).sum().backward()
    (grad_input,), (grad_output,) = seen[0]
    assert grad_output.tolist() == [[3.0]]
    assert lampas.allclose(grad_input, layer.weight * 3)
    assert lampas.allclose(x.grad, layer.weight * 3)


def test_full_backward_hooks_replace_the_gradient():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 0,))
    x = lampas.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]]


def test_paths_lead_to_parts():
    net = Net()
    assert net.get_submodule("layers.1") is net.layers[1]
    assert net.get_parameter("layers.1.bias") is net.layers[1].bias
    assert net.get_buffer("steps") is net.steps
    with pytest.raises(AttributeError):
        net.get_submodule("layers.7")
