"""Attention under every kind of mask, with shared heads, and in half precision."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import DTypeError, ShapeError


def attention(q, k, v, added):
    """The formula, in float64; rows that see nothing give zeros."""
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + added
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return (weights / np.where(total == 0, 1, total)) @ v


@pytest.fixture
def qkv():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s) for s in ((2, 4, 3, 8), (2, 4, 5, 8), (2, 4, 5, 6))]


def leaves(arrays):
    return [lampas.from_numpy(a).requires_grad_() for a in arrays]


def masks():
    rng = np.random.default_rng(1)
    seen = rng.random((2, 1, 3, 5)) < 0.6
    seen[..., 0] = True
    blind = seen.copy()
    blind[:, :, 1] = False
    added = rng.standard_normal((3, 5))
    return {
        "bool": seen,
        "bool with a blind row": blind,
        "added": added,
        "added with a blind row": np.where(blind, added, -np.inf),
        "a column": np.array([True, False, True, True, False]),
        "all": np.zeros((3, 1), bool),
    }


@pytest.mark.parametrize("kind", masks())
def test_masks_hide_keys(qkv, kind):
    mask = masks()[kind]
    added = np.where(mask, 0, -np.inf) if mask.dtype == bool else mask
    tensors = leaves(qkv)
    out = F.scaled_dot_product_attention(*tensors, attn_mask=lampas.from_numpy(mask))
    np.testing.assert_allclose(
        out.detach().numpy(), attention(*qkv, added), rtol=1e-12, atol=1e-12
    )
    grads = lampas.autograd.grad(out.sum(), tensors)
    assert all(np.isfinite(g.numpy()).all() for g in grads)


def test_a_blind_row_has_no_gradient(qkv):
    q, k, v = leaves(qkv)
    mask = lampas.ones(3, 5, dtype=lampas.bool)
    mask[1] = False
    out = F.scaled_dot_product_attention(q, k, v, mask)
    (grad,) = lampas.autograd.grad(out.sum(), [q])
    assert not grad[:, :, 1].any()
    assert grad[:, :, 0].any()


def test_few_heads_of_keys_serve_many_of_queries(qkv):
    q, k, v = qkv
    k, v = k[:, :2], v[:, :2]
    out = F.scaled_dot_product_attention(*leaves([q, k, v]), enable_gqa=True)
    repeated = [np.repeat(x, 2, axis=1) for x in (k, v)]
    np.testing.assert_allclose(
        out.detach().numpy(), attention(q, *repeated, 0.0), rtol=1e-12, atol=1e-12
    )


def test_heads_that_can_not_be_shared_are_refused(qkv):
    q, k, v = leaves(qkv)
    with pytest.raises(ShapeError, match="a multiple of those of key"):
        F.scaled_dot_product_attention(q, k[:, :3], v[:, :3], enable_gqa=True)


@pytest.mark.parametrize("dtype", [lampas.float16, lampas.bfloat16])
def test_half_precision_is_rounded_once(qkv, dtype):
    tensors = [lampas.from_numpy(a).to(dtype) for a in qkv]
    wide = [x.double().numpy() for x in tensors]
    right = lampas.from_numpy(attention(*wide, 0.0)).to(dtype).double().numpy()
    out = F.scaled_dot_product_attention(*tensors)
    assert out.dtype == dtype
    step = 2.0**-10 if dtype == lampas.float16 else 2.0**-7
    # float32 may come out on the other side of a border between two halves.
    np.testing.assert_allclose(out.double().numpy(), right, rtol=step, atol=1e-5)


def test_dropout_of_all_gives_zeros(qkv):
    assert not F.scaled_dot_product_attention(*leaves(qkv), dropout_p=1.0).any()


def test_dtypes_that_differ_are_refused(qkv):
    q, k, v = leaves(qkv)
    with pytest.raises(DTypeError, match="one dtype"):
        F.scaled_dot_product_attention(q, k.float(), v)
    with pytest.raises(DTypeError, match="must be floating"):
        F.scaled_dot_product_attention(q.long(), k.long(), v.long())
