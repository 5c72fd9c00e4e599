"""Layers where there is nothing, one value, or no room: norms, losses, pools, sizes."""

import itertools
import math

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn import functional as F


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 5), (2, 4, 2, 3)])
@pytest.mark.parametrize("weight", [None, "some", "zero"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_targets_of_which_all_or_some_are_ignored(
    name, reduction, shape, weight, smoothing
):
    if name == "nll_loss" and smoothing:
        smoothing = 0.0
    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=shape), 4
    axis = 1 if len(shape) > 1 else 0
    w = {None: np.ones(4), "some": rng.random(4), "zero": np.zeros(4)}[weight]
    places = shape[:1] + shape[2:] if axis else ()
    some = rng.integers(0, classes, size=places)
    some = np.where(rng.random(places) < 0.5, -100, some)
    for target in (np.full(places, -100), some):
        logs = x - np.log(np.exp(x).sum(axis, keepdims=True))
        scores = np.moveaxis(logs if name == "cross_entropy" else x, axis, -1)
        kept = target != -100
        own = np.where(kept, w[target * kept], 0)
        each = -own * np.take_along_axis(scores, (target * kept)[..., None], -1)[..., 0]
        smooth = np.where(kept, -(scores * w).sum(-1), 0) / classes
        value = (1 - smoothing) * each + smoothing * smooth
        total = np.asarray(value).sum()
        with np.errstate(all="ignore"):
            wanted = {
                "none": value,
                "sum": total,
                "mean": total / np.float64(own.sum()),
            }[reduction]
        how = {"label_smoothing": smoothing} if name == "cross_entropy" else {}
        found = getattr(F, name)(
            lampas.tensor(x),
            lampas.tensor(target),
            None if weight is None else lampas.tensor(w),
            reduction=reduction,
            **how,
        )
        np.testing.assert_allclose(found, wanted, atol=1e-12)


NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
OWN = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_norms_of_one_value(n):
    one = lampas.full((1, 3, *[1] * n), 5.0)
    for layer in (NORMS[n](3), OWN[n](3)):
        with pytest.raises(ValueError, match="more than 1"):
            layer(one)
    layer = NORMS[n](3).eval()
    np.testing.assert_allclose(layer(one).detach(), 5 / np.sqrt(1 + 1e-5) + one * 0)
    two = lampas.cat([one, one * 3])
    out = NORMS[n](3)(two).detach().flatten().tolist()
    np.testing.assert_allclose(out, [-1] * 3 + [1] * 3, atol=1e-5)
    with pytest.raises(ValueError, match="more than 1"):
        OWN[n](3)(two)


def test_group_norms_of_one_value_and_of_none():
    with pytest.raises(ValueError, match="more than 1"):
        nn.GroupNorm(3, 3)(lampas.ones(1, 3))
    assert not nn.GroupNorm(3, 3)(lampas.full((2, 3, 1), 5.0)).any()
    assert nn.GroupNorm(1, 3)(lampas.ones(0, 3, 2)).shape == (0, 3, 2)
    assert nn.LayerNorm(1)(lampas.ones(2, 1)).tolist() == [[0.0], [0.0]]


POOLS = list(itertools.product([1, 2, 3], [(2, 2, 0), (3, 2, 1), (4, 4, 1)], [5, 6, 8]))


@pytest.mark.parametrize(("n", "window", "size"), POOLS)
def test_what_max_pooling_took_is_put_back(n, window, size):
    k, s, p = window
    shape = (2, 2, *[size] * n)
    x = lampas.tensor(
        np.random.default_rng(0).permutation(math.prod(shape)).reshape(shape) + 1.0
    )
    pool, back = getattr(F, f"max_pool{n}d"), getattr(F, f"max_unpool{n}d")
    y, places = pool(x, k, s, p, return_indices=True)
    again = back(y, places, k, s, p, output_size=x.shape)
    # What overlapping windows took twice is there once.
    taken = np.isin(x.numpy(), y.numpy())
    np.testing.assert_array_equal(again.numpy(), np.where(taken, x.numpy(), 0))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
def test_the_norm_of_infinite_order_pools_by_the_largest(n, ceil):
    x = lampas.rand(1, 2, *[5] * n)
    found = getattr(F, f"lp_pool{n}d")(x, math.inf, 2, 2, ceil)
    assert found.equal(getattr(F, f"max_pool{n}d")(x, 2, 2, ceil_mode=ceil))


MODES = [("nearest", 1), ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("area", 2)]


@pytest.mark.parametrize(("mode", "n"), [*MODES, ("trilinear", 3)])
@pytest.mark.parametrize("recompute", [None, False, True])
def test_sizes_of_nothing_are_refused(mode, n, recompute):
    x = lampas.ones(1, 1, *[2] * n)
    how = {"mode": mode, "recompute_scale_factor": recompute}
    with pytest.raises(RuntimeError, match="must be greater than 0"):
        F.interpolate(x, scale_factor=0.4, **how)


@pytest.mark.parametrize("factor", [2.0, 2.3, 2.4])
def test_nearest_of_twice_the_size_takes_each_twice(factor):
    x = lampas.tensor([[[1.0, 2.0]]])
    assert F.interpolate(x, scale_factor=factor).tolist() == [[[1.0, 1.0, 2.0, 2.0]]]


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_attention_with_a_mask_that_is_causal_too(kind):
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 5, 3))
    mask = rng.random((4, 5)) < 0.6 if kind == "bool" else rng.normal(size=(4, 5))
    seen = np.tril(np.ones((4, 5), bool))
    scores = q @ k.swapaxes(1, 2) / np.sqrt(3)
    if kind == "bool":
        seen = seen & mask
    else:
        scores = scores + mask
    e = np.where(seen, np.exp(scores), 0)
    total = e.sum(-1, keepdims=True)
    wanted = np.where(total, e / np.where(total, total, 1), 0) @ k
    x, y, m = (lampas.tensor(v) for v in (q, k, mask))
    found = F.scaled_dot_product_attention(x, y, y, m, is_causal=True)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_a_stack_that_is_causal_needs_its_mask():
    x = lampas.ones(3, 1, 4)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 1)
    for call in (
        lambda: encoder(x, is_causal=True),
        lambda: decoder(x, x, tgt_is_causal=True),
    ):
        with pytest.raises(RuntimeError, match="attn_mask must be given"):
            call()
