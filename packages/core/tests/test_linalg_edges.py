"""Edge inputs of linear algebra and Fourier transforms: NaN, one dtype, one size."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas.linalg import LinAlgError

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ([[NAN, NAN], [NAN, NAN]], 1),
        ([[1.0, NAN], [NAN, 1.0]], 2),
        ([[INF, INF], [INF, INF]], 2),
    ],
)
def test_a_matrix_with_nan_has_no_cholesky_factor(rows, order):
    matrix = lampas.tensor(rows)
    assert lampas.linalg.cholesky_ex(matrix).info.item() == order
    with pytest.raises(LinAlgError, match=f"order {order} "):
        lampas.linalg.cholesky(matrix)
    batch = lampas.stack([lampas.eye(2), matrix])
    assert lampas.linalg.cholesky_ex(batch).info.tolist() == [0, order]


def test_nan_in_the_triangle_not_looked_at_does_no_harm():
    matrix = lampas.tensor([[4.0, NAN], [2.0, 2.0]])
    assert lampas.linalg.cholesky(matrix).tolist() == [[2.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("power", [1.5, 2.0, "2"])
def test_the_exponent_of_a_matrix_is_an_integer(power):
    with pytest.raises(TypeError, match="n must be an int, got"):
        lampas.matrix_power(lampas.eye(2), power)


@pytest.mark.parametrize("function", [lampas.linalg.eigh, lampas.linalg.eigvalsh])
def test_the_triangle_is_named_by_a_string(function):
    with pytest.raises(TypeError, match="UPLO must be a str, got int"):
        function(lampas.eye(2), UPLO=3)


@pytest.mark.parametrize("p", ["fro", "nuc", 1, -1, 2, INF, -INF])
def test_the_condition_of_a_singular_matrix_is_infinite_by_every_norm(p):
    batch = lampas.stack([lampas.zeros(2, 2), lampas.eye(2)])
    if p == 2:
        batch = batch + lampas.tensor([[[1.0, 0.0], [0.0, 0.0]]] * 2)
    result = lampas.linalg.cond(batch, p)
    assert result[0].item() == INF
    assert math.isfinite(result[1].item())


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: lampas.linalg.vecdot(x, y),
        lambda x, y: lampas.tensordot(x, y, dims=1),
    ],
)
@pytest.mark.parametrize("dtype", [lampas.float64, lampas.complex64])
def test_products_of_two_dtypes_are_refused(function, dtype):
    with pytest.raises(RuntimeError, match="must have one dtype, got lampas.float32"):
        function(lampas.ones(3), lampas.ones(3, dtype=dtype))


@pytest.mark.parametrize("p", [NAN, -1.0])
def test_distances_of_no_order_are_refused(p):
    points = lampas.ones(3, 2)
    with pytest.raises(RuntimeError, match="p must not be negative"):
        lampas.cdist(points, points, p=p)
    with pytest.raises(RuntimeError, match="p must not be negative"):
        lampas.pdist(points, p=p)


def test_the_coefficients_of_triangular_solve_have_the_batch_of_its_solution():
    result = lampas.triangular_solve(lampas.ones(2, 3, 1), lampas.eye(3))
    assert result.solution.shape == (2, 3, 1)
    assert result.cloned_coefficient.shape == (2, 3, 3)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("n", [0, -1, -2])
def test_a_transform_along_one_dimension_needs_a_positive_size(name, n):
    with pytest.raises(RuntimeError, match="at least 1 data point"):
        getattr(lampas.fft, name)(lampas.ones(4), n=n)
