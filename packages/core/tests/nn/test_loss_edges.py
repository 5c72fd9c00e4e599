"""Losses of nothing and of what does not count, their dtypes, and shrinking images."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import DTypeError

ELEMENTWISE = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "soft_margin_loss",
    "poisson_nll_loss",
    "hinge_embedding_loss",
]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_of_no_elements_the_mean_is_nan_and_the_sum_zero(name):
    empty = lampas.zeros(0, 3, requires_grad=True)
    loss = getattr(F, name)
    assert loss(empty, lampas.zeros(0, 3), reduction="sum").item() == 0.0
    assert math.isnan(loss(empty, lampas.zeros(0, 3)).item())
    assert loss(empty, lampas.zeros(0, 3), reduction="none").shape == (0, 3)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5)])
def test_with_every_target_ignored(name, weighted, shape):
    x = lampas.randn(shape, requires_grad=True)
    target = lampas.full((shape[0], *shape[2:]), -100)
    weight = lampas.rand(4) if weighted else None
    loss = getattr(F, name)
    assert not loss(x, target, weight, reduction="none").any()
    assert loss(x, target, weight, reduction="sum").item() == 0.0
    mean = loss(x, target, weight)
    assert mean.isnan()
    total = loss(x, target, weight, reduction="sum")
    assert not lampas.autograd.grad(total, [x])[0].any()


@pytest.mark.parametrize(
    "name",
    ["smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits", "kl_div"],
)
def test_integers_are_refused(name):
    with pytest.raises(DTypeError, match=f"{name}: input must be floating"):
        getattr(F, name)(lampas.tensor([0, 1]), lampas.tensor([0.0, 1.0]))


def test_targets_of_another_dtype_are_refused():
    p = lampas.tensor([0.5])
    for target in (lampas.tensor([1]), lampas.tensor([1.0]).double()):
        with pytest.raises(DTypeError, match=r"target\.to\(input\.dtype\)"):
            F.binary_cross_entropy(p, target)
    with pytest.raises(DTypeError, match="target must be floating"):
        F.binary_cross_entropy_with_logits(p, lampas.tensor([1]))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (1, 3, 1, 1)])
def test_batch_norm_of_one_value(shape):
    x, mean, var = lampas.ones(shape), lampas.zeros(3), lampas.ones(3)
    with pytest.raises(ValueError, match="more than 1 value"):
        F.batch_norm(x, mean, var, training=True)
    out = F.batch_norm(x, mean, var)
    np.testing.assert_allclose(out.numpy(), 1 / math.sqrt(1 + 1e-5), rtol=1e-6)


@pytest.mark.parametrize(("size", "out"), [(5, 3), (9, 4), (4, 1), (3, 7)])
def test_antialias_with_corners_aligned(size, out):
    scale = (size - 1) / (out - 1) if out > 1 else 0.0
    wide = max(scale, 1.0)
    matrix = np.zeros((out, size))
    for i in range(out):
        for j in range(size):
            distance = (j + 0.5 - (i + 0.5) * scale) / wide
            matrix[i, j] = max(0.0, 1 - abs(distance))
    matrix /= matrix.sum(1, keepdims=True)
    x = np.random.default_rng(0).standard_normal((1, 1, size, size))
    found = F.interpolate(
        lampas.from_numpy(x.copy()),
        size=(out, out),
        mode="bilinear",
        align_corners=True,
        antialias=True,
    )
    np.testing.assert_allclose(found[0, 0].numpy(), matrix @ x[0, 0] @ matrix.T)
