"""Random numbers drawn natively are those of the reference, and dropout's products."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas.random as lr
from lampas import kernels
from lampas.backend import native
from lampas.engine.record import RECORDS

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
PLACES = [(0, 0, 0), (2**64 - 1, 2**63 + 5, 2**40 + 1)]
# Around blocks (4 words, 8 halves), what is made at once (512 words) and chunks (4096).
COUNTS = [0, 1, 3, 4, 5, 8, 9, 17, 511, 513, 1025, 4095, 4099, 8193, 33_333]


def taken(name):
    return kernels.report()[f"philox_{name}"][0]


def both(name, *arguments):
    """What the kernel draws and what its reference does."""
    kernel, before = getattr(lr, f"_{name}"), taken(name)
    drawn = kernel(*arguments)
    assert taken(name) == before + 1
    return drawn, kernel.reference(*arguments)


def same(name, *arguments):
    drawn, expected = both(name, *arguments)
    assert drawn.dtype == expected.dtype
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("count", COUNTS)
def test_draws_are_equal_to_the_bit(path, place, count):
    same("words", *place, count)
    for bits in (8, 11, 24, 53):
        same("uniform", *place, count, bits)
    for limit in (0, 1, 2**31, 2**32 - 1, 2**32):
        same("below", *place, count, limit)
    for low, span in ((0, 1), (5, 10), (2**64 - 7, 2**33 + 1), (3, 0)):
        same("integers", *place, count, low, span)


def exact(place, count, wide):
    """Box and Muller's formula in float64, before it is rounded."""
    words = lr._words_of(*place, count if wide else count // 2).view(np.uint64)
    unit = lr._open_unit(words, wide).reshape(-1, 2)
    size, angle = np.sqrt(-2 * np.log(unit[:, 0])), 2 * math.pi * unit[:, 1]
    return np.stack([size * np.cos(angle), size * np.sin(angle)], 1).reshape(-1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("count", [c for c in COUNTS if c % 2 == 0] + [400_000])
@pytest.mark.parametrize("wide", [False, True])
def test_normal_numbers(path, place, count, wide):
    drawn, _ = both("normal", *place, count, wide)
    expected = exact(place, count, wide)
    unit = np.spacing(np.abs(expected.astype(drawn.dtype))).astype(np.float64)
    off = np.abs(drawn.astype(np.float64) - expected) / unit
    # Without fused products less of what roundings lose is put back.
    most = 3.0 if path == "baseline" else 2.0
    assert count == 0 or off.max() <= most


def test_blocks_past_the_last_are_left_to_the_reference():
    place, before = (1, 2, 2**64 - 2), kernels.report()["philox_words"]
    words = lr._words(*place, 12)
    after = kernels.report()["philox_words"]
    assert after == (before[0], before[1] + 1)
    np.testing.assert_array_equal(words, lr._words_of(*place, 12))


def test_threads_do_not_change_a_draw():
    found, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            found.append(lr._normal(*PLACES[1], 100_000, False).tobytes())
            found.append(lr._below(*PLACES[1], 100_001, 2**30).tobytes())
    finally:
        lampas.set_num_threads(before)
    assert found[:2] == found[2:]


def draws():
    lampas.manual_seed(5)
    p = lampas.tensor([0.0, 0.2, 0.9, 1.0])
    return [
        lampas.rand(3, 5),
        lampas.rand(7, dtype=lampas.float64),
        lampas.rand(9, dtype=lampas.bfloat16),
        lampas.randint(-5, 70, (11,)),
        lampas.randperm(9),
        lampas.bernoulli(p),
        lampas.nn.functional.dropout(lampas.ones(50), 0.3),
        lampas.empty(5).exponential_(),
    ]


def test_seeds_give_the_same_with_kernels_and_without():
    ours = draws()
    with kernels.disabled():
        theirs = draws()
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype is other.dtype and one.tolist() == other.tolist()


# ---- dropout


@pytest.mark.parametrize(
    ("shape", "mask"),
    [
        ((1,), (1,)),
        ((37,), (37,)),
        ((3, 5, 7), (3, 5, 7)),
        ((3, 5, 4, 9), (3, 5, 1, 1)),
        ((2, 70_001), (2, 70_001)),
    ],
)
def test_dropout(path, shape, mask):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    x.reshape(-1)[0] = math.nan
    keep = rng.random(mask) < 0.6
    before = kernels.report()["dropout"][0]
    drop = RECORDS["dropout"].on_host
    y = drop(x, keep=keep, scale=2.5)
    z = drop(np.asfortranarray(x), keep=np.asfortranarray(keep), scale=2.5)
    assert kernels.report()["dropout"][0] >= before + 1
    expected = x * keep * np.float32(2.5)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(z, expected)
    kept = np.broadcast_to(keep, shape) | np.isnan(x)
    np.testing.assert_array_equal(np.signbit(y)[kept], np.signbit(x)[kept])


def test_dropout_and_its_gradient_share_a_mask():
    before = kernels.report()["dropout"][0]
    x = lampas.full((40_000,), 3.0, requires_grad=True)
    y = lampas.nn.functional.dropout(x, 0.25)
    y.backward(lampas.full((40_000,), 2.0))
    assert kernels.report()["dropout"][0] == before + 2
    kept = y.detach().numpy() != 0
    np.testing.assert_array_equal(y.detach().numpy(), kept * np.float32(4.0))
    np.testing.assert_array_equal(x.grad.numpy(), kept * np.float32(8 / 3))
    assert kept.mean() == pytest.approx(0.75, abs=0.02)
