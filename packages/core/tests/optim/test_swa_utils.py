"""Averaged models, their schedule, and batch norms computed anew."""

import math

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.optim import SGD, swa_utils


def model_of(value):
    model = nn.Linear(2, 1)
    with lampas.no_grad():
        model.weight.fill_(value)
        model.bias.fill_(-value)
    return model


VALUES = [1.0, 5.0, -2.0, 4.0]


def test_equal_weights_are_the_mean():
    model = model_of(0.0)
    averaged = swa_utils.AveragedModel(model)
    for value in VALUES:
        averaged.update_parameters(model_of(value))
    mean = sum(VALUES) / 4
    np.testing.assert_allclose(averaged.module.weight.tolist(), [[mean, mean]])
    np.testing.assert_allclose(averaged.module.bias.tolist(), [-mean])
    assert averaged.n_averaged.item() == 4
    assert model.weight.tolist() == [[0.0, 0.0]]
    x = lampas.tensor([[1.0, 2.0]])
    assert averaged(x).item() == pytest.approx(3 * mean - mean)


@pytest.mark.parametrize(
    "option",
    [
        {"avg_fn": swa_utils.get_ema_avg_fn(0.75)},
        {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)},
    ],
    ids=["one", "many"],
)
def test_exponential_weights(option):
    averaged = swa_utils.AveragedModel(model_of(0.0), **option)
    want = VALUES[0]
    averaged.update_parameters(model_of(want))
    for value in VALUES[1:]:
        want = 0.75 * want + 0.25 * value
        averaged.update_parameters(model_of(value))
    np.testing.assert_allclose(averaged.module.weight.tolist(), [[want, want]])


def test_multi_average_gets_tensors_of_one_kind():
    seen = []

    def update(averages, currents, count):
        seen.append((averages[0].dtype, len(averages), len(currents), int(count)))

    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1).double())
    averaged = swa_utils.AveragedModel(model, multi_avg_fn=update)
    averaged.update_parameters(model)
    averaged.update_parameters(model)
    assert seen == [(lampas.float32, 2, 2, 1), (lampas.float64, 2, 2, 1)]


@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_copied_or_averaged(use_buffers):
    model = nn.BatchNorm1d(1)
    average = swa_utils.get_swa_multi_avg_fn()
    averaged = swa_utils.AveragedModel(
        model, multi_avg_fn=average, use_buffers=use_buffers
    )
    for value, count in ((2.0, 10), (4.0, 20)):
        model.running_mean.fill_(value)
        model.num_batches_tracked.fill_(count)
        averaged.update_parameters(model)
    copied = averaged.module
    assert copied.running_mean.item() == (3.0 if use_buffers else 4.0)
    assert copied.num_batches_tracked.item() == (15 if use_buffers else 20)


def test_state_goes_on(tmp_path):
    averaged = swa_utils.AveragedModel(model_of(0.0))
    for value in VALUES[:2]:
        averaged.update_parameters(model_of(value))
    state = averaged.state_dict()
    assert list(state) == ["n_averaged", "module.weight", "module.bias"]
    lampas.save(state, tmp_path / "state.pt")
    other = swa_utils.AveragedModel(model_of(0.0))
    other.load_state_dict(lampas.load(tmp_path / "state.pt"))
    for value in VALUES[2:]:
        averaged.update_parameters(model_of(value))
        other.update_parameters(model_of(value))
    assert other.module.weight.tolist() == averaged.module.weight.tolist()


def test_on_a_device():
    averaged = swa_utils.AveragedModel(model_of(0.0), device="sim")
    for value in (1.0, 3.0):
        averaged.update_parameters(model_of(value))
    assert averaged.module.weight.device.type == "sim"
    assert averaged.module.weight.tolist() == [[2.0, 2.0]]


def test_both_functions_are_refused():
    with pytest.raises(ValueError, match="not both"):
        swa_utils.AveragedModel(model_of(0.0), avg_fn=max, multi_avg_fn=max)
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\], got 2"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(ValueError, match="decay"):
        swa_utils.get_ema_multi_avg_fn(-1)


def test_update_bn_is_the_mean_over_a_pass():
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((8, 3)).astype(np.float32) for _ in range(5)]
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.ReLU()).eval()
    model[0].running_mean.fill_(100.0)
    swa_utils.update_bn([(lampas.tensor(b), 0) for b in batches], model)
    means = np.mean([b.mean(0) for b in batches], axis=0)
    variances = np.mean([b.var(0, ddof=1) for b in batches], axis=0)
    np.testing.assert_allclose(model[0].running_mean.numpy(), means, atol=1e-6)
    np.testing.assert_allclose(model[0].running_var.numpy(), variances, atol=1e-6)
    assert (model[0].momentum, model.training) == (0.3, False)


def test_update_bn_leaves_other_models_alone():
    swa_utils.update_bn(iter(int, 1), nn.Linear(1, 1))  # an endless loader


@pytest.mark.parametrize("kind", ["cos", "linear"])
@pytest.mark.parametrize("length", [0, 1, 4])
def test_swalr(kind, length):
    groups = [{"params": [lampas.zeros(1)], "lr": r} for r in (1.0, 0.5)]
    optimizer = SGD(groups)
    scheduler = swa_utils.SWALR(optimizer, [0.1, 0.9], length, kind)
    for step in range(7):
        t = 1.0 if length == 0 else min(1.0, step / length)
        share = t if kind == "linear" else (1 - math.cos(math.pi * t)) / 2
        want = [1.0 + (0.1 - 1.0) * share, 0.5 + (0.9 - 0.5) * share]
        assert scheduler.get_last_lr() == pytest.approx(want)
        optimizer.step()
        scheduler.step()


def test_swalr_refuses():
    optimizer = SGD([lampas.zeros(1)])
    with pytest.raises(ValueError, match="'cos' or 'linear', got 'exp'"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="exp")
    with pytest.raises(ValueError, match="anneal_epochs must be >= 0, got -1"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have one value for each of the"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])
