"""Layers: what they add to their functions - state, modes, containers, refusals."""

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn import functional as F


def test_batch_norm_follows_the_batches():
    norm = nn.BatchNorm1d(3)
    x = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)
    norm(lampas.from_numpy(x))
    np.testing.assert_allclose(norm.running_mean.numpy(), 0.1 * x.mean(0), rtol=1e-5)
    expected = 0.9 + 0.1 * x.var(0, ddof=1)
    np.testing.assert_allclose(norm.running_var.numpy(), expected, rtol=1e-5)
    assert norm.num_batches_tracked.item() == 1
    norm.eval()
    y = norm(lampas.from_numpy(x)).numpy(force=True)
    scaled = (x - 0.1 * x.mean(0)) / np.sqrt(expected + 1e-5)
    np.testing.assert_allclose(y, scaled, rtol=1e-4, atol=1e-5)
    assert norm.num_batches_tracked.item() == 1


def test_batch_norm_without_momentum_averages_all_batches():
    norm = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 3.0, 8.0):
        norm(lampas.tensor([[value - 1], [value + 1]]))
    assert norm.running_mean.item() == pytest.approx(4.0)


def test_batch_norm_of_one_value_is_refused():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(3)(lampas.zeros(1, 3))


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    lampas.manual_seed(0)
    layer, x = nn.Dropout(0.25), lampas.ones(100, 100)
    y = layer(x).numpy()
    assert set(np.unique(y).tolist()) == {0.0, float(np.float32(4 / 3))}
    assert y.mean() == pytest.approx(1.0, abs=0.02)
    assert layer.eval()(x) is x


def test_channel_dropout_drops_whole_channels():
    lampas.manual_seed(0)
    y = nn.Dropout2d(0.5)(lampas.ones(8, 8, 3, 3)).numpy().reshape(64, 9)
    assert all(len(set(row)) == 1 for row in y.tolist())
    assert 0 < (y[:, 0] == 0).sum() < 64


def test_dropouts_gradient_has_its_mask():
    x = lampas.ones(50, requires_grad=True)
    y = F.dropout(x, 0.5, generator=lampas.Generator().manual_seed(2))
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_alpha_dropout_keeps_mean_and_variance():
    generator = lampas.Generator().manual_seed(0)
    x = lampas.randn(200, 200, generator=generator)
    y = F.alpha_dropout(x, 0.3, True, generator=generator).numpy()
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.std() == pytest.approx(1, abs=0.02)


def test_embedding_says_which_index_is_wrong():
    with pytest.raises(IndexError, match=r"index 7 is out of range: weight has 5 rows"):
        nn.Embedding(5, 2)(lampas.tensor([1, 7]))


def test_the_padding_row_gets_no_gradient():
    layer = nn.Embedding(3, 2, padding_idx=1)
    layer(lampas.tensor([0, 1, 1, 2, 2])).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


def test_cross_entropy_says_which_target_is_wrong():
    with pytest.raises(IndexError, match=r"target 3 is out of bounds: .* 3 classes"):
        F.cross_entropy(lampas.zeros(2, 3), lampas.tensor([0, 3]))


def test_cross_entropy_of_ignored_targets_alone_is_nan_with_zero_gradient():
    x = lampas.zeros(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, lampas.tensor([-100, -100]))
    loss.backward()
    assert np.isnan(loss.item())
    assert x.grad.tolist() == [[0.0] * 3] * 2


def test_cross_entropy_of_large_scores_does_not_overflow():
    x = lampas.tensor([[1000.0, -1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, lampas.tensor([1]))
    loss.backward()
    assert loss.item() == 2000.0
    assert x.grad.tolist() == [[1.0, -1.0]]


def test_weights_of_classes_divide_the_mean():
    x = np.random.default_rng(0).standard_normal((4, 3))
    target, weight = np.array([0, 2, 1, 2]), np.array([1.0, 2.0, 0.5])
    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    each = weight[target]
    expected = -(each * logs[range(4), target]).sum() / each.sum()
    loss = nn.CrossEntropyLoss(lampas.from_numpy(weight))
    found = loss(lampas.from_numpy(x), lampas.from_numpy(target))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_max_pool_gives_the_places_that_unpool_takes():
    x = lampas.from_numpy(
        np.random.default_rng(0).permutation(36).reshape(1, 1, 6, 6) * 1.0
    )
    y, places = F.max_pool2d(x, 2, return_indices=True)
    assert x.flatten()[places.flatten()].tolist() == y.flatten().tolist()
    back = F.max_unpool2d(y, places, 2)
    assert back.sum().item() == y.sum().item()
    assert F.max_pool2d(back, 2).tolist() == y.tolist()


def test_convolution_refuses_what_does_not_fit():
    layer = nn.Conv2d(3, 4, 3)
    with pytest.raises(RuntimeError, match="expects input with 3 channels, got 2"):
        layer(lampas.zeros(1, 2, 5, 5))
    with pytest.raises(RuntimeError, match="can't be greater than the padded input"):
        layer(lampas.zeros(1, 3, 2, 2))
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.Conv2d(3, 4, 3, groups=2)


def test_convolutions_pad_by_their_mode():
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    x = lampas.randn(1, 1, 4, 4)
    by_hand = F.conv2d(F.pad(x, (1, 1, 1, 1), "circular"), layer.weight)
    assert lampas.equal(layer(x), by_hand)


def test_large_batches_are_convolved_in_parts():
    x, w = lampas.randn(40, 16, 16, 16), lampas.randn(16, 16, 3, 3)
    whole = F.conv2d(x, w, padding=1)
    single = F.conv2d(x[39:], w, padding=1)
    assert lampas.allclose(whole[39:], single, atol=1e-4)


def test_containers_index_slice_and_change():
    net = nn.Sequential(*(nn.Linear(i + 1, i + 2) for i in range(4)))
    assert len(net[1:3]) == 2 and net[-1] is net[3]
    del net[0]
    assert list(net._modules) == ["0", "1", "2"]
    net.insert(1, nn.ReLU())
    assert isinstance(net[1], nn.ReLU) and len(net) == 4
    net.append(nn.Tanh())
    assert isinstance(net.pop(4), nn.Tanh)
    with pytest.raises(IndexError, match="index 9 is out of range"):
        net[9]


def test_parameter_containers_register():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.list = nn.ParameterList([lampas.zeros(1), lampas.zeros(2)])
            self.dict = nn.ParameterDict({"a": lampas.zeros(3)})

    names = [name for name, _ in Net().named_parameters()]
    assert names == ["list.0", "list.1", "dict.a"]


def test_inplace_activations_change_their_input():
    x = lampas.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x
    assert x.tolist() == [0.0, 2.0]
