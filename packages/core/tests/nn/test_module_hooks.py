"""Hooks for all modules, state_dict hooks, loading of one's own, and more of Module."""

import os

import pytest

import lampas
from lampas import nn
from lampas.nn.modules import module as everywhere


def test_hooks_for_all_modules_come_first_and_go_without_a_trace():
    plain = nn.Module.__call__
    order = []
    net = nn.Sequential(nn.Identity())
    net[0].register_forward_hook(lambda m, a, y: order.append("own"))
    pre = everywhere.register_module_forward_pre_hook(
        lambda m, a: order.append(f"pre {type(m).__name__}")
    )
    post = everywhere.register_module_forward_hook(lambda m, a, y: y + 1)
    assert net(lampas.zeros(1)).tolist() == [2.0]
    assert order == ["pre Sequential", "pre Identity", "own"]
    pre.remove()
    assert net(lampas.zeros(1)).tolist() == [2.0]
    post.remove()
    assert net(lampas.zeros(1)).tolist() == [0.0]
    assert nn.Module.__call__ is plain


def test_hooks_for_all_modules_see_gradients():
    seen = []
    layer = nn.Linear(2, 1, bias=False)
    x = lampas.ones(1, 2, requires_grad=True)
    with (
        everywhere.register_module_full_backward_pre_hook(lambda m, g: (g[0] * 10,)),
        everywhere.register_module_full_backward_hook(
            lambda m, gi, go: seen.append(go[0].tolist())
        ),
    ):
        layer(x).sum().backward()
    assert seen == [[[10.0]]]
    assert lampas.allclose(x.grad, 10 * layer.weight.detach())
    handle = everywhere.register_module_backward_hook(lambda m, gi, go: None)
    handle.remove()


def test_an_error_under_a_hook_still_says_where():
    net = nn.Sequential(nn.Linear(2, 2))
    with everywhere.register_module_forward_pre_hook(lambda m, a: None):
        with pytest.raises(RuntimeError, match=r"^in 0 \(Linear\)"):
            net(lampas.ones(1, 3))


def test_hooks_see_what_is_registered():
    seen = []
    handles = [
        everywhere.register_module_parameter_registration_hook(
            lambda m, name, value: seen.append(name)
        ),
        everywhere.register_module_buffer_registration_hook(
            lambda m, name, value: seen.append(name)
        ),
        everywhere.register_module_module_registration_hook(
            lambda m, name, value: seen.append(name) or nn.Identity()
        ),
    ]
    try:
        nn.BatchNorm1d(1)
        assert seen[0] == "weight" and "running_mean" in seen
        net = nn.Sequential(nn.ReLU())
        net.extra = nn.ReLU()
    finally:
        for handle in handles:
            handle.remove()
    assert isinstance(net[0], nn.Identity) and isinstance(net.extra, nn.Identity)
    assert seen[-2:] == ["0", "extra"]


def test_state_dict_hooks_run_before_and_after():
    layer, seen = nn.Linear(1, 1), []
    layer.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(prefix))
    layer.register_state_dict_post_hook(
        lambda m, state, prefix, about: state.pop(prefix + "bias")
    )
    layer.register_load_state_dict_post_hook(
        lambda m, result: result.missing_keys.clear()
    )
    net = nn.Sequential(layer)
    state = net.state_dict()
    assert list(state) == ["0.weight"] and seen == ["0."]
    assert state._metadata == {"": {"version": 1}, "0": {"version": 1}}
    result = net.load_state_dict(state, strict=False)
    assert result.missing_keys == [] and result.unexpected_keys == []


def test_the_older_hook_before_loading_gets_no_module():
    layer = nn.Linear(1, 1, bias=False)

    def rename(state, prefix, about, strict, missing, unexpected, errors):
        state[prefix + "weight"] = state.pop(prefix + "w")

    layer._register_load_state_dict_pre_hook(rename)
    nn.Sequential(layer).load_state_dict({"0.w": lampas.tensor([[3.0]])})
    assert layer.weight.tolist() == [[3.0]]


