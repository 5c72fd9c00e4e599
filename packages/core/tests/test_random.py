"""Random numbers: against published vectors, formulas, and their distributions."""

from __future__ import annotations

import copy
import math
import pickle
import threading

import ml_dtypes
import numpy as np
import pytest

import lampas
import lampas.random as lr
from lampas.random import Generator

# Random123's known answers (kat_vectors): philox4x64 10, counter, key, result.
ZERO = "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"
PI_COUNTER = "243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89"
PI_KEY = "452821e638d01377 be5466cf34e90c6c"
PI = "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6"


def integers_of(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 in Python integers, from the paper's definition."""
    a, b, c, d = counter
    k0, k1 = key
    mask = 2**64 - 1
    for _ in range(10):
        left, right = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = (
            (right >> 64) ^ b ^ k0,
            right & mask,
            (left >> 64) ^ d ^ k1,
            (left & mask),
        )
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [a, b, c, d]


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_first_block_is_the_published_vector():
    assert seeded().bits(4).tolist() == integers_of(ZERO)


def test_oracle_gives_the_published_vectors():
    assert philox([0] * 4, [0, 0]) == integers_of(ZERO)
    assert philox(integers_of(PI_COUNTER), integers_of(PI_KEY)) == integers_of(PI)


@pytest.mark.parametrize("offset", [0, 1, 2**32, 2**64 - 1])
def test_any_block_of_any_key_is_philox_of_its_number(offset):
    generator = seeded()
    generator._place((123, 2**63 + 5), offset)
    assert generator.bits(3).tolist() == philox([offset, 0, 0, 0], [123, 2**63 + 5])[:3]


def test_draws_take_whole_blocks():
    generator = seeded()
    generator.bits(5)
    assert generator._reserve(1) == (0, 0, 2)
    assert generator.bits(1)[0] == philox([3, 0, 0, 0], [0, 0])[0]


@pytest.mark.parametrize("name", ["uniform", "normal", "exponential"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_values_do_not_depend_on_chunks(monkeypatch, name, dtype):
    expected = getattr(seeded(3), name)(1001, dtype)
    monkeypatch.setattr(lr, "_CHUNK", 8)
    assert np.array_equal(getattr(seeded(3), name)(1001, dtype), expected)


def test_a_mask_does_not_depend_on_chunks(monkeypatch):
    chances = np.linspace(0, 1, 77)
    one, many = (seeded().bernoulli_mask(p, 77) for p in (0.3, chances))
    monkeypatch.setattr(lr, "_CHUNK", 4)
    assert np.array_equal(seeded().bernoulli_mask(0.3, 77), one)
    assert np.array_equal(seeded().bernoulli_mask(chances, 77), many)
    assert not many[0] and many[-1]


def test_uniform_is_the_top_bits_of_each_half():
    words = integers_of(ZERO)
    halves = [part for w in words for part in (w & 0xFFFFFFFF, w >> 32)]
    assert seeded().uniform(8).tolist() == [(h >> 8) * 2.0**-24 for h in halves]
    expected = [(w >> 11) * 2.0**-53 for w in words]
    assert seeded().uniform(4, np.float64).tolist() == expected
    expected = [(h >> 21) * 2.0**-11 for h in halves]
    assert seeded().uniform(8, np.float16).tolist() == expected
    expected = [(h >> 24) * 2.0**-8 for h in halves]
    assert seeded().uniform(8, ml_dtypes.bfloat16).astype(float).tolist() == expected


def test_normal_is_box_muller():
    first = integers_of(ZERO)[0]
    u, v = ((first & 0xFFFFFFFF) + 0.5) / 2**32, ((first >> 32) + 0.5) / 2**32
    radius = math.sqrt(-2 * math.log(u))
    expected = [radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)]
    np.testing.assert_allclose(seeded().normal(2), expected, rtol=1e-7)


def test_integers_are_the_high_half_of_a_product():
    words = seeded().bits(64).tolist()
    for low, high in [(0, 10), (-5, 7), (0, 2**40 + 3), (-(2**62), 2**62 + 9)]:
        expected = [low + (w * (high - low) >> 64) for w in words]
        assert seeded().integers(low, high, 64).tolist() == expected
    full = seeded().integers(-(2**63), 2**63, 64)
    assert full.tolist() == [w - 2**63 for w in words]
    assert seeded().integers(0, 3, (2, 4), np.uint8).dtype == np.uint8


def distance(sample: np.ndarray, cdf) -> float:
    """Kolmogorov and Smirnov's statistic times the root of the sample's size."""
    ordered = np.sort(sample.astype(np.float64).ravel())
    n = ordered.size
    expected = cdf(ordered)
    above = np.max(np.arange(1, n + 1) / n - expected)
    below = np.max(expected - np.arange(n) / n)
    return max(above, below) * math.sqrt(n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions(dtype):
    # 1.95 is exceeded by one seed in a thousand; these seeds are fixed.
    n = 100_000
    phi = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))
    assert distance(seeded(1).uniform(n, dtype), lambda x: x) < 1.95
    assert distance(seeded(2).normal(n, dtype), phi) < 1.95
    assert distance(seeded(3).exponential(n, dtype), lambda x: -np.expm1(-x)) < 1.95


def test_integers_and_masks_have_the_right_frequencies():
    counts = np.bincount(seeded(4).integers(0, 10, 100_000), minlength=10)
    chi2 = float(np.sum((counts - 10_000) ** 2 / 10_000))
    assert chi2 < 27.9  # 9 degrees of freedom, one in a thousand
    kept = seeded(5).bernoulli_mask(0.3, (100, 1000)).sum()
    assert abs(kept - 30_000) < 4 * math.sqrt(100_000 * 0.3 * 0.7)
    assert seeded().bernoulli_mask(1.0, 9).all()
    assert not seeded().bernoulli_mask(0.0, 9).any()


def test_permutation_holds_each_number_once():
    order = seeded(6).permutation(1000)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(1000))
    assert np.array_equal(order, np.argsort(seeded(6).bits(1000), kind="stable"))
    assert seeded().permutation(0).size == 0


