"""ResNet: published sizes and keys, and a block against a formula in float64."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas_vision import models
from lampas_vision.models.resnet import BasicBlock, Bottleneck, ResNet

# Parameters as the authors of the published weights state them
PUBLISHED = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnext50_32x4d": 25_028_904,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_number_of_parameters(name):
    model = getattr(models, name)()
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name]


def test_keys_of_published_weights():
    keys = list(models.resnet18().state_dict())
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    block = [
        key
        for n in (1, 2)
        for key in (f"conv{n}.weight", *(f"bn{n}.{k}" for k in norm))
    ]
    down = ["downsample.0.weight", *(f"downsample.1.{k}" for k in norm)]
    expected = ["conv1.weight", *(f"bn1.{k}" for k in norm)]
    for stage in (1, 2, 3, 4):
        for index in (0, 1):
            extra = down if stage > 1 and index == 0 else []
            expected += [f"layer{stage}.{index}.{k}" for k in block + extra]
    assert keys == [*expected, "fc.weight", "fc.bias"]


def test_initial_values():
    lampas.manual_seed(0)
    model = models.resnet18(num_classes=7, zero_init_residual=True)
    weight = model.layer2[0].conv1.weight.detach().numpy()
    # fan out: 128 channels of 3x3
    assert abs(weight.std() / np.sqrt(2 / (128 * 9)) - 1) < 0.01
    assert tuple(model.fc.weight.shape) == (7, 512)
    assert model.layer1[0].bn1.weight.detach().numpy().min() == 1
    assert model.layer1[0].bn2.weight.detach().numpy().max() == 0


def convolve(x, weight, stride, padding):
    """Convolution as its definition has it."""
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    size = weight.shape[-2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows[:, :, ::stride, ::stride], weight)


def normalise(x, state, name):
    def value(key):
        return state[f"{name}.{key}"].reshape(1, -1, 1, 1)

    scaled = (x - value("running_mean")) / np.sqrt(value("running_var") + 1e-5)
    return scaled * value("weight") + value("bias")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def disturb(module, rng):
    """Give every tensor values of its own; return them as float64."""
    state = {}
    for key, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            array = rng.random(tuple(value.shape)) + 0.5
            array = array - 1.0 if key.startswith("conv") else array
            value = lampas.from_numpy(array.astype(np.float32))
        state[key] = value
    module.load_state_dict(state)
    module.eval()
    return {k: v.numpy().astype(np.float64) for k, v in module.state_dict().items()}


@pytest.mark.parametrize("stride", [1, 2])
def test_basic_block(rng, stride):
    down = None
    if stride == 2:
        conv = nn.Conv2d(4, 4, 1, stride=2, bias=False)
        down = nn.Sequential(conv, nn.BatchNorm2d(4))
    block = BasicBlock(4, 4, stride, down)
    state = disturb(block, rng)
    x = rng.standard_normal((2, 4, 6, 6)).astype(np.float32)
    out = np.maximum(
        normalise(convolve(x, state["conv1.weight"], stride, 1), state, "bn1"), 0
    )
    out = normalise(convolve(out, state["conv2.weight"], 1, 1), state, "bn2")
    shortcut = x
    if stride == 2:
        shortcut = convolve(x, state["downsample.0.weight"], 2, 0)
        shortcut = normalise(shortcut, state, "downsample.1")
    with lampas.no_grad():
        ours = block(lampas.from_numpy(x)).numpy()
    assert np.allclose(ours, np.maximum(out + shortcut, 0), rtol=1e-4, atol=1e-4)


def test_bottleneck(rng):
    block = Bottleneck(16, 4, 2, nn.Conv2d(16, 16, 1, stride=2, bias=False))
    state = disturb(block, rng)
    x = rng.standard_normal((2, 16, 6, 6)).astype(np.float32)
    out = x
    for number, (stride, padding) in enumerate([(1, 0), (2, 1), (1, 0)], start=1):
        out = convolve(out, state[f"conv{number}.weight"], stride, padding)
        out = normalise(out, state, f"bn{number}")
        out = np.maximum(out, 0) if number < 3 else out
    out = out + convolve(x, state["downsample.weight"], 2, 0)
    with lampas.no_grad():
        ours = block(lampas.from_numpy(x)).numpy()
    assert np.allclose(ours, np.maximum(out, 0), rtol=1e-4, atol=1e-4)


def test_it_learns():
    lampas.manual_seed(0)
    model = ResNet(BasicBlock, (1, 1, 1, 1), num_classes=2)
    x, y = lampas.randn(4, 3, 32, 32), lampas.tensor([0, 1, 0, 1])
    optimizer = lampas.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(4):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_dilation_keeps_the_resolution():
    model = ResNet(
        Bottleneck, (1, 1, 1, 1), replace_stride_with_dilation=(False, True, True)
    )
    assert model.layer4[0].conv2.stride == (1, 1)
    assert model.layer4[0].conv2.dilation == (2, 2)
    assert model.layer2[0].conv2.stride == (2, 2)


def test_refuses():
    with pytest.raises(ValueError, match="three booleans, got \\(True,\\)"):
        ResNet(BasicBlock, (1, 1, 1, 1), replace_stride_with_dilation=(True,))
    with pytest.raises(ValueError, match="BasicBlock: expected groups 1.*Bottleneck"):
        ResNet(BasicBlock, (1, 1, 1, 1), groups=2)
