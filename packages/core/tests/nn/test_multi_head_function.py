"""multi_head_attention_forward against the formula, in every form of its arguments."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import DTypeError, ShapeError

HEADS, E = 2, 6


def softmax(x):
    weights = np.exp(x - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def split(x):
    """(L, B, E) to (B, heads, L, E / heads)."""
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2, 0, 3)


def formula(a, added=0.0):
    """Output and weights, from a dictionary of arrays."""
    weights = a.get("apart") or np.split(a["in_proj_weight"], 3)
    biases = np.split(a["in_proj_bias"], 3)
    inputs = (a["query"], a["key"], a["value"])
    q, k, v = (x @ w.T + b for x, w, b in zip(inputs, weights, biases, strict=True))
    if "bias_k" in a:
        k = np.concatenate([k, np.repeat(a["bias_k"], k.shape[1], 1)])
        v = np.concatenate([v, np.repeat(a["bias_v"], v.shape[1], 1)])
    q, k, v = split(q), split(k), split(v)
    if "static_k" in a:
        k = a["static_k"].reshape(*q.shape[:2], -1, E // HEADS)
        v = a["static_v"].reshape(*q.shape[:2], -1, E // HEADS)
    if a.get("add_zero_attn"):
        k, v = (np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0))) for x in (k, v))
    extra = k.shape[2] - np.shape(added)[-1] if np.ndim(added) else 0
    added = np.pad(added, ((0, 0),) * 3 + ((0, extra),)) if extra else added
    w = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(E // HEADS) + added)
    y = (w @ v).transpose(2, 0, 1, 3).reshape(*a["query"].shape)
    return y @ a["out_proj_weight"].T + a["out_proj_bias"], w


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = {
        "query": (3, 2, E),
        "key": (4, 2, E),
        "value": (4, 2, E),
        "in_proj_weight": (3 * E, E),
        "in_proj_bias": (3 * E,),
        "out_proj_weight": (E, E),
        "out_proj_bias": (E,),
    }
    return {name: rng.standard_normal(s) for name, s in shapes.items()}


def call(arrays, **options):
    given = {"bias_k": None, "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0}
    for name, value in {**given, **arrays, **options}.items():
        array = isinstance(value, np.ndarray)
        given[name] = lampas.from_numpy(value.copy()) if array else value
    return F.multi_head_attention_forward(
        embed_dim_to_check=E, num_heads=HEADS, **given
    )


def agree(found, wanted):
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10, atol=1e-12)


def test_packed_weights(arrays):
    y, weights = formula(arrays)
    found, mean = call(arrays)
    agree(found, y)
    agree(mean, weights.mean(1))
    agree(call(arrays, average_attn_weights=False)[1], weights)
    fused, none = call(arrays, need_weights=False)
    agree(fused, y)
    assert none is None


def test_one_input_for_all_three(arrays):
    arrays["key"] = arrays["value"] = arrays["query"]
    x = lampas.from_numpy(arrays["query"].copy())
    found, _ = call({**arrays, "query": x, "key": x, "value": x})
    agree(found, formula(arrays)[0])


def test_weights_apart(arrays):
    rng = np.random.default_rng(1)
    arrays["key"] = rng.standard_normal((4, 2, 5))
    arrays["value"] = rng.standard_normal((4, 2, 7))
    apart = [rng.standard_normal((E, n)) for n in (E, 5, 7)]
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    given = dict(zip(names, apart, strict=True))
    packed = {**arrays, "in_proj_weight": None}
    found, _ = call({**packed, **given}, use_separate_proj_weight=True)
    agree(found, formula({**arrays, "apart": apart})[0])


@pytest.mark.parametrize("need_weights", [False, True])
def test_more_keys_and_both_masks(arrays, need_weights):
    rng = np.random.default_rng(2)
    arrays["bias_k"], arrays["bias_v"] = rng.standard_normal((2, 1, 1, E))
    padding = np.array([[False] * 4, [False, False, True, True]])
    scores = rng.standard_normal((2 * HEADS, 3, 4))
    added = (
        scores.reshape(2, HEADS, 3, 4) + np.where(padding, -np.inf, 0)[:, None, None]
    )
    y, _ = formula({**arrays, "add_zero_attn": True}, added)
    found, _ = call(
        arrays,
        add_zero_attn=True,
        key_padding_mask=padding,
        attn_mask=scores,
        need_weights=need_weights,
    )
    agree(found, y)


def test_bool_and_float_masks_are_the_same(arrays):
    hidden = np.triu(np.ones((3, 4), bool), 1)
    one, _ = call(arrays, attn_mask=hidden)
    two, _ = call(arrays, attn_mask=np.where(hidden, -np.inf, 0.0), is_causal=True)
    agree(one, two.numpy())
    agree(one, formula(arrays, np.where(hidden, -np.inf, 0.0)[None, None])[0])


def test_keys_given_ready(arrays):
    rng = np.random.default_rng(3)
    ready = rng.standard_normal((2, 2 * HEADS, 5, E // HEADS))
    given = {"static_k": ready[0], "static_v": ready[1]}
    agree(call(arrays, **given)[0], formula({**arrays, **given})[0])


def test_without_a_batch(arrays):
    alone = {n: a[:, 0] if a.ndim == 3 else a for n, a in arrays.items()}
    found, weights = call(alone)
    both = call(arrays)
    agree(found, both[0][:, 0].numpy())
    agree(weights, both[1][0].numpy())


def test_dropout_only_in_training(arrays):
    y, weights = call(arrays, dropout_p=1.0)
    assert not weights.any()
    agree(y, np.broadcast_to(arrays["out_proj_bias"], y.shape))
    agree(call(arrays, dropout_p=1.0, training=False)[0], formula(arrays)[0])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"query": np.zeros((3, 2, 5))}, "must have 6 features"),
        ({"query": np.zeros((3, 1, E))}, "in the batch"),
        ({"query": np.zeros((3, E))}, "all be"),
        ({"in_proj_weight": None}, "in_proj_weight is needed"),
        ({"use_separate_proj_weight": True}, "q_proj_weight is needed"),
        ({"bias_k": np.zeros((1, 1, E))}, "go together"),
        ({"static_k": np.zeros((3, 4, 3))}, "static_k must have shape"),
        ({"attn_mask": np.zeros((4, 3))}, "attn_mask must have shape"),
        ({"key_padding_mask": np.zeros((4, 2))}, "key_padding_mask must have"),
        ({"is_causal": True}, "attn_mask must be given"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arrays, change, text):
    with pytest.raises(ShapeError, match=text):
        call({**arrays, **change})


def test_masks_of_integers_are_refused(arrays):
    with pytest.raises(DTypeError, match="bool or floating"):
        call(arrays, attn_mask=np.zeros((3, 4), np.int64))
