"""Edges and errors of distances, renormalised slices and matrix exponentials."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas.errors import ArgumentError, DTypeError, ShapeError

X = lampas.ones(2, 3)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf])
@pytest.mark.parametrize(
    "mode", ["use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"]
)
def test_a_point_is_at_distance_0_from_itself_with_gradient_0(p, mode):
    x = lampas.tensor([[1.0, 2.0]], requires_grad=True)
    y = lampas.cdist(x, x.detach(), p, mode)
    assert y.item() == 0
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]]


def test_points_without_coordinates_and_no_points():
    assert (
        lampas.cdist(lampas.ones(2, 0), lampas.ones(3, 0)).tolist() == [[0.0] * 3] * 2
    )
    assert lampas.cdist(lampas.ones(0, 3), X).shape == (0, 2)
    assert lampas.pdist(lampas.ones(1, 3)).shape == (0,)
    assert lampas.pdist(lampas.ones(3, 0)).tolist() == [0.0, 0.0, 0.0]


def test_many_points_give_the_same_by_a_product():
    x = lampas.arange(60.0).reshape(30, 2).sin()
    direct = lampas.cdist(x, x[:4], compute_mode="donot_use_mm_for_euclid_dist")
    assert lampas.allclose(lampas.cdist(x, x[:4]), direct, atol=1e-3)


def test_a_slice_of_zeros_stays():
    x = lampas.zeros(2, 2, requires_grad=True)
    lampas.renorm(x, 2, 0, 1.0).sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_exponentials_of_wild_matrices():
    x = lampas.tensor([[[0.0, 1.0], [0.0, 0.0]], [[math.nan, 0.0], [0.0, 0.0]]])
    y = lampas.matrix_exp(x)
    assert y[0].tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert bool(y[1].isnan().all())
    assert lampas.matrix_exp(lampas.zeros(2, 0, 0)).shape == (2, 0, 0)


def test_the_exponential_of_a_rotation_turns():
    x = lampas.tensor([[0.0, -math.pi], [math.pi, 0.0]], dtype=lampas.float64)
    assert lampas.allclose(lampas.matrix_exp(x), -lampas.eye(2, dtype=lampas.float64))
    z = lampas.tensor([[1j * math.pi]], dtype=lampas.complex128)
    assert lampas.allclose(lampas.matrix_exp(z), -lampas.ones(1, 1).to(z.dtype))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lampas.cdist(x, x + 1),
        lambda x: lampas.cdist(x, x + 1, 2, "use_mm_for_euclid_dist"),
        lambda x: lampas.pdist(x),
        lambda x: lampas.renorm(x, 2, 0, 1.0),
        lambda x: lampas.matrix_exp(x),
    ],
)
def test_the_simulated_device_computes_the_same(call):
    x = lampas.tensor([[1.0, 4.0], [3.0, 0.5]])
    here, there = call(x), call(x.to("sim"))
    assert there.device.type == "sim"
    assert lampas.equal(there.to("cpu"), here)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lampas.cdist(X, X, compute_mode="fast"), ArgumentError, "one of"),
        (lambda: lampas.cdist(X, X.long()), DTypeError, "x2 must be float32"),
        (lambda: lampas.cdist(X, X[:, :2]), ShapeError, r"\(2, 3\) and \(2, 2\)"),
        (lambda: lampas.cdist(X, X, -1), ShapeError, "negative"),
        (lambda: lampas.pdist(X[0]), ShapeError, r"\(n, k\)"),
        (lambda: lampas.pdist(X, -1), ShapeError, "negative"),
        (lambda: lampas.renorm(X, 0, 0, 1.0), ShapeError, "positive"),
        (lambda: lampas.renorm(X, 2, 0, -1.0), ShapeError, "maxnorm"),
        (lambda: lampas.renorm(X[0], 2, 0, 1.0), ShapeError, "2-D"),
        (lambda: lampas.renorm(X.long(), 2, 0, 1.0), DTypeError, "floating"),
        (lambda: lampas.matrix_exp(X), ShapeError, r"\(..., n, n\)"),
        (lambda: lampas.matrix_exp(X[:, :2].long()), DTypeError, "floating"),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
