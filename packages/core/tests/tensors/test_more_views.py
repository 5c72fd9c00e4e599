"""Diagonals as views, and refusals of grids, windows and products."""

from __future__ import annotations

import pytest

import lampas
from lampas import zeros


def test_diagonals_can_be_written():
    x = lampas.ones(2, 3, requires_grad=True)
    y = x * 1
    y.diagonal().mul_(5)
    assert y.tolist() == [[5.0, 1.0, 1.0], [1.0, 5.0, 1.0]]
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_fill_diagonal():
    assert zeros(2, 3).fill_diagonal_(1).tolist() == [[1, 0, 0], [0, 1, 0]]
    tall = zeros(5, 2).fill_diagonal_(1, wrap=True)
    assert tall.tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    cube = zeros(2, 2, 2).fill_diagonal_(3)
    assert cube.sum().item() == 6
    assert cube[1, 1, 1].item() == 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: zeros(2, 3, 2).fill_diagonal_(1), r"got shape \(2, 3, 2\)"),
        (lambda: zeros(5).unfold(0, 6, 1), r"size must be in \[0, 5\].*got 6"),
        (lambda: zeros(5).unfold(0, 2, 0), "step must be positive, got 0"),
        (lambda: lampas.meshgrid(zeros(2, 2)), r"vector, got shape \(2, 2\)"),
        (lambda: lampas.meshgrid(zeros(2), indexing="ji"), "must be 'ij' or 'xy'"),
        (lambda: zeros(5).hsplit(2), r"dimension 0 of size 5 does not divide into 2"),
        (lambda: zeros(5).vsplit(1), r"vsplit: input must have 2 dimensions"),
        (lambda: zeros(2, 2).cross(zeros(2, 2)), "must have size 3 in both, got"),
        (lambda: zeros(2).inner(zeros(3)), r"got shapes \(2,\) and \(3,\)"),
        (lambda: zeros(2, 2, 2).diag(), "1-D or 2-D, got 3 dimensions"),
        (lambda: zeros(2).trace(), r"must be a matrix, got \(2,\)"),
        (lambda: zeros(2, 2).rot90(1, (0, 0)), "dims must differ"),
        (
            lambda: zeros(2, 2).select_scatter(zeros(3), 0, 1),
            r"\(2,\), got \(3,\)",
        ),
    ],
)
def test_refusals(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()
