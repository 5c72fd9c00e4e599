"""What linear algebra refuses, singular matrices, complex gradients, devices."""

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
        (lambda: lampas.linalg.lu_factor(lampas.zeros(2, 2)), "column 1"),
        (lambda: lampas.linalg.ldl_factor(lampas.zeros(2, 2)), "block 1"),
        (
            lambda: lampas.lu_unpack(lampas.eye(2), lampas.tensor([1, 2])),
            "int32, got lampas.int64",
        ),
        (lambda: lampas.linalg.eigh(lampas.eye(2), UPLO="X"), "'X'"),
        (lambda: lampas.linalg.eig(lampas.eye(2) / 0), "infinities or NaN"),
        (lambda: lampas.linalg.svd(lampas.eye(2), driver="gesvd"), "driver"),
        (lambda: lampas.linalg.svd(lampas.eye(2) / 0), "svd"),
        (lambda: lampas.linalg.lstsq(lampas.eye(2), lampas.ones(3, 1)), "don't fit"),
        (
            lambda: lampas.linalg.lstsq(lampas.eye(2), lampas.eye(2), driver="qr"),
            "gelsy.*'qr'",
        ),
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


def test_blocks_of_elimination_meet():
    a = np.random.default_rng(0).standard_normal((2, 70, 80))
    P, L, U = lampas.linalg.lu(lampas.from_numpy(a))
    assert float(L.abs().max()) == 1.0
    np.testing.assert_allclose((P @ L @ U).numpy(), a, rtol=1e-9, atol=1e-9)


def test_the_determinant_of_a_singular_matrix_has_a_gradient():
    a = lampas.tensor(SINGULAR, requires_grad=True)
    lampas.linalg.det(a).backward()
    np.testing.assert_allclose(a.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-5)


def test_the_logarithm_of_a_determinant_that_is_not_positive():
    assert lampas.logdet(lampas.tensor([[-1.0]])).isnan().item()
    assert lampas.logdet(lampas.tensor([[0.0]])).item() == -np.inf
    assert lampas.linalg.slogdet(lampas.tensor([[0.0]])).sign.item() == 0.0


def test_least_squares_gives_what_its_driver_gives():
    a, b = lampas.tensor([[1.0], [1.0]]), lampas.tensor([[1.0], [3.0]])
    for driver, residuals, rank, values in [
        ("gelsy", [], 1, []),
        ("gels", [2.0], None, []),
        ("gelsd", [2.0], 1, [2**0.5]),
    ]:
        found = lampas.linalg.lstsq(a, b, driver=driver)
        assert found.solution.item() == pytest.approx(2.0)
        assert found.residuals.tolist() == pytest.approx(residuals)
        assert found.rank.shape == (0,) if rank is None else found.rank.item() == rank
        assert found.singular_values.tolist() == pytest.approx(values)


def test_ranks_by_tolerances():
    a = lampas.diag(lampas.tensor([1.0, 1e-3, 1e-9]))
    rank = lampas.linalg.matrix_rank
    assert rank(a).item() == 2
    assert rank(a, atol=1e-2).item() == 1
    assert rank(a, rtol=1e-12).item() == 3
    assert rank(a, 1e-10).item() == 3
    assert rank(-a, hermitian=True).item() == 2
    both = lampas.stack([a, a])
    assert rank(both, atol=lampas.tensor([1e-2, 1e-10])).tolist() == [1, 3]
    assert rank(lampas.zeros(0, 3)).item() == 0


def test_indefinite_matrices_are_solved_by_blocks():
    a = np.array([[0.0, 2.0, 3.0], [2.0, 0.0, 4.0], [3.0, 4.0, 0.0]])
    x = np.array([[1.0], [-2.0], [3.0]])
    LD, pivots = lampas.linalg.ldl_factor(lampas.from_numpy(np.tril(a)))
    assert pivots.tolist() == [-3, -3, 3]
    found = lampas.linalg.ldl_solve(LD, pivots, lampas.from_numpy(a @ x))
    np.testing.assert_allclose(found.numpy(), x, rtol=1e-12)


@pytest.mark.parametrize("hermitian", [False, True])
def test_complex_matrices_of_both_symmetries_are_solved(hermitian):
    rng = np.random.default_rng(0)
    a = complex_normal(rng, 6, 6)
    a = a + (a.conj().T if hermitian else a.T)
    x = complex_normal(rng, 6, 2)
    factors = lampas.linalg.ldl_factor(lampas.from_numpy(a), hermitian=hermitian)
    b = lampas.from_numpy(a @ x)
    found = lampas.linalg.ldl_solve(*factors, b, hermitian=hermitian)
    np.testing.assert_allclose(found.numpy(), x, rtol=1e-9)


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
        lampas.linalg.lu(a).P,
        lampas.linalg.lu_solve(*lampas.linalg.lu_factor(a), b),
        lampas.linalg.ldl_solve(*lampas.linalg.ldl_factor(a), b),
        lampas.linalg.eigh(a).eigenvectors,
        lampas.linalg.eig(a).eigenvalues,
        lampas.linalg.svd(a).U,
        lampas.linalg.slogdet(a).sign,
        lampas.linalg.pinv(a),
        lampas.linalg.lstsq(a, b).solution,
        lampas.linalg.matrix_rank(a),
    ):
        assert str(made.device).startswith("sim")


