"""Bags of rows: borders, padding, factors and arguments that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import ArgumentError, DTypeError

TABLE = np.arange(12.0).reshape(4, 3) ** 1.5 - 10


@pytest.fixture
def table():
    return lampas.from_numpy(TABLE.copy()).requires_grad_()


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_an_empty_bag_gives_zeros(table, mode):
    index, offsets = lampas.tensor([1, 2]), lampas.tensor([0, 0, 2])
    out = F.embedding_bag(index, table, offsets, mode=mode)
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    wanted = [np.zeros(3), reduce(TABLE[1:3], axis=0), np.zeros(3)]
    np.testing.assert_allclose(out.detach().numpy(), wanted, rtol=1e-14)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [2, -2])
def test_padding_is_left_out(table, mode, padding):
    index = lampas.tensor([[2, 1, 3], [2, 2, 2]])
    out = F.embedding_bag(index, table, mode=mode, padding_idx=padding)
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    wanted = [reduce(TABLE[[1, 3]], axis=0), np.zeros(3)]
    np.testing.assert_allclose(out.detach().numpy(), wanted, rtol=1e-14)
    (grad,) = lampas.autograd.grad(out.sum(), [table])
    assert not grad[2].any()
    assert grad[[1, 3]].any()


def test_the_last_offset_may_be_an_end(table):
    index, ends = lampas.tensor([0, 1, 2]), lampas.tensor([0, 1, 3])
    out = F.embedding_bag(index, table, ends, mode="sum", include_last_offset=True)
    np.testing.assert_allclose(out.detach().numpy(), [TABLE[0], TABLE[1] + TABLE[2]])


def test_factors_have_a_gradient(table):
    factors = lampas.tensor([[2.0, -1.0]], dtype=lampas.float64, requires_grad=True)
    index = lampas.tensor([[3, 0]])
    out = F.embedding_bag(index, table, mode="sum", per_sample_weights=factors)
    np.testing.assert_allclose(out.detach().numpy(), [2 * TABLE[3] - TABLE[0]])
    (grad,) = lampas.autograd.grad(out.sum(), [factors])
    np.testing.assert_allclose(grad.numpy(), [[TABLE[3].sum(), TABLE[0].sum()]])


def test_rows_too_long_are_scaled_down_in_place():
    table = lampas.tensor([[3.0, 4.0], [30.0, 40.0]])
    F.embedding_bag(lampas.tensor([[0, 0]]), table, max_norm=1.0)
    np.testing.assert_allclose(table.numpy(), [[0.6, 0.8], [30.0, 40.0]], rtol=1e-6)


def test_the_table_first_is_taken_with_a_warning(table):
    index = lampas.tensor([[3, 0]])
    with pytest.warns(UserWarning, match="the index first"):
        out = F.embedding_bag(table, index)
    assert out.tolist() == F.embedding_bag(index, table).tolist()


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"offsets": lampas.tensor([0])}, ArgumentError, "rows are the bags"),
        ({"mode": "min"}, ArgumentError, "'sum', 'mean' or 'max'"),
        ({"per_sample_weights": lampas.ones(1, 2)}, ArgumentError, "need mode='sum'"),
        (
            {"per_sample_weights": lampas.ones(2), "mode": "sum"},
            ArgumentError,
            "shape of input",
        ),
        (
            {"per_sample_weights": lampas.ones(1, 2), "mode": "sum"},
            DTypeError,
            "weight's dtype",
        ),
        ({"mode": "max", "scale_grad_by_freq": True}, ArgumentError, "excludes"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(table, wrong, error, text):
    with pytest.raises(error, match=text):
        F.embedding_bag(lampas.tensor([[0, 1]]), table, **wrong)


@pytest.mark.parametrize(
    ("offsets", "text"),
    [([1, 2], "must be 0"), ([0, 4], "beyond"), ([[0]], "1-D"), ([0.0], "integers")],
)
def test_offsets_that_do_not_fit_are_refused(table, offsets, text):
    with pytest.raises((ArgumentError, DTypeError), match=text):
        F.embedding_bag(lampas.tensor([0, 1, 2]), table, lampas.tensor(offsets))
