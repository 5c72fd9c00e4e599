"""state_dict and load_state_dict: keys, strictness, and a report that can be read."""

import pytest

import lampas
from lampas import nn


def test_values_share_memory_and_have_no_history():
    layer = nn.Linear(2, 1)
    weight = layer.state_dict()["weight"]
    assert not weight.requires_grad
    assert weight.data_ptr() == layer.weight.data_ptr()
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_loading_copies_in_place():
    a, b = nn.Linear(2, 1), nn.Linear(2, 1)
    kept = b.weight
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert b.weight is kept and b.weight.tolist() == a.weight.tolist()
    assert b.weight.data_ptr() != a.weight.data_ptr()


def test_assign_keeps_the_given_tensors():
    layer, value = nn.Linear(2, 1, bias=False), lampas.ones(1, 2)
    layer.load_state_dict({"weight": value}, assign=True)
    assert layer.weight.data_ptr() == value.data_ptr()
    assert isinstance(layer.weight, nn.Parameter)


def test_nothing_is_changed_when_something_does_not_fit():
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    state = {"weight": lampas.ones(1, 2) * 7, "bias": lampas.zeros(3)}
    with pytest.raises(RuntimeError, match=r"bias: the checkpoint has shape \(3,\)"):
        layer.load_state_dict(state)
    assert layer.weight.tolist() == before


def test_without_strict_the_keys_are_returned():
    result = nn.Linear(2, 1).load_state_dict({"other": lampas.ones(1)}, strict=False)
    assert result.missing_keys == ["weight", "bias"]
    assert result.unexpected_keys == ["other"]


def test_two_hundred_mismatches_are_told_in_a_few_lines():
    net = nn.ModuleDict({"body": nn.Sequential(*(nn.Linear(2, 2) for _ in range(100)))})
    wrong = {k: lampas.zeros(5) for k in net.state_dict()}
    wrong |= {f"tail.{i}.weight": lampas.zeros(1) for i in range(200)}
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(wrong)
    text = str(caught.value)
    assert len(text.splitlines()) < 15
    assert "200 unknown to the model: tail." in text
    assert "200 that do not match" in text


def test_a_prefix_too_many_is_noticed():
    state = {f"module.{k}": v for k, v in nn.Linear(2, 1).state_dict().items()}
    with pytest.raises(RuntimeError, match="lose its prefix 'module.'"):
        nn.Linear(2, 1).load_state_dict(state)


def test_hooks_rename_keys_on_the_way():
    layer = nn.Linear(2, 1, bias=False)

    def rename(module, state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "w")

    layer.register_load_state_dict_pre_hook(rename)
    layer.load_state_dict({"w": lampas.ones(1, 2)})
    assert layer.weight.tolist() == [[1.0, 1.0]]


KEYS = {
    nn.Linear: ((2, 3), ["weight", "bias"]),
    nn.Conv2d: ((2, 3, 3), ["weight", "bias"]),
    nn.ConvTranspose2d: ((2, 3, 3), ["weight", "bias"]),
    nn.Embedding: ((4, 2), ["weight"]),
    nn.LayerNorm: ((4,), ["weight", "bias"]),
    nn.RMSNorm: ((4,), ["weight"]),
    nn.GroupNorm: ((2, 4), ["weight", "bias"]),
    nn.PReLU: ((), ["weight"]),
    nn.InstanceNorm2d: ((3,), []),
    nn.BatchNorm2d: (
        (3,),
        ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"],
    ),
}


@pytest.mark.parametrize("layer", KEYS, ids=lambda c: c.__name__)
def test_keys_are_pytorchs(layer):
    args, keys = KEYS[layer]
    assert list(layer(*args).state_dict()) == keys
