"""linear_cross_entropy in one piece and in chunks, against a float64 formula."""

import tracemalloc

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.functional import linear_cross_entropy


def _expected(x, w, b, target, factor, smoothing, reduction):
    scores = x @ w.T + b
    top = scores.max(1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
    kept = target != -100
    of = np.where(kept, factor[target * kept], 0.0)
    picked = -logs[np.arange(len(x)), target * kept] * of
    even = -(logs * factor).sum(1) / logs.shape[1] * kept
    losses = (1 - smoothing) * picked + smoothing * even
    return (
        losses
        if reduction == "none"
        else losses.sum() / (of.sum() if reduction == "mean" else 1)
    )


@pytest.mark.parametrize("rows", [None, 1, 2, 3, 100])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_values_and_gradients(reduction, smoothing, rows):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in ((7, 4), (5, 4), (5,))]
    factor, target = rng.uniform(0.5, 2, 5), rng.integers(0, 5, 7)
    target[2] = -100
    options = rows and nn.LinearCrossEntropyOptions(batch_chunk_size=rows)

    def value(x, w, b):
        return _expected(x, w, b, target, factor, smoothing, reduction).sum()

    x, w, b = (lampas.tensor(a, requires_grad=True) for a in arrays)
    loss = linear_cross_entropy(
        x,
        w,
        lampas.tensor(target),
        linear_bias=b,
        weight=lampas.tensor(factor),
        reduction=reduction,
        label_smoothing=smoothing,
        options=options,
    )
    assert loss.shape == ((7,) if reduction == "none" else ())
    assert float(loss.sum()) == pytest.approx(value(*arrays))
    (3 * loss).sum().backward()
    for i, tensor in enumerate((x, w, b)):
        step = np.random.default_rng(i).normal(size=arrays[i].shape)
        high, low = ([*arrays], [*arrays])
        high[i], low[i] = arrays[i] + 1e-6 * step, arrays[i] - 1e-6 * step
        slope = 3 * (value(*high) - value(*low)) / 2e-6
        assert float((tensor.grad.numpy() * step).sum()) == pytest.approx(slope, 1e-6)


def test_chunks_never_hold_all_scores():
    x = lampas.randn(512, 16, requires_grad=True)
    w = lampas.randn(4096, 16, requires_grad=True)
    target = lampas.zeros(512, dtype=lampas.int64)

    def peak(options):
        tracemalloc.start()
        linear_cross_entropy(x, w, target, options=options).backward()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    options = nn.LinearCrossEntropyOptions(batch_chunk_size=32)
    peak(options)
    scores = 512 * 4096 * 4
    assert peak(None) > scores and peak(options) < scores / 2


def test_probabilities_and_half_precision_in_chunks():
    x, w = lampas.randn(5, 3), lampas.randn(4, 3)
    shares = lampas.rand(5, 4).softmax(1)
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    whole = linear_cross_entropy(x, w, shares)
    assert float(linear_cross_entropy(x, w, shares, options=options)) == pytest.approx(
        float(whole), rel=1e-6
    )
    x, w = x.half().requires_grad_(), w.half().requires_grad_()
    target = lampas.tensor([0, 1, 2, 3, 0])
    loss = linear_cross_entropy(x, w, target, options=options)
    loss.backward()
    assert loss.dtype is x.grad.dtype is w.grad.dtype is lampas.float16


def test_the_layer_with_more_outputs():
    layer = nn.LinearCrossEntropyLoss(4, 5, out_features=(2,), bias=True)
    assert layer.linear.weight.shape == (10, 4)
    x, target = lampas.randn(3, 4), lampas.tensor([[0, 1], [2, 3], [4, 0]])
    scores = layer.linear(x).reshape(3, 5, 2)
    expected = nn.functional.cross_entropy(scores, target)
    assert float(layer(x, target)) == pytest.approx(float(expected))
    assert "out_features=(2,), bias=True, reduction=mean" in repr(layer)


def test_chunks_of_no_rows_are_refused():
    with pytest.raises(ValueError, match="batch_chunk_size"):
        nn.LinearCrossEntropyOptions(batch_chunk_size=0)
