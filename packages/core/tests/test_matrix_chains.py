"""Edges and errors of powers, chains and Vandermonde matrices, and of vector norms."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas.errors import DTypeError, LinAlgError, ShapeError
from lampas.ops.matrix_power import _cheapest_order

X = lampas.ones(2, 3)
SQUARE = lampas.ones(2, 2)


def test_the_cheapest_order_of_a_chain_is_found():
    """The example of Cormen et al., Introduction to Algorithms, 15.2."""
    split = _cheapest_order([30, 35, 15, 5, 10, 20, 25])
    assert split[0][5] == 2 and split[0][2] == 0 and split[3][5] == 4


def test_a_chain_of_two_vectors_is_a_number():
    assert lampas.linalg.multi_dot([X[0], X[0]]).shape == ()


def test_a_number_has_a_row_of_powers():
    assert lampas.linalg.vander(lampas.tensor(2), N=3).tolist() == [[1, 2, 4]]
    assert lampas.vander(lampas.tensor([2, 3]), N=0).shape == (2, 0)


def test_inner_products_conjugate_the_first():
    x = lampas.tensor([1j, 2.0])
    assert lampas.linalg.vecdot(x, x).item() == 5


def test_a_singular_matrix_has_no_negative_power():
    with pytest.raises(LinAlgError):
        lampas.matrix_power(SQUARE, -1)


@pytest.mark.parametrize("ord", [0, 0.5, 1, 1.5, 2, 3, math.inf, -math.inf])
def test_a_norm_of_zero_has_the_gradient_zero(ord):
    x = lampas.zeros(3, requires_grad=True)
    lampas.linalg.vector_norm(x, ord).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_the_largest_size_shares_its_gradient():
    x = lampas.tensor([2.0, -2.0, 1.0], requires_grad=True)
    lampas.linalg.vector_norm(x, math.inf).backward()
    assert x.grad.tolist() == [0.5, -0.5, 0.0]


def test_a_norm_in_a_wider_dtype():
    assert lampas.norm(X.half(), dtype=lampas.float64).dtype == lampas.float64


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lampas.linalg.matrix_power(x, 3),
        lambda x: lampas.linalg.multi_dot([x, x, x]),
        lambda x: lampas.linalg.vander(x),
        lambda x: lampas.vander(x[0]),
        lambda x: lampas.linalg.vecdot(x, x),
        lambda x: lampas.linalg.vector_norm(x, 3),
    ],
)
def test_the_simulated_device_computes_the_same(call):
    x = lampas.tensor([[1.0, 4.0], [3.0, 0.5]])
    there = call(x.to("sim"))
    assert there.device.type == "sim"
    assert there.tolist() == call(x).tolist()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lampas.matrix_power(X, 2), ShapeError, "square"),
        (lambda: lampas.matrix_power(SQUARE.long(), -1), DTypeError, "float32"),
        (lambda: lampas.linalg.multi_dot([X]), ShapeError, "2 or more"),
        (lambda: lampas.linalg.multi_dot([X, X]), ShapeError, "must be equal"),
        (lambda: lampas.linalg.multi_dot([X, X[0], X]), ShapeError, "must be 2-D"),
        (lambda: lampas.linalg.multi_dot([X, X[0].double()]), DTypeError, "one dtype"),
        (lambda: lampas.chain_matmul(), ShapeError, "none"),
        (lambda: lampas.chain_matmul(X, X[0]), ShapeError, "matrix 1"),
        (lambda: lampas.linalg.vander(X, N=1), ShapeError, "2 or more"),
        (lambda: lampas.vander(X), ShapeError, "a vector"),
        (lambda: lampas.vander(X[0], -1), ShapeError, "negative"),
        (lambda: lampas.linalg.vecdot(X.long(), X), DTypeError, "floating"),
        (lambda: lampas.linalg.vector_norm(X, "fro"), ShapeError, "a number"),
        (lambda: lampas.linalg.vector_norm(X.long()), DTypeError, "floating"),
        (lambda: lampas.norm(X, dtype=lampas.float16), DTypeError, "narrower"),
        (lambda: lampas.norm(X, dtype=lampas.complex64), DTypeError, "complex"),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
