"""Native attention against its formula in float64: strides, masks, gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
attention = lampas.nn.functional.scaled_dot_product_attention
# (front, queries, keys, width, depth): around vectors, panels, blocks; one head split.
SIZES = [
    ((), 1, 1, 1, 1),
    ((2,), 3, 5, 4, 2),
    ((2, 3), 17, 33, 8, 8),
    ((1, 2), 49, 129, 64, 64),
    ((9,), 48, 128, 16, 24),
    ((1,), 193, 700, 33, 17),
    ((1, 1), 1030, 515, 8, 8),
]


@np.errstate(all="ignore")
def formula(q, k, v, g, mask, causal, factor):
    """The result and the gradients, in float64."""
    q, k, v, g = (a.astype(np.float64) for a in (q, k, v, g))
    scores = q @ np.swapaxes(k, -1, -2) * factor
    seen = np.ones(scores.shape, bool)
    if mask is not None and mask.dtype == bool:
        seen &= mask
    elif mask is not None:
        scores = scores + mask
    if causal:
        seen &= np.tril(np.ones(scores.shape[-2:], bool))
    scores = np.where(seen, scores, -np.inf)
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0.0))
    total = weights.sum(-1, keepdims=True)
    weights = weights / np.where(total == 0, 1.0, total)
    slopes = g @ np.swapaxes(v, -1, -2)
    slopes = weights * (slopes - (slopes * weights).sum(-1, keepdims=True)) * factor
    t = np.swapaxes
    return weights @ v, slopes @ k, t(slopes, -1, -2) @ q, t(weights, -1, -2) @ g


def check(arrays, mask=None, causal=False, factor=None, taken=True):
    """Compare one call and its gradients; whether kernels must have run."""
    tensors = [lampas.from_numpy(a).requires_grad_() for a in arrays]
    before = [kernels.report()[n][0] for n in ("attention", "attention_backward")]
    m = None if mask is None else lampas.from_numpy(mask)
    y = attention(*tensors, m, is_causal=causal, scale=factor)
    g = np.random.default_rng(9).standard_normal(y.shape).astype(arrays[0].dtype)
    y.backward(lampas.from_numpy(g))
    after = [kernels.report()[n][0] for n in ("attention", "attention_backward")]
    assert after == [b + taken for b in before]
    factor = 1 / math.sqrt(arrays[0].shape[-1]) if factor is None else factor
    expected = formula(*arrays, g, mask, causal, factor)
    results = [y.detach().numpy(), *(x.grad.numpy() for x in tensors)]
    for found, wanted in zip(results, expected, strict=True):
        wanted = np.where(np.abs(wanted) < 1e-30, 0.0, wanted)
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=3e-6 * scale)


def operands(front, queries, keys, width, depth, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (queries, width), (keys, width), (keys, depth)
    return [rng.standard_normal((*front, *s)).astype(np.float32) for s in shapes]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sizes(path, size, causal):
    check(operands(*size), causal=causal)


@pytest.mark.parametrize("size", SIZES[1:6], ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_bool_masks(path, size, causal):
    arrays = operands(*size)
    shape = (arrays[0].shape[-2], arrays[1].shape[-2])
    mask = np.random.default_rng(1).random(shape) < 0.6
    mask[0] = False  # a query that sees nothing
    check(arrays, mask, causal)


@pytest.mark.parametrize(
    "shape", [(17, 33), (1, 33), (17, 1), (3, 17, 33), (2, 1, 1, 33)]
)
def test_masks_that_are_added_and_broadcast(path, shape):
    mask = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    check(operands(*SIZES[2]), mask)
    mask[..., -1] = -np.inf
    check(operands(*SIZES[2]), mask)


def test_heads_that_lie_inside_rows(path):
    rng = np.random.default_rng(3)
    qkv = rng.standard_normal((2, 50, 3, 4, 16)).astype(np.float32)
    arrays = [np.moveaxis(qkv[:, :, i], 1, 2) for i in range(3)]
    check(arrays, causal=True)


def test_columns_that_lie_apart(path):
    rng = np.random.default_rng(3)
    shapes = (2, 3, 8, 17), (2, 3, 8, 33), (2, 3, 4, 33)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    check([a.swapaxes(-1, -2) for a in arrays])
    check([np.repeat(a, 2, -1)[..., ::-2] for a in arrays[:1] + arrays[:1] * 2])


def test_a_result_lies_as_its_query(path):
    q = lampas.randn(2, 50, 4, 16).transpose(1, 2)
    y = attention(q, q, q)
    assert y.shape == (2, 4, 50, 16)
    assert y.transpose(1, 2).is_contiguous()


def test_keys_that_several_heads_share_are_not_copied(path):
    q, k, v = operands((2, 4), 9, 9, 8, 8)
    k, v = (np.broadcast_to(a[:, :1], a.shape) for a in (k, v))
    tensors = [lampas.from_numpy(q), *(lampas.from_numpy(a[:, :1]) for a in (k, v))]
    y = attention(*tensors, enable_gqa=True)
    g = np.zeros_like(q)
    expected = formula(q, k, v, g, None, False, 1 / math.sqrt(8))[0]
    np.testing.assert_allclose(y.numpy(), expected, rtol=2e-5, atol=3e-6)


def whole_scores(size):
    """Operands of whole numbers: the scores are exact, none is rounded differently."""
    q, k, v = operands((2,), 40, 200, 16, 16)
    return [np.rint(q * 4) * np.float32(size), np.rint(k * 4), v]


def test_large_scores(path):
    check(whole_scores(8), factor=0.125)


def test_scores_of_which_one_outweighs_all(path):
    q, k, v = whole_scores(256)
    y = attention(*map(lampas.from_numpy, (q, k, v)), scale=0.125).numpy()
    expected = formula(q, k, v, np.zeros_like(y), None, False, 0.125)[0]
    np.testing.assert_allclose(y, expected, rtol=2e-5, atol=3e-6)


def test_the_gradient_of_a_sum(path):
    arrays = operands((2,), 40, 50, 8, 8)
    tensors = [lampas.from_numpy(a).requires_grad_() for a in arrays]
    taken = kernels.report()["attention_backward"][0]
    attention(*tensors).sum().backward()
    assert kernels.report()["attention_backward"][0] == taken + 1
    g = np.ones((2, 40, 8), np.float32)
    expected = formula(*arrays, g, None, False, 1 / math.sqrt(8))[1:]
    for x, wanted in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=2e-5, atol=2e-5)


def test_nan_stays_in_its_row(path):
    q, k, v = operands((1,), 20, 40, 8, 8)
    q[0, 3] = np.nan
    y = attention(*map(lampas.from_numpy, (q, k, v))).numpy()
    assert np.isnan(y[0, 3]).all() and np.isfinite(np.delete(y, 3, axis=1)).all()


def test_float64_is_left_to_the_reference():
    arrays = [a.astype(np.float64) for a in operands(*SIZES[1])]
    check(arrays, taken=False)


@pytest.mark.parametrize("front", [(1,), (9,)])
def test_threads_do_not_change_a_bit(front):
    arrays, found = operands(front, 600, 600, 16, 16), []
    before = lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            tensors = [lampas.from_numpy(a).requires_grad_() for a in arrays]
            attention(*tensors, is_causal=True).sum().backward()
            found.append([x.grad.numpy().tobytes() for x in tensors])
    finally:
        lampas.set_num_threads(before)
    assert found[0] == found[1]


def test_memory_is_linear_in_the_length():
    arrays = operands((1, 2), 4096, 4096, 16, 16)
    tensors = [lampas.from_numpy(a).requires_grad_() for a in arrays]
    kernels.trim_memory()
    native.extension.reset_peak()
    before = kernels.memory_stats()["live_bytes"]
    attention(*tensors, is_causal=True).sum().backward()
    used = kernels.memory_stats()["peak_bytes"] - before
    # One head's weights alone would be 67 MB; result and gradients are 2 MB.
    assert used < 5e6
