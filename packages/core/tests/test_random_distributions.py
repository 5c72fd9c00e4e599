"""Fills from less common distributions: their quantiles, dtypes and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas

COUNT = 40_000


def drawn(name, *args, dtype=lampas.float64, seed=0):
    generator = lampas.Generator().manual_seed(seed)
    x = lampas.empty(COUNT, dtype=dtype)
    assert getattr(x, name)(*args, generator=generator) is x
    return x.double().numpy()


def share_below(values, border):
    return float((values <= border).mean())


# Five standard errors of a share of 40,000 draws are below 0.0125.
NEAR = 0.0125


@pytest.mark.parametrize("border", [-3.0, 1.0, 2.0, 9.0])
def test_cauchy_has_its_distribution(border):
    values = drawn("cauchy_", 1.0, 2.0)
    wanted = math.atan((border - 1) / 2) / math.pi + 0.5
    assert share_below(values, border) == pytest.approx(wanted, abs=NEAR)


@pytest.mark.parametrize("border", [0.5, 1.5, 4.0])
def test_log_normal_has_its_distribution(border):
    values = drawn("log_normal_", 0.25, 0.75)
    z = (math.log(border) - 0.25) / 0.75
    wanted = math.erfc(-z / math.sqrt(2)) / 2
    assert share_below(values, border) == pytest.approx(wanted, abs=NEAR)


@pytest.mark.parametrize("dtype", [lampas.float64, lampas.int64, lampas.int8])
@pytest.mark.parametrize("trials", [1, 2, 7])
def test_geometric_counts_trials(dtype, trials):
    values = drawn("geometric_", 0.3, dtype=dtype)
    assert values.min() == 1
    assert share_below(values, trials) == pytest.approx(1 - 0.7**trials, abs=NEAR)


def test_exponential_and_bernoulli_have_theirs():
    assert share_below(drawn("exponential_", 2.0), 0.5) == pytest.approx(
        1 - math.exp(-1), abs=NEAR
    )
    assert drawn("bernoulli_", 0.3).mean() == pytest.approx(0.3, abs=NEAR)


@pytest.mark.parametrize(
    ("name", "args"), [("cauchy_", ()), ("log_normal_", ()), ("geometric_", (0.5,))]
)
def test_a_generator_repeats_them(name, args):
    first, again = drawn(name, *args), drawn(name, *args)
    np.testing.assert_array_equal(first, again)
    assert (first != drawn(name, *args, seed=1)).any()


def test_small_dtypes_hold_what_they_can():
    assert drawn("geometric_", 1e-6, dtype=lampas.int8).max() == 127
    drawn("cauchy_", 0.0, 1e5, dtype=lampas.float16)


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("cauchy_", (0.0, 0.0), "sigma must be positive"),
        ("log_normal_", (0.0, -1.0), "std must be positive"),
        ("geometric_", (0.0,), "p must lie in"),
        ("geometric_", (1.0,), "p must lie in"),
    ],
)
def test_parameters_that_make_no_sense(name, args, words):
    with pytest.raises(RuntimeError, match=words):
        getattr(lampas.zeros(2), name)(*args)


def test_dtypes_that_do_not_fit():
    with pytest.raises(RuntimeError, match="must be floating"):
        lampas.tensor([1]).cauchy_()
    with pytest.raises(RuntimeError, match="must be floating"):
        lampas.tensor([1]).log_normal_()
    with pytest.raises(RuntimeError, match="not implemented for lampas.bool"):
        lampas.tensor([True]).geometric_(0.5)
