"""GPT against a plain float64 computation, and its rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas.errors import ArgumentError
from lampas_text.models import GPT, GPTConfig, gpt_mini

SMALL = {"vocab_size": 11, "block_size": 6, "n_layer": 2, "n_head": 2, "n_embd": 8}


def norm(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return (
        centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias
    )


def attend(q, k, v):
    """Causal attention of one head, ``(time, width)`` each."""
    scores = q @ k.T / math.sqrt(q.shape[1])
    scores[np.triu_indices(len(q), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


def oracle(state, ids, n_layer, n_head):
    """The scores for one row of tokens, in float64."""
    w = {name: np.asarray(value, dtype=np.float64) for name, value in state.items()}
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][: len(ids)]
    for i in range(n_layer):
        p = f"transformer.h.{i}."
        h = norm(x, w[p + "ln_1.weight"], w[p + "ln_1.bias"])
        qkv = h @ w[p + "attn.c_attn.weight"].T + w[p + "attn.c_attn.bias"]
        parts = [np.split(part, n_head, axis=1) for part in np.split(qkv, 3, axis=1)]
        h = np.concatenate([attend(*head) for head in zip(*parts)], axis=1)
        x = x + h @ w[p + "attn.c_proj.weight"].T + w[p + "attn.c_proj.bias"]
        h = norm(x, w[p + "ln_2.weight"], w[p + "ln_2.bias"])
        h = h @ w[p + "mlp.c_fc.weight"].T + w[p + "mlp.c_fc.bias"]
        h = 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + h @ w[p + "mlp.c_proj.weight"].T + w[p + "mlp.c_proj.bias"]
    x = norm(x, w["transformer.ln_f.weight"], w["transformer.ln_f.bias"])
    return x @ w["lm_head.weight"].T


def test_scores_agree_with_the_float64_computation():
    model = GPT(GPTConfig(**SMALL), lampas.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    with lampas.no_grad():
        for parameter in model.parameters():
            noise = rng.normal(size=tuple(parameter.shape)).astype(np.float32)
            parameter.copy_(lampas.from_numpy(noise))
    ids = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    scores = model(lampas.from_numpy(ids)).detach().numpy()
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    for row in range(2):
        expected = oracle(state, ids[row], 2, 2)
        np.testing.assert_allclose(scores[row], expected, rtol=1e-4, atol=1e-4)


def test_a_token_does_not_see_those_after_it():
    model = GPT(GPTConfig(**SMALL)).eval()
    first = model(lampas.tensor([[1, 2, 3, 4]]))
    second = model(lampas.tensor([[1, 2, 9, 9]]))
    np.testing.assert_array_equal(
        first[:, :2].detach().numpy(), second[:, :2].detach().numpy()
    )


def test_mini_has_the_size_of_the_recipe():
    model = gpt_mini(vocab_size=65)
    # 4 blocks of 12 * 128**2 weights and 2 norms, one more norm, two embeddings
    expected = 4 * (12 * 128**2 + 2 * 128) + 128 + (65 + 64) * 128
    assert sum(p.numel() for p in model.parameters()) == expected
    assert model.lm_head.weight is model.transformer.wte.weight


def test_first_weights_have_gpt2s_deviations():
    model = gpt_mini(vocab_size=65)
    block = model.transformer.h[0]
    for parameter, std in [
        (block.attn.c_attn.weight, 0.02),
        (block.mlp.c_proj.weight, 0.02 / math.sqrt(8)),
        (model.transformer.wpe.weight, 0.02),
    ]:
        assert parameter.detach().numpy().std() == pytest.approx(std, rel=0.05)
    assert block.ln_1.weight.tolist() == [1.0] * 128
    assert block.ln_1.bias is None


def test_an_untrained_model_knows_nothing():
    model = gpt_mini(vocab_size=65)
    ids, targets = lampas.randint(0, 65, (2, 4, 64))
    scores = model(ids).flatten(0, 1)
    loss = lampas.nn.functional.cross_entropy(scores, targets.flatten())
    assert loss.item() == pytest.approx(math.log(65), abs=0.15)


def test_one_generator_gives_one_model():
    one, two = (
        GPT(GPTConfig(**SMALL), lampas.Generator().manual_seed(4)) for _ in range(2)
    )
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert a.tolist() == b.tolist()


def test_too_long_a_context_and_a_width_that_does_not_divide():
    with pytest.raises(ArgumentError, match="7 tokens per row, .* block_size = 6"):
        GPT(GPTConfig(**SMALL))(lampas.zeros(1, 7, dtype=lampas.int64))
    with pytest.raises(ArgumentError, match="got 8 and 3"):
        GPTConfig(n_embd=8, n_head=3)


def test_a_token_outside_the_vocabulary():
    with pytest.raises(IndexError, match="11"):
        GPT(GPTConfig(**SMALL))(lampas.tensor([[11]]))
