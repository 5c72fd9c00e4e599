"""What linear algebra refuses, and what it gives where a matrix is singular."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas.errors import LampasError
from lampas.linalg import LinAlgError

SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


def stacked(*matrices):
    return lampas.tensor([[list(map(float, r)) for r in m] for m in matrices])


def test_the_error_is_that_of_pytorch_and_ours():
    assert issubclass(LinAlgError, RuntimeError)
    assert issubclass(LinAlgError, LampasError)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda a: lampas.linalg.inv(a), r"linalg.inv: \(batch element 1\).*column 2"),
        (lambda a: lampas.linalg.solve(a, a), r"linalg.solve: \(batch element 1\)"),
        (
            lambda a: lampas.linalg.inv_ex(a, check_errors=True),
            r"linalg.inv_ex: \(batch element 1\)",
        ),
        (
            lambda a: lampas.linalg.cholesky(a - 2 * a[1]),
            r"linalg.cholesky: \(batch element 0\).*order 1 ",
        ),
    ],
)
def test_the_error_names_the_first_bad_matrix(function, text):
    with pytest.raises(LinAlgError, match=text):
        function(stacked(np.eye(2), SINGULAR, SINGULAR))


def test_info_says_where_it_failed_and_the_rest_is_right():
    a = stacked(2 * np.eye(2), SINGULAR)
    inverse, info = lampas.linalg.inv_ex(a)
    assert info.tolist() == [0, 2]
    assert inverse[0].tolist() == [[0.5, 0.0], [0.0, 0.5]]
    assert not inverse[1].isfinite().any()
    result, info = lampas.linalg.solve_ex(a, lampas.ones(2, 1))
    assert info.tolist() == [0, 2]
    assert result[0].tolist() == [[0.5], [0.5]]


def test_a_partial_cholesky_factor():
    a = lampas.tensor([[4.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 3.0]])
    factor, info = lampas.linalg.cholesky_ex(a)
    assert info.item() == 2
    assert factor[:, 0].tolist() == [2.0, 1.0, 0.5]
    good, info = lampas.linalg.cholesky_ex(lampas.stack([4 * lampas.eye(3), a]))
    assert info.tolist() == [0, 2]
    assert good[0].equal(2 * lampas.eye(3))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda: lampas.linalg.inv(lampas.ones(3, 2)), "square.*3 by 2"),
        (lambda: lampas.linalg.inv(lampas.ones(2)), "two dimensions"),
        (lambda: lampas.linalg.inv(lampas.eye(2).long()), "float32.*int64"),
        (lambda: lampas.linalg.inv(lampas.eye(2).half()), "float32.*float16"),
        (
            lambda: lampas.linalg.solve(lampas.eye(2), lampas.ones(3, 1)),
            "2 != 3",
        ),
        (
            lambda: lampas.linalg.solve(lampas.eye(2), lampas.ones(2, 1).double()),
            "one dtype.*float64",
        ),
        (lambda: lampas.linalg.qr(lampas.eye(2), mode="full"), "'full'"),
        (
            lambda: lampas.linalg.householder_product(
                lampas.ones(2, 3), lampas.ones(2)
            ),
            "at least as many rows",
        ),
        (lambda: lampas.ormqr(lampas.eye(3), lampas.ones(4), lampas.eye(3)), "tau"),
        (lambda: lampas.linalg.tensorinv(lampas.ones(2, 3), ind=1), "2 != 3"),
        (lambda: lampas.linalg.tensorinv(lampas.ones(2, 2), ind=0), "positive"),
    ],
)
def test_what_does_not_fit_is_refused(function, text):
    with pytest.raises(RuntimeError, match=text):
        function()


def test_a_zero_on_the_diagonal_of_a_triangle_is_no_error():
    a = lampas.tensor([[0.0, 1.0], [0.0, 1.0]])
    x = lampas.linalg.solve_triangular(a, lampas.tensor([[3.0], [1.0]]), upper=True)
    assert x.tolist() == [[np.inf], [1.0]]


def test_blocks_of_substitution_meet():
    rng = np.random.default_rng(0)
    a = np.tril(rng.standard_normal((75, 75))) / 10 + np.eye(75)
    x = rng.standard_normal((75, 2))
    found = lampas.linalg.solve_triangular(
        lampas.from_numpy(a), lampas.from_numpy(a @ x), upper=False
    )
    np.testing.assert_allclose(found.numpy(), x, rtol=1e-9, atol=1e-9)


def test_a_complete_qr_of_more_rows_has_no_gradient():
    a = lampas.ones(3, 1, requires_grad=True)
    with pytest.raises(RuntimeError, match="mode='reduced'"):
        lampas.linalg.qr(a, mode="complete").R.sum().backward()


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_empty_matrices(shape):
    a = lampas.ones(*shape)
    assert lampas.linalg.inv(a).shape == shape
    assert lampas.linalg.cholesky(a).shape == shape
    assert lampas.linalg.qr(a).Q.shape == shape


def test_on_another_device():
    a = lampas.tensor([[4.0, 2.0], [2.0, 3.0]], device="sim")
    b = lampas.ones(2, 1, device="sim")
    for made in (
        lampas.linalg.solve(a, b),
        lampas.linalg.solve_triangular(a, b, upper=True),
        lampas.linalg.cholesky(a),
        lampas.linalg.inv_ex(a - a).inverse,
        lampas.linalg.qr(a).Q,
        lampas.cholesky_solve(b, a),
        lampas.linalg.householder_product(*lampas.geqrf(a)),
    ):
        assert str(made.device).startswith("sim")


# ---- complex matrices: gradients against slopes along complex directions


def complex_normal(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


FUNCTIONS = {
    "inv": lambda a: lampas.linalg.inv(a),
    "solve": lambda a: lampas.linalg.solve(a, a[..., :2] * a[..., :2]),
    "triangular": lambda a: lampas.linalg.solve_triangular(a, a, upper=True),
    "cholesky": lambda a: lampas.linalg.cholesky(a @ a.mH),
    "cholesky_upper": lambda a: lampas.linalg.cholesky(a @ a.mH, upper=True),
    "qr": lambda a: lampas.linalg.qr(a).R.abs(),
    "qr_wide": lambda a: lampas.linalg.qr(a[:2]).R.abs(),
    "projection": lambda a: lampas.linalg.qr(a[:, :2]).Q @ _q(a).mH,
    "reflections": lambda a: lampas.linalg.householder_product(a, a[0, :2]),
}


def _q(a):
    return lampas.linalg.qr(a[:, :2]).Q


@pytest.mark.parametrize("name", FUNCTIONS)
def test_complex_gradients_are_slopes(name):
    rng = np.random.default_rng(0)
    a = complex_normal(rng, 3, 3) + 3 * np.eye(3)
    direction = complex_normal(rng, 3, 3)
    x = lampas.from_numpy(a).requires_grad_()
    y = FUNCTIONS[name](x)
    weights = lampas.from_numpy(complex_normal(rng, *y.shape))

    def loss(value):
        out = FUNCTIONS[name](lampas.from_numpy(value))
        return float((out * weights.conj()).real.sum())

    step = 1e-6
    slope = (loss(a + step * direction) - loss(a - step * direction)) / (2 * step)
    (y * weights.conj()).real.sum().backward()
    found = float((x.grad.conj() * lampas.from_numpy(direction)).real.sum())
    assert found == pytest.approx(slope, rel=1e-6)
