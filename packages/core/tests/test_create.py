"""Making tensors, and drawing random ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas


def test_types_follow_the_data():
    assert lampas.tensor(1).dtype is lampas.int64
    assert lampas.tensor(1.0).dtype is lampas.float32
    assert lampas.tensor(True).dtype is lampas.bool
    assert lampas.tensor(1j).dtype is lampas.complex64
    assert lampas.tensor(np.float64(1)).dtype is lampas.float64
    assert lampas.tensor([]).dtype is lampas.float32
    assert lampas.full((2,), 3).dtype is lampas.int64
    assert lampas.full((2,), 3.0).dtype is lampas.float32


def test_bad_data_is_refused():
    with pytest.raises(TypeError, match="must hold numbers"):
        lampas.tensor(["a"])
    with pytest.raises(RuntimeError, match="rectangular"):
        lampas.tensor([[1, 2], [3]])
    with pytest.raises(TypeError, match="integers"):
        lampas.zeros(2.5)
    with pytest.raises(RuntimeError, match="negative"):
        lampas.zeros(-1)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ((3,), [0, 1, 2]),
        ((1, 4), [1, 2, 3]),
        ((5, 0, -2), [5, 3, 1]),
        ((0,), []),
        ((0.0, 1.0, 0.25), [0.0, 0.25, 0.5, 0.75]),
        ((1, 2, 0.5), [1.0, 1.5]),
    ],
)
def test_arange(arguments, values):
    x = lampas.arange(*arguments)
    assert x.tolist() == values
    whole = all(isinstance(a, int) for a in arguments)
    assert x.dtype is (lampas.int64 if whole else lampas.float32)


def test_arange_refuses_a_step_that_never_arrives():
    with pytest.raises(RuntimeError, match="step"):
        lampas.arange(0, 5, -1)
    with pytest.raises(RuntimeError, match="step must not be 0"):
        lampas.arange(0, 5, 0)


def test_linspace_and_logspace():
    assert lampas.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert lampas.linspace(3, 3, 1).tolist() == [3.0]
    assert lampas.logspace(0, 3, 4).tolist() == [1.0, 10.0, 100.0, 1000.0]


def test_eye_and_likes():
    assert lampas.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    x = lampas.zeros(2, dtype=lampas.int16, device="sim")
    for made in (lampas.ones_like(x), lampas.full_like(x, 1), x.new_ones(2)):
        assert made.tolist() == [1, 1]
        assert made.dtype is lampas.int16 and made.device == x.device
    assert lampas.rand_like(lampas.ones(2, 3)).shape == (2, 3)


def test_conversion_names():
    x = lampas.tensor([1.75])
    for name, kind in {
        "double": lampas.float64, "half": lampas.float16, "int": lampas.int32,
        "long": lampas.int64, "bool": lampas.bool, "bfloat16": lampas.bfloat16,
    }.items():  # fmt: skip
        assert getattr(x, name)().dtype is kind
    assert x.float() is x
    assert x.type() == "lampas.FloatTensor"
    assert x.type("lampas.LongTensor").tolist() == [1]
    assert x.to(lampas.ones(1, dtype=lampas.float64)).dtype is lampas.float64
    assert x.to(lampas.float32, copy=True) is not x


# ---- chance: bounds are five standard errors, for one seed


def test_one_seed_gives_one_sequence():
    lampas.manual_seed(7)
    first = [lampas.rand(3), lampas.randn(3), lampas.randint(9, (3,))]
    lampas.manual_seed(7)
    again = [lampas.rand(3), lampas.randn(3), lampas.randint(9, (3,))]
    assert all(lampas.equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_generator_of_ones_own_leaves_the_default_alone():
    state = lampas.get_rng_state().tolist()
    mine = lampas.Generator().manual_seed(1)
    lampas.randn(4, generator=mine)
    lampas.ones(4).normal_(generator=mine)
    assert lampas.get_rng_state().tolist() == state


def test_moments_of_the_distributions():
    n = 40_000
    error = 5 / math.sqrt(n)
    uniform = lampas.empty(n).uniform_(-1, 3)
    assert abs(uniform.mean().item() - 1) < error * 4 / math.sqrt(12)
    assert -1 <= uniform.min().item() and uniform.max().item() < 3
    normal = lampas.empty(n).normal_(2, 3)
    assert abs(normal.mean().item() - 2) < error * 3
    assert abs(normal.std().item() - 3) < error * 3
    exponential = lampas.empty(n).exponential_(0.5)
    assert abs(exponential.mean().item() - 2) < error * 2
    coins = lampas.empty(n).bernoulli_(0.3)
    assert abs(coins.mean().item() - 0.3) < error * 0.5
    dice = lampas.randint(1, 7, (n,)).double()
    assert abs(dice.mean().item() - 3.5) < error * 1.71


def test_randperm_is_a_permutation():
    assert sorted(lampas.randperm(50).tolist()) == list(range(50))


def test_multinomial_follows_the_weights():
    weights = lampas.tensor([1.0, 0.0, 3.0])
    drawn = lampas.multinomial(weights, 8000, replacement=True)
    share = (drawn == 2).double().mean().item()
    assert abs(share - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 8000)
    assert not (drawn == 1).any()
    rows = lampas.multinomial(lampas.ones(4, 5), 5)
    assert [sorted(r) for r in rows.tolist()] == [list(range(5))] * 4
    with pytest.raises(RuntimeError, match="without replacement"):
        lampas.multinomial(weights, 3)
    with pytest.raises(RuntimeError, match="sum to zero"):
        lampas.multinomial(lampas.zeros(3), 1)


def test_initialising_a_leaf_under_no_grad():
    w = lampas.empty(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w.normal_()
    with lampas.no_grad():
        w.normal_().mul_(0).add_(2)
    assert w.is_leaf and w.tolist() == [2.0, 2.0, 2.0]


def test_impossible_distributions_are_refused():
    with pytest.raises(RuntimeError, match="std"):
        lampas.ones(2).normal_(0, -1)
    with pytest.raises(RuntimeError, match="from"):
        lampas.ones(2).uniform_(2, 1)
    with pytest.raises(RuntimeError, match=r"\[0, 1\]"):
        lampas.ones(2).bernoulli_(1.5)
    with pytest.raises(RuntimeError, match="low must be less"):
        lampas.randint(3, 3, (2,))
    with pytest.raises(RuntimeError, match="floating"):
        lampas.ones(2, dtype=lampas.int64).normal_()
