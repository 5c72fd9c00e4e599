"""MultiheadAttention's masks against a plain formula, and norms of few values."""

import itertools

import numpy as np
import pytest

import lampas
from lampas import nn

L, S, B, E, H = 3, 4, 2, 8, 2


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _expected(layer, q, k, mask, pad):
    """Attention head by head in float64: output (L, B, E), weights (B, H, L, S)."""
    p = {n: v.numpy() for n, v in layer.state_dict().items()}
    wq, wk, wv = np.split(p["in_proj_weight"], 3)
    bq, bk, bv = np.split(p["in_proj_bias"], 3)
    weights, out = np.zeros((B, H, L, S)), np.zeros((L, B, E))
    for b, h in itertools.product(range(B), range(H)):
        part = slice(h * E // H, (h + 1) * E // H)
        qh = (q[:, b] @ wq.T + bq)[:, part] / np.sqrt(E // H)
        scores = qh @ (k[:, b] @ wk.T + bk)[:, part].T
        if mask is not None:
            own = mask[b * H + h] if mask.ndim == 3 else mask
            scores = (
                np.where(own, -np.inf, scores) if own.dtype == bool else scores + own
            )
        if pad is not None:
            own = pad[b]
            scores = (
                np.where(own, -np.inf, scores) if own.dtype == bool else scores + own
            )
        weights[b, h] = _softmax(scores)
        out[:, b, part] = weights[b, h] @ (k[:, b] @ wv.T + bv)[:, part]
    return out @ p["out_proj.weight"].T + p["out_proj.bias"], weights


def _mask(rng, kind, shape):
    if kind is None:
        return None
    if kind == "float":
        return rng.normal(size=shape)
    mask = rng.random(shape) < 0.4
    mask[..., 0] = False
    return mask


@pytest.mark.parametrize("shape", [(L, S), (B * H, L, S)], ids=["2d", "3d"])
@pytest.mark.parametrize("pad_kind", [None, "bool", "float"])
@pytest.mark.parametrize("mask_kind", [None, "bool", "float"])
def test_masks_add_up(mask_kind, pad_kind, shape):
    rng = np.random.default_rng(0)
    lampas.manual_seed(0)
    layer = nn.MultiheadAttention(E, H, dtype=lampas.float64)
    nn.init.normal_(layer.in_proj_bias)
    q, k = rng.normal(size=(L, B, E)), rng.normal(size=(S, B, E))
    mask, pad = _mask(rng, mask_kind, shape), _mask(rng, pad_kind, (B, S))
    given = {
        "attn_mask": None if mask is None else lampas.tensor(mask),
        "key_padding_mask": None if pad is None else lampas.tensor(pad),
    }
    out, weights = _expected(layer, q, k, mask, pad)
    tensors = [lampas.tensor(x) for x in (q, k, k)]
    y, w = layer(*tensors, average_attn_weights=False, **given)
    np.testing.assert_allclose(y.tolist(), out, atol=1e-12)
    np.testing.assert_allclose(w.tolist(), weights, atol=1e-12)
    _, mean = layer(*tensors, **given)
    np.testing.assert_allclose(mean.tolist(), weights.mean(1), atol=1e-12)
    fast, none = layer(*tensors, need_weights=False, **given)
    np.testing.assert_allclose(fast.tolist(), out, atol=1e-12)
    assert none is None


def test_a_row_with_everything_masked_is_nan_and_hurts_no_other():
    layer = nn.MultiheadAttention(E, H)
    mask = lampas.zeros(L, S, dtype=lampas.bool)
    mask[1] = True
    x, k = lampas.randn(L, B, E), lampas.randn(S, B, E)
    y, _ = layer(x, k, k, attn_mask=mask)
    assert y[1].isnan().all() and not y[0].isnan().any() and not y[2].isnan().any()


@pytest.mark.parametrize("extras", [False, True])
def test_it_runs_on_devices(extras):
    layer = nn.MultiheadAttention(
        E, H, add_bias_kv=extras, add_zero_attn=extras, device="sim"
    )
    x = lampas.randn(L, B, E).to("sim")
    mask = lampas.ones(L, L, dtype=lampas.bool).triu(1).to("sim")
    y, w = layer(x, x, x, attn_mask=mask)
    assert y.device.type == "sim" and w.shape == (B, L, L + 2 * extras)


def test_shapes_and_types_that_do_not_fit_are_named():
    layer = nn.MultiheadAttention(E, H)
    x, k = lampas.zeros(L, B, E), lampas.zeros(S, B, E)
    cases = [
        ((x[..., :7], k, k), {}, "query must have 8 features"),
        ((x, k, k[:3]), {}, "key and value must agree"),
        ((x, k[:, :1], k[:, :1]), {}, "with query in the batch"),
        ((x, k, k), {"attn_mask": lampas.zeros(S, L)}, r"\(3, 4\) or \(4, 3, 4\)"),
        ((x, k, k), {"key_padding_mask": lampas.zeros(S)}, "key_padding_mask"),
        ((x, k, k), {"is_causal": True}, "attn_mask must be given"),
    ]
    for args, options, message in cases:
        with pytest.raises((RuntimeError, AssertionError), match=message):
            layer(*args, **options)
    with pytest.raises(RuntimeError, match="bool or floating"):
        layer(x, k, k, attn_mask=lampas.zeros(L, S, dtype=lampas.int64))


def test_norms_of_one_value_are_refused_while_training():
    for layer, size in (
        (nn.BatchNorm1d(3), (1, 3)),
        (nn.BatchNorm2d(3), (1, 3, 1, 1)),
        (nn.InstanceNorm1d(3), (2, 3, 1)),
        (nn.GroupNorm(3, 3), (1, 3)),
    ):
        with pytest.raises(ValueError, match="expected more than 1"):
            layer(lampas.ones(*size))
    assert nn.BatchNorm1d(3).eval()(lampas.ones(1, 3)).shape == (1, 3)
    assert nn.LayerNorm(1)(lampas.ones(2, 1)).tolist() == [[0.0], [0.0]]
    assert nn.BatchNorm1d(1)(lampas.tensor([[[1.0, 3.0]]])).shape == (1, 1, 2)


def test_momentum_none_averages_all_batches():
    norm = nn.BatchNorm1d(1, momentum=None)
    batches = [[1.0, 3.0], [5.0, 9.0], [0.0, 1.0]]
    for batch in batches:
        norm(lampas.tensor(batch).unsqueeze(1))
    means = [np.mean(b) for b in batches]
    variances = [np.var(b, ddof=1) for b in batches]
    assert norm.running_mean.tolist() == pytest.approx([np.mean(means)])
    assert norm.running_var.tolist() == pytest.approx([np.mean(variances)])
    assert int(norm.num_batches_tracked) == 3
