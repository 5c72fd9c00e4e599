"""AdaptiveLogSoftmaxWithLoss, Fold, Unfold and DataParallel against formulas."""

import numpy as np
import pytest

import lampas
from lampas import nn


def _log_softmax(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _all_log_probabilities(layer, x):
    """The formula of the paper, in float64."""
    head = x @ layer.head.weight.detach().numpy().T
    if layer.head.bias is not None:
        head = head + layer.head.bias.detach().numpy()
    head = _log_softmax(head)
    short = layer.shortlist_size
    parts = [head[:, :short]]
    for k, (down, up) in enumerate(layer.tail):
        scores = x @ down.weight.detach().numpy().T @ up.weight.detach().numpy().T
        parts.append(head[:, short + k : short + k + 1] + _log_softmax(scores))
    return np.concatenate(parts, 1)


@pytest.fixture
def layer():
    lampas.manual_seed(1)
    kind = {"dtype": lampas.float64}
    return nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], 2.0, head_bias=True, **kind)


def test_outputs_are_the_log_probabilities_of_the_targets(layer):
    x = np.random.default_rng(0).normal(size=(6, 8))
    expected = _all_log_probabilities(layer, x)
    target = [0, 2, 3, 6, 7, 11]
    output, loss = layer(lampas.tensor(x), lampas.tensor(target))
    np.testing.assert_allclose(output.detach().numpy(), expected[range(6), target])
    assert float(loss) == pytest.approx(-expected[range(6), target].mean())
    np.testing.assert_allclose(layer.log_prob(lampas.tensor(x)).tolist(), expected)
    assert np.exp(expected).sum(1) == pytest.approx(np.ones(6))
    assert layer.predict(lampas.tensor(x)).tolist() == expected.argmax(1).tolist()
    one, _ = layer(lampas.tensor(x[3]), lampas.tensor(6))
    assert one.shape == () and float(one) == pytest.approx(expected[3, 6])


def test_gradients_reach_only_the_clusters_that_were_asked(layer):
    x = lampas.randn(2, 8, dtype=lampas.float64, requires_grad=True)
    layer(x, lampas.tensor([1, 5])).loss.backward()
    assert layer.tail[0][0].weight.grad is not None
    assert layer.tail[1][0].weight.grad is None
    step = 1e-6 * lampas.ones(2, 8, dtype=lampas.float64)
    with lampas.no_grad():
        high = layer(x + step, lampas.tensor([1, 5])).loss
        low = layer(x - step, lampas.tensor([1, 5])).loss
    assert float(x.grad.sum()) == pytest.approx(float(high - low) / 2e-6, rel=1e-6)


def test_keys_are_those_of_pytorch(layer):
    assert list(layer.state_dict()) == [
        "head.weight",
        "head.bias",
        "tail.0.0.weight",
        "tail.0.1.weight",
        "tail.1.0.weight",
        "tail.1.1.weight",
    ]
    assert layer.tail[1][0].weight.shape == (2, 8)


def test_wrong_settings_and_targets_are_refused(layer):
    for cutoffs in ([], [3, 3], [5, 3], [0, 3], [12], [2.5]):
        with pytest.raises(ValueError, match="cutoffs"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs)
    x = lampas.zeros(2, 8, dtype=lampas.float64)
    with pytest.raises(RuntimeError, match=r"in \[0, 11\], got values in \[1, 12\]"):
        layer(x, lampas.tensor([1, 12]))
    with pytest.raises(RuntimeError, match="same size in the batch"):
        layer(x, lampas.tensor([1, 1, 1]))
    with pytest.raises(RuntimeError, match="must be"):
        layer(x, lampas.tensor(1))


def test_unfold_lists_windows_and_fold_adds_them_up():
    x = lampas.arange(12.0).reshape(1, 1, 3, 4)
    columns = nn.Unfold(2)(x)
    assert columns[0, :, 0].tolist() == [0.0, 1.0, 4.0, 5.0]
    assert columns[0, :, 5].tolist() == [6.0, 7.0, 10.0, 11.0]
    back = nn.Fold((3, 4), 2)(columns)
    counts = nn.Fold((3, 4), 2)(nn.Unfold(2)(lampas.ones(1, 1, 3, 4)))
    assert (back / counts).tolist() == x.tolist()
    text = "Fold(output_size=3, kernel_size=2, dilation=1, padding=0, stride=1)"
    assert repr(nn.Fold(3, 2)) == text


def test_data_parallel_adds_a_prefix_and_nothing_else():
    inner = nn.Linear(2, 1)
    net = nn.DataParallel(inner, device_ids=[0])
    x = lampas.ones(3, 2)
    assert net(x).tolist() == inner(x).tolist() and net.module is inner
