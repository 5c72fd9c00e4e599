"""Results of bool, integers and half precision where a formula alone does not say."""

from __future__ import annotations

import pytest

import lampas


def test_integers_are_counted_as_pytorch_counts_them():
    """int64 cuts start, end and step off first; other integers count, then cut."""
    bounds = (0.0, -8.000001, -4.0)
    assert lampas.arange(*bounds, dtype=lampas.int32).tolist() == [0, -4, -8]
    assert lampas.arange(*bounds, dtype=lampas.int64).tolist() == [0, -4]


def test_whole_steps_cut_both_ends_off_first_and_count_from_the_nearer_one():
    found = lampas.linspace(4.3, -3, 6, dtype=lampas.int32).tolist()
    assert found == [4, 2, 1, 0, -1, -3]
    assert lampas.linspace(2, 5, 1, dtype=lampas.int64).tolist() == [2]
    assert lampas.linspace(2, 5, 0, dtype=lampas.int64).tolist() == []
    assert lampas.logspace(0, 1.2, 2, dtype=lampas.int32).tolist() == [1, 10]


def test_sums_to_the_same_size_are_the_tensor_itself():
    x = lampas.ones(2, 3, dtype=lampas.int32)
    assert x.sum_to_size(2, 3) is x
    assert x.sum_to_size(1, 3).dtype == lampas.int64


def test_half_precision_quotients_are_rounded_before_they_are_cut_off():
    """bfloat16's 0.05 is 0.050048828, and 3 over that is 59.94, in bfloat16 60."""
    x, y = lampas.tensor([3.0]).bfloat16(), lampas.tensor([0.05]).bfloat16()
    assert (x.double() / y.double()).item() == pytest.approx(59.9415, abs=1e-3)
    assert lampas.div(x, y, rounding_mode="trunc").item() == 60


def test_an_operand_of_einsum_that_is_summed_by_itself_is_summed_as_int64():
    x = lampas.ones(3, dtype=lampas.int8) * 100
    assert lampas.einsum("i->", x).item() == 300
    assert lampas.einsum("i->i", x).dtype == lampas.int8
    assert lampas.einsum("i,i->", x, x).dtype == lampas.int8


@pytest.mark.parametrize(
    ("beta", "alpha", "expected"),
    [(3, 2, [[1, 1], [0, 1]]), (0, 1, [[1, 0], [0, 0]]), (1, 0, [[0, 1], [0, 1]])],
)
def test_outer_products_of_bools_are_added_by_or(beta, alpha, expected):
    x = lampas.tensor([[False, True], [False, True]])
    v = lampas.tensor([True, False])
    found = lampas.addr(x, v, v, beta=beta, alpha=alpha)
    assert found.dtype == lampas.bool
    assert found.int().tolist() == expected
