"""The simulated device end to end: every path that a GPU would take."""

import io

import numpy as np
import pytest

import lampas
from lampas import kernels, nn
from lampas.backend.sim import SimArray
from lampas.nn import functional as F
from lampas.optim import SGD, Adam, AdamW


@pytest.fixture(autouse=True)
def _references():
    """The device computes by the references: so must the host, to be equal."""
    with kernels.disabled():
        yield


def _model() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.LayerNorm(8),
        nn.Linear(8, 3),
    )


def _steps(model, optimizer, device, count):
    rng = np.random.default_rng(0)
    for _ in range(count):
        x = lampas.tensor(rng.standard_normal((16, 4)).astype("f4"), device=device)
        y = lampas.tensor(rng.integers(0, 3, 16), device=device)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y, label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


OPTIMIZERS = [
    lambda p: SGD(p, lr=0.1),
    lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    lambda p: Adam(p, lr=0.01, amsgrad=True),
    lambda p: AdamW(p, lr=0.01),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_a_step_on_the_device_gives_the_numbers_of_the_host(make):
    trained = {}
    for device in ("cpu", "sim"):
        lampas.manual_seed(0)
        model = _model().to(device)
        optimizer = make(model.parameters())
        _steps(model, optimizer, device, 3)
        trained[device] = model
        assert {p.device.type for p in model.parameters()} == {device}
        assert {p.grad.device.type for p in model.parameters()} == {device}
    for here, away in zip(*(m.parameters() for m in trained.values()), strict=True):
        assert np.array_equal(here.detach().numpy(), away.detach().cpu().numpy())


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_optimizer_state_loaded_from_the_host_goes_to_its_parameters(make):
    model = _model().to("sim")
    optimizer = make(model.parameters())
    _steps(model, optimizer, "sim", 1)
    file = io.BytesIO()
    lampas.save({"model": model.state_dict(), "optim": optimizer.state_dict()}, file)
    file.seek(0)
    saved = lampas.load(file, map_location="cpu")
    assert saved["model"]["0.weight"].device.type == "cpu"
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optim"])
    _steps(model, optimizer, "sim", 1)
    assert type(model[0].weight.detach()._data) is SimArray


LAYERS = {
    "conv": lambda: nn.Conv2d(2, 4, 3, padding=1),
    "conv_transpose": lambda: nn.ConvTranspose2d(2, 4, 3),
    "group_norm": lambda: nn.GroupNorm(2, 2),
    "max_pool": lambda: nn.Sequential(nn.Conv2d(2, 2, 1), nn.MaxPool2d(2)),
    "gelu": lambda: nn.Sequential(nn.Linear(6, 3), nn.GELU(), nn.Softmax(-1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_compute_on_the_device_as_on_the_host(name):
    lampas.manual_seed(1)
    layer = LAYERS[name]()
    x = lampas.randn(2, 2, 6, 6)
    here = layer(x)
    (here * here).sum().backward()
    expected = [p.grad.numpy() for p in layer.parameters()]
    layer.zero_grad()
    layer.to("sim")
    away = layer(x.to("sim"))
    (away * away).sum().backward()
    assert np.array_equal(away.detach().cpu().numpy(), here.detach().numpy())
    for p, grad in zip(layer.parameters(), expected, strict=True):
        assert np.array_equal(p.grad.cpu().numpy(), grad)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_recurrent_layers_make_their_states_on_the_device(kind):
    layer = kind(3, 4, 2, bias=False, bidirectional=True).to("sim")
    y, _ = layer(lampas.randn(5, 2, 3).to("sim"))
    y.sum().backward()
    assert layer.weight_hh_l0.grad.device.type == "sim"
    cell = nn.GRUCell(3, 4).to("sim")
    assert cell(lampas.ones(2, 3, device="sim")).device.type == "sim"


def test_causal_attention_masks_on_the_device():
    x = lampas.randn(1, 2, 4, 8)
    here = F.scaled_dot_product_attention(x, x, x, is_causal=True)
    d = x.to("sim")
    away = F.scaled_dot_product_attention(d, d, d, is_causal=True)
    assert np.array_equal(away.cpu().numpy(), here.numpy())


def test_masks_and_positions_index_on_the_device():
    x = lampas.tensor([[1.0, -2.0], [-3.0, 4.0]], device="sim")
    assert x[x > 0].tolist() == [1.0, 4.0]
    assert x[lampas.tensor([1])].tolist() == [[-3.0, 4.0]]
    assert (x > 0).nonzero().tolist() == [[0, 0], [1, 1]]
    assert lampas.tensor(1, device="sim").nonzero().device.type == "sim"
    x[x < 0] = 0.0
    assert x.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    grown = F.interpolate(x[None, None], scale_factor=2)
    assert grown.device.type == "sim"
    assert grown[0, 0, 0].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_labels_on_another_device_than_the_scores_are_refused():
    scores = lampas.ones(2, 3, device="sim")
    labels = lampas.tensor([0, 1])
    with pytest.raises(lampas.errors.DeviceError, match=r"sim:0.*cpu"):
        F.cross_entropy(scores, labels)
    with pytest.raises(lampas.errors.DeviceError, match=r"cpu.*sim:0"):
        F.embedding(labels, scores)
    with pytest.raises(lampas.errors.DeviceError, match=r"sim:0.*cpu"):
        F.nll_loss(scores, labels)
