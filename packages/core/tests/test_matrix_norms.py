"""Edges and errors of the norms of matrices."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas.errors import DimensionError, DTypeError, ShapeError

INF = math.inf
X = lampas.ones(2, 3)
L = lampas.linalg


@pytest.mark.parametrize("ord", ["fro", 1, -1, INF, -INF])
def test_a_matrix_of_zeros_has_the_gradient_zero(ord):
    x = lampas.zeros(2, 2, requires_grad=True)
    L.matrix_norm(x, ord).backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_sum_of_singular_values_of_zeros_has_a_subgradient():
    """Any matrix with orthonormal columns is one; its own norm of order 2 is 1."""
    x = lampas.zeros(3, 2, requires_grad=True)
    L.matrix_norm(x, "nuc").backward()
    assert lampas.allclose(x.grad.mT @ x.grad, lampas.eye(2))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, 2, INF])
@pytest.mark.parametrize("shape", [(0, 2), (2, 0), (3, 0, 2), (3, 2, 0)])
def test_no_elements_have_the_norm_0(ord, shape):
    found = L.matrix_norm(lampas.zeros(shape), ord)
    assert found.shape == shape[:-2] and not found.any()
    kept = L.matrix_norm(lampas.zeros(shape), ord, keepdim=True)
    assert kept.shape == (*shape[:-2], 1, 1)


@pytest.mark.parametrize(("shape", "ord"), [((2, 0), -1), ((0, 2), -INF), ((0, 2), -2)])
def test_no_rows_or_columns_have_no_smallest(shape, ord):
    with pytest.raises(DimensionError):
        L.matrix_norm(lampas.zeros(shape), ord)


def test_a_singular_matrix_has_no_bound():
    assert L.cond(lampas.zeros(2, 2), 1) == INF
    assert L.cond(lampas.ones(2, 2), "fro") == INF
    assert L.cond(lampas.zeros(3, 0, 0)).tolist() == [0.0, 0.0, 0.0]
    assert L.cond(lampas.zeros(0, 0), 1).shape == ()


def test_norms_of_complex_matrices_are_real():
    x = lampas.tensor([[3j, 0.0], [0.0, 4.0]])
    assert L.norm(x).item() == 5
    assert L.norm(x, "nuc").item() == pytest.approx(7)
    assert L.cond(x).dtype == lampas.float32


def test_a_number_has_a_length():
    assert L.norm(lampas.tensor(-3.0)).item() == 3


def test_matrices_in_a_wider_dtype():
    assert L.matrix_norm(X.half(), 1, dtype=lampas.float32).dtype == lampas.float32


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_the_simulated_device_computes_the_same(ord):
    x = lampas.tensor([[1.0, 4.0], [3.0, 0.5]])
    for function in (L.matrix_norm, L.norm, L.cond):
        there = function(x.to("sim"), ord)
        assert there.device.type == "sim"
        assert there.item() == function(x, ord).item()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: L.matrix_norm(X[0]), ShapeError, "two dimensions"),
        (lambda: L.matrix_norm(X, dim=(0, 0)), ShapeError, "different"),
        (lambda: L.matrix_norm(X, dim=(0,)), ShapeError, "two dimensions"),
        (lambda: L.matrix_norm(X, 3), ShapeError, "one of 1, -1"),
        (lambda: L.matrix_norm(X.long()), DTypeError, "floating"),
        (lambda: L.matrix_norm(X, dtype=lampas.float16), DTypeError, "narrower"),
        (lambda: L.norm(lampas.ones(1, 1, 1), 2), ShapeError, "give dim"),
        (lambda: L.norm(X, dim=(0, 1, 1)), ShapeError, "one or two"),
        (lambda: L.norm(X[0], "fro"), ShapeError, "two dimensions"),
        (lambda: lampas.norm(X, "nuc", dim=0), ShapeError, "two dimensions"),
        (lambda: L.cond(X, "fro"), ShapeError, "square"),
        (lambda: L.cond(X, 3), ShapeError, "one of"),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