class Scaled(nn.Module):
    """Keeps its parameter under another name, scaled, as older versions did."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(lampas.ones(2))

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        destination[prefix + "doubled"] = 2 * self.w.detach()

    def _load_from_state_dict(self, state, prefix, about, *rest):
        assert about["version"] == 2
        state[prefix + "w"] = state.pop(prefix + "doubled") / 2
        super()._load_from_state_dict(state, prefix, about, *rest)


def test_a_module_may_save_and_load_in_its_own_way():
    first = nn.Sequential(Scaled(), nn.Linear(1, 1))
    nn.init.constant_(first[0].w, 5.0)
    state = first.state_dict()
    assert list(state) == ["0.doubled", "1.weight", "1.bias"]
    second = nn.Sequential(Scaled(), nn.Linear(1, 1))
    assert repr(second.load_state_dict(state)) == "<All keys matched successfully>"
    assert second[0].w.tolist() == [5.0, 5.0]
    state = first.state_dict()
    state["0.doubled"] = lampas.ones(3)
    with pytest.raises(RuntimeError, match=r"0\.w: the checkpoint has shape \(3,\)"):
        second.load_state_dict(state)


def test_extra_state_goes_along():
    class Counts(nn.Module):
        steps = 0

        def get_extra_state(self):
            return {"steps": self.steps}

        def set_extra_state(self, state):
            self.steps = state["steps"]

    first, second = Counts(), Counts()
    first.steps = 7
    second.load_state_dict(first.state_dict())
    assert second.steps == 7
    with pytest.raises(RuntimeError, match="_extra_state"):
        second.load_state_dict({})


def test_a_missing_key_of_a_tied_tensor_is_explained():
    net = nn.ModuleDict({"embed": nn.Embedding(3, 2), "head": nn.Linear(2, 3)})
    net["head"].weight = net["embed"].weight
    state = net.state_dict()
    del state["head.weight"]
    note = "head.weight shares its tensor with embed.weight, which is there"
    with pytest.raises(RuntimeError, match=note):
        net.load_state_dict(state)
    assert net.load_state_dict(state, strict=False).missing_keys == ["head.weight"]


def test_submodules_are_replaced_by_path():
    net = nn.Sequential(nn.Sequential(nn.Linear(1, 1)))
    net.set_submodule("0.0", nn.Identity())
    assert isinstance(net[0][0], nn.Identity)
    net.set_submodule("0.1", nn.ReLU())
    assert len(net[0]) == 2
    with pytest.raises(AttributeError):
        net.set_submodule("0.5", nn.ReLU(), strict=True)
    with pytest.raises(AttributeError):
        net.set_submodule("7.0", nn.ReLU())
    with pytest.raises(ValueError, match="target name"):
        net.set_submodule("", nn.ReLU())


def test_to_empty_moves_without_values():
    layer = nn.BatchNorm1d(3).to_empty(device="sim")
    assert {str(v.device.type) for v in layer.state_dict().values()} == {"sim"}
    assert layer.num_batches_tracked.dtype is lampas.int64
    assert layer.weight.requires_grad


def test_apply_reaches_children_first():
    names = []
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    net.apply(lambda m: names.append(type(m).__name__))
    assert names == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_shared_memory_is_seen_by_a_forked_process():
    layer = nn.Linear(2, 1, bias=False).share_memory()
    child = os.fork()
    if child == 0:
        nn.init.constant_(layer.weight, 9.0)
        os._exit(0)
    os.waitpid(child, 0)
    assert layer.weight.tolist() == [[9.0, 9.0]]


@pytest.mark.parametrize(("name", "dtype"), [("half", "float16"), ("bfloat16",) * 2])
def test_half_precision_casts_floating_values_only(name, dtype):
    net = getattr(nn.BatchNorm1d(2), name)()
    kinds = {k: str(v.dtype) for k, v in net.state_dict().items()}
    assert kinds.pop("num_batches_tracked") == "lampas.int64"
    assert set(kinds.values()) == {f"lampas.{dtype}"}


def test_buffers_persist_or_not():
    net = nn.Module()
    net.register_buffer("kept", lampas.ones(1))
    net.register_buffer("scratch", lampas.ones(1), persistent=False)
    net.other = nn.Buffer(lampas.ones(1), persistent=False)
    assert list(net.state_dict()) == ["kept"]
    assert [n for n, _ in net.named_buffers()] == ["kept", "scratch", "other"]
    net.load_state_dict({"kept": lampas.zeros(1)})


def test_arguments_for_creating_tensors():
    assert nn.factory_kwargs(None) == {}
    kind = {"dtype": lampas.float64}
    assert nn.factory_kwargs(kind) == kind
    with pytest.raises(TypeError, match="size is not expected"):
        nn.factory_kwargs({"size": 3})
    with pytest.raises(TypeError, match="dtype is given twice"):
        nn.factory_kwargs({**kind, "factory_kwargs": kind})


def test_batch_norms_become_synchronised_with_the_same_tensors():
    net = nn.Sequential(nn.BatchNorm1d(2, eps=0.5), nn.ReLU()).eval()
    net[0].running_mean.fill_(2.0)
    weight, mean = net[0].weight, net[0].running_mean
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert converted is net and type(net[0]) is nn.SyncBatchNorm
    assert net[0].weight is weight and net[0].running_mean is mean
    assert net[0].eps == 0.5 and not net[0].training
    bare = nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(bare)
    assert list(alone.state_dict()) == []


def test_tables_of_bags_are_taken_as_they_are():
    table = lampas.tensor([[1.0, 2.0], [3.0, 4.0]])
    layer = nn.EmbeddingBag.from_pretrained(table, mode="sum")
    assert layer(lampas.tensor([[0, 1]])).tolist() == [[4.0, 6.0]]
    assert not layer.weight.requires_grad
    assert nn.EmbeddingBag.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match="2-dimensional"):
        nn.EmbeddingBag.from_pretrained(table[0])