# ---- batches of vmap


MAPPED = {
    "inv": lambda a: lampas.linalg.inv(a),
    "solve": lambda a: lampas.linalg.solve(a, lampas.ones(2, 3, 1).double()),
    "cholesky": lambda a: lampas.linalg.cholesky(a @ a.mT),
    "qr": lambda a: lampas.linalg.qr(a).R,
    "lu": lambda a: lampas.linalg.lu(a).P,
    "lu_solve": lambda a: lampas.linalg.lu_solve(*lampas.linalg.lu_factor(a), a),
    "ldl": lambda a: lampas.linalg.ldl_factor(a + a.mT).LD,
    "eig": lambda a: lampas.linalg.eig(a).eigenvectors,
    "svd": lambda a: lampas.linalg.svd(a).U,
    "slogdet": lambda a: lampas.linalg.slogdet(a).logabsdet,
    "pinv": lambda a: lampas.linalg.pinv(a[:, :2]),
    "lstsq": lambda a: lampas.linalg.lstsq(a[:, :2], a[0], driver="gels").residuals,
}


@pytest.mark.parametrize("name", MAPPED)
def test_a_mapped_function_runs_on_the_whole_batch(name):
    """Warnings are errors: one would say that it ran example by example."""
    a = lampas.from_numpy(np.random.default_rng(0).standard_normal((4, 3, 3)))
    found = lampas.func.vmap(MAPPED[name])(a)
    wanted = lampas.stack([MAPPED[name](x) for x in a])
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max()) < 1e-9


def test_the_error_inside_vmap_names_the_example():
    with pytest.raises(LinAlgError, match=r"linalg.inv: \(batch element 1\)"):
        lampas.func.vmap(lampas.linalg.inv)(stacked(np.eye(2), SINGULAR))


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
    "lu": lambda a: lampas.linalg.lu_factor(a).LU,
    "lu_wide": lambda a: lampas.linalg.lu(a[:2]).U,
    "lu_tall": lambda a: lampas.linalg.lu(a[:, :2]).L,
    "det": lambda a: lampas.linalg.det(a),
    "slogdet_sign": lambda a: lampas.linalg.slogdet(a).sign,
    "logdet": lambda a: lampas.logdet(a),
    "eigvalsh": lambda a: lampas.linalg.eigvalsh(a + a.mH),
    "eigh": lambda a: _first(lampas.linalg.eigh(a + a.mH).eigenvectors),
    "eigvals": lambda a: (lampas.linalg.eigvals(a) ** 3).sum(),
    "eig": lambda a: lampas.linalg.eig(a).eigenvectors.abs().square().sum(1),
    "svdvals": lambda a: lampas.linalg.svdvals(a),
    "svd": lambda a: _one(*lampas.linalg.svd(a)),
    "svd_wide": lambda a: _one(*lampas.linalg.svd(a[:2])),
    "pinv": lambda a: lampas.linalg.pinv(a[:, :2]),
    "reflections": lambda a: lampas.linalg.householder_product(a, a[0, :2]),
}


def _first(vectors):
    return vectors[:, :1] @ vectors[:, :1].mH


def _one(u, s, vh):
    return (u[:, :1] @ vh[:1]) * s[0].square()


def _q(a):
    return lampas.linalg.qr(a[:, :2]).Q


@pytest.mark.parametrize("name", FUNCTIONS)
def test_complex_gradients_are_slopes(name):
    rng = np.random.default_rng(0)
    a = complex_normal(rng, 3, 3) + 3 * np.eye(3)
    direction = complex_normal(rng, 3, 3)
    x = lampas.from_numpy(a).requires_grad_()
    y = FUNCTIONS[name](x)
    weights = lampas.from_numpy(np.array(complex_normal(rng, *y.shape)))

    def weighed(out):
        product = out * (weights.conj() if out.is_complex() else weights.real)
        return product.real.sum()

    def loss(value):
        return float(weighed(FUNCTIONS[name](lampas.from_numpy(value))))

    step = 1e-6
    slope = (loss(a + step * direction) - loss(a - step * direction)) / (2 * step)
    weighed(y).backward()
    found = float((x.grad.conj() * lampas.from_numpy(direction)).real.sum())
    assert found == pytest.approx(slope, rel=1e-6)
