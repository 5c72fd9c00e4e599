"""Multivariate normal vectors, covariance and correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D

_RNG = np.random.default_rng(7)
_HALF = _RNG.normal(size=(4, 3, 3))
_COVARIANCE = _HALF @ _HALF.swapaxes(-1, -2) + np.eye(3)
_LOC = _RNG.normal(size=(4, 3))
_FACTOR = _RNG.normal(size=(4, 3, 2))
_DIAG = _RNG.uniform(0.5, 2, size=(4, 3))


def _t(value: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(np.asarray(value, np.float64), **options)


def _normals() -> dict[str, tuple[D.Distribution, np.ndarray]]:
    low_rank = _FACTOR @ _FACTOR.swapaxes(-1, -2) + _DIAG[..., None] * np.eye(3)
    return {
        "covariance": (D.MultivariateNormal(_t(_LOC), _t(_COVARIANCE)), _COVARIANCE),
        "precision": (
            D.MultivariateNormal(
                _t(_LOC), precision_matrix=_t(np.linalg.inv(_COVARIANCE))
            ),
            _COVARIANCE,
        ),
        "factor": (
            D.MultivariateNormal(
                _t(_LOC), scale_tril=_t(np.linalg.cholesky(_COVARIANCE))
            ),
            _COVARIANCE,
        ),
        "low rank": (
            D.LowRankMultivariateNormal(_t(_LOC), _t(_FACTOR), _t(_DIAG)),
            low_rank,
        ),
    }


@pytest.mark.parametrize("name", ["covariance", "precision", "factor", "low rank"])
def test_normal_vectors_follow_the_formula(name: str) -> None:
    made, covariance = _normals()[name]
    d: Any = made
    x = _RNG.normal(size=(5, 4, 3))
    apart = x - _LOC
    log_det = np.linalg.slogdet(2 * math.pi * covariance)[1]
    square = np.einsum("sbi,bij,sbj->sb", apart, np.linalg.inv(covariance), apart)
    expected = -0.5 * (log_det + square)
    np.testing.assert_allclose(d.log_prob(_t(x)).numpy(), expected, 1e-9)
    np.testing.assert_allclose(d.entropy().numpy(), 0.5 * (3 + log_det), 1e-9)
    np.testing.assert_allclose(d.covariance_matrix.numpy(), covariance, 1e-9)
    inverse = np.linalg.inv(covariance)
    np.testing.assert_allclose(d.precision_matrix.numpy(), inverse, 1e-8)
    tril = np.linalg.cholesky(covariance)
    np.testing.assert_allclose(d.scale_tril.numpy(), tril, 1e-9, 1e-12)
    diagonal = np.diagonal(covariance, axis1=-2, axis2=-1)
    np.testing.assert_allclose(d.variance.numpy(), diagonal, 1e-9)
    wide = d.expand((2, 4))
    assert wide.log_prob(_t(x)[:, None]).shape == (5, 2, 4)
    assert wide.covariance_matrix.shape == (2, 4, 3, 3)
    assert wide.entropy().shape == (2, 4)


@pytest.mark.parametrize("name", ["covariance", "low rank"])
def test_draws_of_normal_vectors(name: str) -> None:
    made, covariance = _normals()[name]
    lampas.manual_seed(1)
    drawn = made.expand((2, 4)).sample((20000,)).numpy()
    assert drawn.shape == (20000, 2, 4, 3)
    apart = drawn - _LOC
    found = np.einsum("skbi,skbj->bij", apart, apart) / 40000
    np.testing.assert_allclose(found, covariance, rtol=0.1, atol=0.15)


def test_gradients_reach_the_parameters_of_normal_vectors() -> None:
    loc, covariance = (_t(v, requires_grad=True) for v in (_LOC, _COVARIANCE))
    D.MultivariateNormal(loc, covariance).rsample((3,)).sum().backward()
    assert loc.grad is not None and covariance.grad is not None
    np.testing.assert_allclose(loc.grad.numpy(), 3)
    assert covariance.grad.abs().sum().item() > 0


def test_divergences_of_normal_vectors_do_not_depend_on_the_form() -> None:
    p = _normals()["covariance"][0]
    dense = D.MultivariateNormal(_t(_LOC + 1), _t(_normals()["low rank"][1]))
    low = D.LowRankMultivariateNormal(_t(_LOC + 1), _t(_FACTOR), _t(_DIAG))
    expected = D.kl_divergence(p, dense)
    np.testing.assert_allclose(D.kl_divergence(p, low).numpy(), expected.numpy(), 1e-9)
    turned = D.kl_divergence(dense, p).numpy()
    np.testing.assert_allclose(D.kl_divergence(low, p).numpy(), turned, 1e-9)
    other = D.LowRankMultivariateNormal(_t(_LOC), _t(2 * _FACTOR), _t(_DIAG + 1))
    flat = D.MultivariateNormal(_t(_LOC), other.covariance_matrix)
    expected = D.kl_divergence(dense, flat)
    found = D.kl_divergence(low, other)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), 1e-9)
    lampas.manual_seed(2)
    drawn = p.sample((40000,))
    sampled = (p.log_prob(drawn) - dense.log_prob(drawn)).mean(0)
    np.testing.assert_allclose(D.kl_divergence(p, dense).numpy(), sampled, rtol=0.1)
    with pytest.raises(ValueError, match="event shape"):
        D.kl_divergence(p, D.MultivariateNormal(_t(np.zeros(2)), _t(np.eye(2))))


def test_wishart_of_one_dimension_is_gamma() -> None:
    df, v = _t([1.5, 4.0]), _t([[[2.0]], [[0.5]]])
    d = D.Wishart(df, covariance_matrix=v)
    gamma = D.Gamma(df / 2, 0.5 / v[:, 0, 0])
    x = _t([0.7, 3.0])
    at = x.reshape(2, 1, 1)
    np.testing.assert_allclose(d.log_prob(at).numpy(), gamma.log_prob(x).numpy(), 1e-10)
    np.testing.assert_allclose(d.entropy().numpy(), gamma.entropy().numpy(), 1e-10)
    np.testing.assert_allclose(d.variance[:, 0, 0].numpy(), gamma.variance.numpy())
    generic = D.ExponentialFamily.entropy(d).detach()
    np.testing.assert_allclose(generic.numpy(), gamma.entropy().numpy(), 1e-9)


def test_wishart() -> None:
    inverse = np.linalg.inv(_COVARIANCE)
    tril = np.linalg.cholesky(_COVARIANCE)
    x = _t(_COVARIANCE * 3)
    logs = [
        D.Wishart(_t(5.5), covariance_matrix=_t(_COVARIANCE)).log_prob(x),
        D.Wishart(_t(5.5), precision_matrix=_t(inverse)).log_prob(x),
        D.Wishart(_t(5.5), scale_tril=_t(tril)).log_prob(x),
    ]
    for found in logs[1:]:
        np.testing.assert_allclose(found.numpy(), logs[0].numpy(), 1e-8)
    d = D.Wishart(5.5, _t(_COVARIANCE)).expand((2, 4))
    lampas.manual_seed(3)
    drawn = d.sample((10000,))
    assert drawn.shape == (10000, 2, 4, 3, 3)
    assert (drawn == drawn.mT).all().item()
    spread = d.stddev.numpy()
    error = (drawn.mean(0) - d.mean).numpy() / spread * 100
    assert abs(error).max() < 5
    np.testing.assert_allclose(drawn.std(0).numpy(), spread, rtol=0.15)
    assert d.mode.shape == (2, 4, 3, 3) and not d.mode.isnan().any().item()
    scale = _t(np.eye(2), requires_grad=True)
    D.Wishart(_t(3.0), scale).rsample().sum().backward()
    assert scale.grad is not None
    with pytest.raises(ValueError, match="greater than ndim - 1 = 2"):
        D.Wishart(_t(2.0), _t(_COVARIANCE))
    with pytest.warns(UserWarning, match="Low df"):
        assert D.Wishart(_t(2.5), _t(_COVARIANCE)).mode.isnan().all().item()


def test_correlations_of_lkj() -> None:
    d = D.LKJCholesky(3, _t([1.0, 4.0]))
    lampas.manual_seed(4)
    drawn = d.sample((20000,))
    assert drawn.shape == (20000, 2, 3, 3)
    assert d.support.check(drawn).all().item()
    correlations = (drawn @ drawn.mT).numpy()
    # Each correlation is 2 Beta(b, b) - 1, with b = c + (n - 2) / 2.
    for k, c in enumerate([1.0, 4.0]):
        expected = 1 / (2 * (c + 0.5) + 1)
        for i, j in [(0, 1), (0, 2), (1, 2)]:
            found = (correlations[:, k, i, j] ** 2).mean()
            assert found == pytest.approx(expected, rel=0.05)


def test_density_of_lkj_integrates_to_one() -> None:
    # Of two variables, L = [[1, 0], [r, sqrt(1 - r^2)]]: an integral over r.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    d = D.LKJCholesky(2, _t(2.5))
    low = np.zeros((200, 2, 2))
    low[:, 0, 0], low[:, 1, 0], low[:, 1, 1] = 1, nodes, np.sqrt(1 - nodes**2)
    density = d.log_prob(_t(low)).exp().numpy()
    assert (density * weights).sum() == pytest.approx(1, rel=1e-6)
    assert d.expand((3,)).log_prob(_t(low)[:, None]).shape == (200, 3)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        D.LKJCholesky(1)


def test_bad_matrices_are_refused() -> None:
    two, eye = _t(np.zeros(2)), _t(np.eye(2))
    with pytest.raises(ValueError, match="Exactly one"):
        D.MultivariateNormal(two)
    with pytest.raises(ValueError, match="Exactly one"):
        D.MultivariateNormal(two, eye, scale_tril=eye)
    with pytest.raises(ValueError, match="at least two-dimensional"):
        D.MultivariateNormal(two, two)
    with pytest.raises(ValueError, match="at least one-dimensional"):
        D.MultivariateNormal(_t(0.0), eye)
    with pytest.raises(ValueError, match="PositiveDefinite"):
        D.MultivariateNormal(two, -eye)
    with pytest.raises(ValueError, match="at least one-dimensional"):
        D.LowRankMultivariateNormal(_t(0.0), eye, two)
    with pytest.raises(ValueError, match="cov_factor"):
        D.LowRankMultivariateNormal(two, _t(np.ones((3, 1))), two + 1)
    with pytest.raises(ValueError, match="cov_diag"):
        D.LowRankMultivariateNormal(two, eye, _t(np.ones(3)))
    with pytest.raises(ValueError, match="Incompatible batch"):
        D.LowRankMultivariateNormal(
            two.expand(3, 2), eye.expand(4, 2, 2), _t(np.ones(2))
        )
