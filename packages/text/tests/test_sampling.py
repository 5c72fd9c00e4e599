"""Choosing the next token."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.errors import ArgumentError
from lampas_text.sampling import filter_scores, generate, next_token

# probabilities 0.5, 0.25, 0.15, 0.1 in another order
PROBABILITIES = [0.15, 0.5, 0.1, 0.25]
SCORES = [[math.log(p) for p in PROBABILITIES]]


class Successor(nn.Module):
    """Always expects the token that is one more than the last, of 10."""

    def forward(self, ids):
        self.seen = ids.shape[1]
        return nn.functional.one_hot((ids + 1) % 10, 10).float() * 50.0


def kept(**options) -> list[int]:
    scores = filter_scores(lampas.tensor(SCORES), **options)
    return [i for i, score in enumerate(scores[0].tolist()) if score > -math.inf]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"top_k": 1}, [1]),
        ({"top_k": 3}, [0, 1, 3]),
        ({"top_k": 99}, [0, 1, 2, 3]),
        ({"top_p": 0.01}, [1]),
        ({"top_p": 0.6}, [1, 3]),
        ({"top_p": 0.8}, [0, 1, 3]),
        ({"top_p": 1.0}, [0, 1, 2, 3]),
        ({"top_k": 2, "top_p": 0.6}, [1]),
    ],
)
def test_what_top_k_and_top_p_keep(options, expected):
    assert kept(**options) == expected


def test_filtering_changes_no_score_that_stays():
    scores = filter_scores(lampas.tensor(SCORES), top_k=2, top_p=0.99)
    assert scores[0, 1].item() == pytest.approx(math.log(0.5))


def test_temperature_zero_takes_the_best():
    scores = lampas.tensor([[1.0, 3.0, 2.0], [9.0, 0.0, 0.0]])
    assert next_token(scores, temperature=0.0).tolist() == [[1], [0]]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_draws_follow_the_probabilities(temperature):
    generator = lampas.Generator().manual_seed(0)
    scores = lampas.tensor(SCORES * 20_000)
    tokens = next_token(scores, temperature=temperature, generator=generator)
    counts = np.bincount(tokens.numpy().ravel(), minlength=4) / 20_000
    expected = np.array(PROBABILITIES) ** (1 / temperature)
    # five deviations of a share of 20,000 draws
    np.testing.assert_allclose(counts, expected / expected.sum(), atol=0.018)


def test_one_generator_gives_one_text():
    scores = lampas.tensor(SCORES * 50)
    one, two = (
        next_token(scores, generator=lampas.Generator().manual_seed(1))
        for _ in range(2)
    )
    assert one.tolist() == two.tolist()


def test_generate_appends_and_cuts_the_context():
    model = Successor().train()
    ids = generate(model, lampas.tensor([[7], [3]]), 6, block_size=4, temperature=0.0)
    assert ids.tolist() == [[7, 8, 9, 0, 1, 2, 3], [3, 4, 5, 6, 7, 8, 9]]
    assert model.seen == 4
    assert model.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "at least 0, got -1.0"),
        ({"top_k": 0}, "at least 1, got 0"),
        ({"top_p": 0.0}, "above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "got 1.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError, match=message):
        next_token(lampas.tensor(SCORES), **options)


def test_an_empty_context():
    with pytest.raises(ArgumentError, match=r"got \(1, 0\)"):
        generate(Successor(), lampas.zeros(1, 0, dtype=lampas.int64), 3, block_size=4)
