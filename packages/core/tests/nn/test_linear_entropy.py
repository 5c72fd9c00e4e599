"""The cross entropy of a linear layer's scores, whole and chunk by chunk."""

from __future__ import annotations

import types

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import ShapeError


def formula(x, w, b, target, weight, ignored):
    scores = x @ w.T + b
    top = scores.max(1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(1, keepdims=True))
    counts = np.array([0.0 if t == ignored else weight[t] for t in target])
    picked = [0.0 if t == ignored else logs[i, t] for i, t in enumerate(target)]
    return -np.array(picked) * counts, counts.sum()


@pytest.mark.parametrize("rows", [None, 1, 3, 100])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_change_nothing(rows, reduction, weighted):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((7, 4), (5, 4), (5,)))
    target = np.array([0, 4, 2, -7, 1, -7, 3])
    weight = rng.random(5) if weighted else np.ones(5)
    losses, share = formula(x, w, b, target, weight, -7)
    wanted = {"none": losses, "sum": losses.sum(), "mean": losses.sum() / share}
    leaves = [lampas.from_numpy(a).requires_grad_() for a in (x, w, b)]
    found, grads = [], []
    for options in (None, types.SimpleNamespace(batch_chunk_size=rows)):
        loss = F.linear_cross_entropy(
            leaves[0],
            leaves[1],
            lampas.from_numpy(target),
            linear_bias=leaves[2],
            weight=lampas.from_numpy(weight) if weighted else None,
            reduction=reduction,
            ignore_index=-7,
            options=options,
        )
        found.append(loss.detach().numpy())
        grads.append(lampas.autograd.grad(loss.sum(), leaves))
    for one in found:
        np.testing.assert_allclose(one, wanted[reduction], rtol=1e-12)
    for whole, chunked in zip(*grads, strict=True):
        np.testing.assert_allclose(chunked.numpy(), whole.numpy(), rtol=1e-10)


def test_several_places_and_probabilities():
    rng = np.random.default_rng(1)
    x, w = (
        lampas.from_numpy(rng.random((3, 4))),
        lampas.from_numpy(rng.random((5, 2, 4))),
    )
    scores = lampas.einsum("nf,cdf->ncd", x, w)
    numbers = lampas.from_numpy(rng.integers(0, 5, (3, 2)))
    shares = scores.softmax(1)
    for target in (numbers, shares):
        found = F.linear_cross_entropy(x, w, target, label_smoothing=0.1)
        wanted = F.cross_entropy(scores, target, label_smoothing=0.1)
        assert found.item() == pytest.approx(wanted.item(), rel=1e-12)


@pytest.mark.parametrize(
    ("x", "w", "more", "text"),
    [
        ((2, 3), (4, 5), {}, "features"),
        ((3,), (4, 2, 3), {}, "batch dimension"),
        ((2, 3), (4, 3), {"linear_bias": lampas.zeros(3)}, "linear_bias must have"),
        ((2, 3), (4, 3), {"ignore_index": 1}, "class numbers"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(x, w, more, text):
    target = lampas.ones(2, 4)
    with pytest.raises(ShapeError, match=text):
        F.linear_cross_entropy(lampas.zeros(x), lampas.zeros(w), target, **more)


def test_time_first_convolution():
    rng = np.random.default_rng(2)
    x, w, b = (rng.standard_normal(s) for s in ((5, 2, 3), (2, 3, 4), (4,)))
    padded = np.pad(x, ((1, 1), (0, 0), (0, 0)))
    wanted = np.stack(
        [np.einsum("kbc,kco->bo", padded[t : t + 2], w) + b for t in range(6)]
    )
    found = F.conv_tbc(*map(lampas.from_numpy, (x, w, b)), pad=1)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)
    with pytest.raises(ShapeError, match="input must be 3-D"):
        F.conv_tbc(lampas.zeros(2, 3), lampas.from_numpy(w), lampas.from_numpy(b))