def test_neighbouring_values_do_not_correlate():
    values = seeded(7).normal(100_000, np.float64)
    assert abs(float(np.mean(values[1:] * values[:-1]))) < 4 / math.sqrt(100_000)


def test_state_comes_back():
    generator = seeded(8)
    generator.normal(100)
    state = generator.get_state()
    assert state.dtype is lampas.uint8 and state.shape == (24,)
    expected = generator.uniform(10)
    array = state.numpy().copy()
    for other in (Generator().set_state(array), generator.set_state(state)):
        assert np.array_equal(other.uniform(10), expected)


def test_copies_go_on_alike():
    generator = seeded(9)
    generator.bits(9)
    copies = [
        copy.deepcopy(generator),
        pickle.loads(pickle.dumps(generator)),
        generator.clone_state(),
    ]
    expected = generator.bits(5).tolist()
    assert all(other.bits(5).tolist() == expected for other in copies)


def test_fold_is_independent_of_position_and_repeats():
    root = seeded(10)
    first = root.fold(1, 2).bits(4).tolist()
    root.bits(100)
    assert root.fold(1, 2).bits(4).tolist() == first
    # BLAKE2b-128 of the words 10, 0, 1, 2 with the personal string lampas.fold.
    assert root.fold(1, 2)._key == (0xDC98ECCBA8094E45, 0x67B8195D7677A0B6)
    others = {tuple(root.fold(*w).bits(2)) for w in [(), (1,), (2, 1), (1, 2, 0)]}
    assert len(others) == 4 and tuple(first[:2]) not in others


def test_threads_share_a_stream_without_overlap():
    generator, drawn = seeded(11), []

    def draw() -> None:
        for _ in range(50):
            drawn.append(generator.bits(4))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = np.sort(np.concatenate(drawn))
    assert np.array_equal(together, np.sort(seeded(11).bits(4 * 200)))


def test_seeds():
    assert seeded(-1).initial_seed() == 2**64 - 1
    assert Generator().initial_seed() == 67280421310721
    generator = Generator()
    assert generator.seed() == generator.initial_seed()
    assert generator.seed() != generator.seed()


def test_module_functions_work_on_the_default_generator():
    with lr.fork_rng():
        assert lr.manual_seed(5) is lr.default_generator
        assert lr.initial_seed() == 5
        state = lr.get_rng_state()
        expected = lr.default_generator.bits(3).tolist()
        lr.set_rng_state(state)
        assert lr.default_generator.bits(3).tolist() == expected
        with lr.fork_rng(enabled=False):
            lr.manual_seed(6)
        assert lr.initial_seed() == 6
        assert lr.seed() == lr.initial_seed()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda g: g.manual_seed(2**64), ValueError, r"\[-2\*\*63, 2\*\*64\)"),
        (lambda g: g.manual_seed("x"), TypeError, "seed must be an integer, got 'x'"),
        (lambda g: g.integers(3, 3, 1), ValueError, "got 3 to 3"),
        (lambda g: g.bernoulli_mask(1.5, 1), ValueError, r"\[0, 1\], got 1.5"),
        (lambda g: g.uniform((2, -1)), ValueError, "negative sizes"),
        (lambda g: g.uniform(2, np.int32), TypeError, "got int32"),
        (lambda g: g.permutation(-1), ValueError, "got -1"),
        (lambda g: g.set_state(np.zeros(3, np.uint8)), ValueError, "24 uint8"),
    ],
)
def test_bad_arguments_are_named_and_change_nothing(call, error, text):
    generator = seeded(12)
    before = generator.get_state()
    with pytest.raises(error, match=text):
        call(generator)
    assert np.array_equal(generator.get_state(), before)
