"""Whole modules in files: rebuilt by their state, never by calling anything.

``files/whole.pt`` was written by PyTorch 2.13: a dict of ``net``, an instance of a
class ``whole_program.Net`` like the one below in evaluation mode, of an input ``x``,
and of PyTorch's own output ``y``.
"""

import dataclasses
import io
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.serialization.pickling import Instance, Reference, pickle_plain
from lampas.serialization.torchzip import write_archive

FILE = Path(__file__).parent / "files" / "whole.pt"


class Net(nn.Module):
    def __init__(self):
        raise AssertionError("loading calls nothing of the class")

    def __setstate__(self, state):
        raise AssertionError("loading calls nothing of the class")

    def forward(self, x):
        x = self.norm(self.convolve(x)).mean(1)
        x, _ = self.recur(x)
        for layer in self.layers:
            x = layer(x)
        return x


@dataclasses.dataclass
class Settings:
    width: int = 3


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.settings = Settings(5)
        self.fc = nn.Linear(2, 2)
        self.tied = self.fc
        self.act = nn.functional.relu
        self.mask = None
        self.register_buffer("small", lampas.ones(2, dtype=lampas.float16), False)

    def forward(self, x):
        return self.act(self.tied(x))


class Other:
    pass


class Watched(nn.Module):
    def __del__(self):
        Watched.ended = True


@pytest.fixture
def program(monkeypatch):
    module = types.ModuleType("whole_program")
    module.Net = Net
    monkeypatch.setitem(sys.modules, "whole_program", module)


def test_a_module_that_pytorch_wrote_computes_what_it_did(program):
    found = lampas.load(FILE, weights_only=False)
    net = found["net"]
    assert type(net) is Net and not net.training
    assert (net.kind, net.sizes, net.norm_layer) == ("net", (1, 2), nn.BatchNorm2d)
    assert net.steps.item() == 7 and "steps" in net.state_dict()
    assert type(net.layers[0].self_attn.out_proj) is nn.Linear
    np.testing.assert_allclose(
        net(found["x"]).detach().numpy(), found["y"].numpy(), atol=1e-6
    )
    net.train()(found["x"]).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_it_is_refused_unless_asked_for_and_defined(program, monkeypatch):
    with pytest.raises(pickle.UnpicklingError, match="whole_program.Net"):
        lampas.load(FILE)
    monkeypatch.delitem(sys.modules, "whole_program")
    with pytest.raises(pickle.UnpicklingError, match="whole_program.Net"):
        lampas.load(FILE, weights_only=False)


def saved(obj):
    file = io.BytesIO()
    lampas.save(obj, file)
    file.seek(0)
    return file


def test_what_lampas_wrote_comes_back_whole():
    small = Small()
    again = lampas.load(saved([small, small.fc]), weights_only=False)
    net = again[0]
    assert type(net) is Small and again[1] is net.fc and net.tied is net.fc
    assert net.settings == Settings(5) and net.act is nn.functional.relu
    assert net.small.dtype is lampas.float16 and "small" not in net.state_dict()
    x = lampas.ones(1, 2)
    assert lampas.equal(net(x), small(x))
    assert isinstance(net.fc.weight, nn.Parameter) and net.fc.weight.requires_grad


@pytest.mark.parametrize(
    ("layer", "attribute", "value"),
    [
        (nn.Conv1d(1, 1, 3, padding=2), "_reversed_padding_repeated_twice", (2, 2)),
        (nn.Conv2d(1, 1, (2, 4), padding="same"), None, [1, 2, 0, 1]),
        (nn.ConvTranspose1d(1, 1, 3), "transposed", True),
        (nn.TransformerEncoderLayer(2, 1, 2), "activation_relu_or_gelu", 1),
        (nn.RNN(1, 1, bias=False), "_flat_weights_names", None),
    ],
)
def test_pytorchs_own_attributes_are_in_the_file(layer, attribute, value):
    # values as PyTorch 2.13's constructors set them
    attribute = attribute or "_reversed_padding_repeated_twice"
    value = value or ["weight_ih_l0", "weight_hh_l0"]
    net = lampas.load(saved(layer), weights_only=False)
    assert net.__dict__[attribute] == value


def test_what_cannot_be_written_is_named(tmp_path):
    hooked = nn.Linear(1, 1)
    hooked.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="a Linear has hooks"):
        lampas.save(hooked, tmp_path / "a.pt")
    plain = nn.Linear(1, 1)
    plain.extra = Other()
    with pytest.raises(TypeError, match=r"\['extra'\].*Other cannot be saved"):
        lampas.save({"m": plain}, tmp_path / "a.pt")

    class Local(nn.Module):
        pass

    with pytest.raises(TypeError, match="top of a module"):
        lampas.save(Local(), tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


def written(described):
    """A file that names what no honest writer would."""
    pickled, storages = pickle_plain(Other(), lambda value: described.get(type(value)))
    file = io.BytesIO()
    write_archive(file, pickled, storages)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    "described",
    [
        Instance(f"{__name__} Other", {}),
        Instance(f"{__name__} Watched", {}),
        Instance("builtins object", {}),
        Instance("subprocess Popen", {}),
        Reference("os system"),
        Reference("torch.nn.functional __builtins__"),
        Reference("torch.nn.init torch"),
    ],
)
def test_other_names_are_refused(described):
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        lampas.load(written({Other: described}), weights_only=False)
    assert not hasattr(Watched, "ended")


@pytest.mark.parametrize("state", [{"_parameters": 1}, {}])
def test_a_state_that_is_none_is_damage(state):
    file = written({Other: Instance("torch.nn.modules.linear Linear", state)})
    with pytest.raises(RuntimeError, match="are not a dict"):
        lampas.load(file, weights_only=False)
