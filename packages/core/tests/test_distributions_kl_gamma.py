"""Divergences of the gamma and beta families and of counts, against draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D
from lampas.distributions.kl import _FORMULAS


def _t(value: Any) -> lampas.Tensor:
    return lampas.tensor(value, dtype=lampas.float64)


_PAIRS = {
    "gamma": (D.Gamma(_t(2.0), _t(1.5)), D.Gamma(_t(3.0), _t(2.0))),
    "chi2": (D.Chi2(_t(3.0)), D.Chi2(_t(5.0))),
    "beta": (D.Beta(_t(2.0), _t(3.0)), D.Beta(_t(1.5), _t(1.0))),
    "dirichlet": (D.Dirichlet(_t([1.0, 2.0, 3.0])), D.Dirichlet(_t([2.0, 2.0, 1.0]))),
    "binomial": (D.Binomial(7, _t(0.3)), D.Binomial(7, _t(0.5))),
    "continuous": (
        D.ContinuousBernoulli(_t(0.2)),
        D.ContinuousBernoulli(logits=_t(0.3)),
    ),
    "geometric": (D.Geometric(_t(0.4)), D.Geometric(_t(0.2))),
    "poisson": (D.Poisson(_t(3.0)), D.Poisson(_t(4.0))),
    "inverse": (D.InverseGamma(_t(2.0), _t(1.5)), D.InverseGamma(_t(3.0), _t(2.0))),
}


@pytest.mark.parametrize("name", _PAIRS)
def test_divergences_are_means_over_draws(name: str) -> None:
    p, q = _PAIRS[name]
    lampas.manual_seed(9)
    drawn = p.sample((20000,))
    apart = p.log_prob(drawn) - q.log_prob(drawn)
    error = 5 * apart.std().item() / math.sqrt(20000)
    assert abs(D.kl_divergence(p, q).item() - apart.mean().item()) < error
    assert abs(D.kl_divergence(p, p).item()) < 1e-12


@pytest.mark.parametrize("name", ["gamma", "beta", "dirichlet", "continuous"])
def test_normalizers_give_the_same_divergence(name: str) -> None:
    p, q = _PAIRS[name]
    family: Any = D.ExponentialFamily
    generic = _FORMULAS[family, family](p, q)
    np.testing.assert_allclose(generic.item(), D.kl_divergence(p, q).item(), 1e-9)


def test_divergences_between_chances_of_0_and_1() -> None:
    sure, fair = D.Binomial(3, _t(1.0)), D.Binomial(3, _t(0.5))
    assert D.kl_divergence(sure, fair).item() == pytest.approx(3 * math.log(2))
    assert D.kl_divergence(fair, sure).item() == math.inf
    assert D.kl_divergence(sure, sure).item() == 0
    assert D.kl_divergence(fair, D.Binomial(2, _t(0.5))).item() == math.inf
    with pytest.raises(NotImplementedError, match="larger"):
        D.kl_divergence(fair, D.Binomial(4, _t(0.5)))
    with pytest.raises(NotImplementedError, match="type Dirichlet and q type Poisson"):
        D.kl_divergence(D.Dirichlet(_t([1.0, 1.0])), _PAIRS["poisson"][0])


_BETA = D.Beta(_t(2.0), _t(3.0))
_GAMMA = D.Gamma(_t(2.5), _t(1.5))
_CONTINUOUS = D.ContinuousBernoulli(_t(0.2))
_CROSSED: list[tuple[D.Distribution, D.Distribution]] = [
    (D.Bernoulli(_t(0.3)), D.Poisson(_t(0.7))),
    (_BETA, _CONTINUOUS),
    (_BETA, D.Exponential(_t(2.0))),
    (_BETA, _GAMMA),
    (_BETA, D.Normal(_t(0.3), _t(0.5))),
    (_BETA, D.Uniform(_t(-0.5), _t(1.0))),
    (_CONTINUOUS, D.Exponential(_t(2.0))),
    (_CONTINUOUS, D.Normal(_t(0.3), _t(0.5))),
    (_CONTINUOUS, D.Uniform(_t(0.0), _t(1.5))),
    (D.Exponential(_t(2.0)), _GAMMA),
    (_GAMMA, D.Exponential(_t(0.5))),
    (_GAMMA, D.Gumbel(_t(0.3), _t(2.0))),
    (_GAMMA, D.Normal(_t(1.0), _t(2.0))),
    (D.Pareto(_t(0.5), _t(4.0)), _GAMMA),
    (D.Uniform(_t(0.0), _t(0.7)), _BETA),
    (D.Uniform(_t(0.1), _t(1.0)), _CONTINUOUS),
    (D.Uniform(_t(0.0), _t(2.0)), _GAMMA),
]


def _names(pair: tuple[Any, Any]) -> str:
    return "-".join(type(d).__name__ for d in pair)


@pytest.mark.parametrize("pair", _CROSSED, ids=_names)
def test_divergences_between_families_are_means_over_draws(
    pair: tuple[D.Distribution, D.Distribution],
) -> None:
    p, q = pair
    lampas.manual_seed(10)
    drawn = p.sample((20000,))
    apart = p.log_prob(drawn) - q.log_prob(drawn)
    error = 5 * apart.std().item() / math.sqrt(20000) + 1e-9
    assert abs(D.kl_divergence(p, q).item() - apart.mean().item()) < error


_LINE = (D.Normal(_t(0.0), _t(1.0)), D.Gumbel(_t(0.0), _t(1.0)))
_ENDLESS: list[tuple[D.Distribution, D.Distribution]] = [
    *((p, q) for p in _LINE for q in (_BETA, _CONTINUOUS, _GAMMA)),
    (D.Laplace(_t(0.0), _t(1.0)), _GAMMA),
    (D.Exponential(_t(1.0)), _BETA),
    (D.Pareto(_t(1.0), _t(2.0)), _CONTINUOUS),
    (_GAMMA, _BETA),
    (_GAMMA, D.Uniform(_t(0.0), _t(9.0))),
    (_BETA, D.Pareto(_t(0.1), _t(1.0))),
    (D.Poisson(_t(1.0)), D.Bernoulli(_t(0.5))),
    (D.Poisson(_t(1.0)), D.Binomial(5, _t(0.5))),
    (D.Uniform(_t(-0.1), _t(0.5)), _GAMMA),
    (D.Uniform(_t(0.1), _t(1.5)), _BETA),
    (D.Uniform(_t(0.1), _t(1.5)), _CONTINUOUS),
    (_BETA, D.Uniform(_t(0.1), _t(1.5))),
]


@pytest.mark.parametrize("pair", _ENDLESS, ids=_names)
def test_what_the_second_never_draws_is_endlessly_far(
    pair: tuple[D.Distribution, D.Distribution],
) -> None:
    assert D.kl_divergence(*pair).item() == math.inf


_FAMILIES: list[tuple[D.Distribution, D.Distribution]] = [
    (D.Normal(_t([0.5]), _t([2.0])), D.Normal(_t([-1.0]), _t([0.7]))),
    (D.Exponential(_t([0.5])), D.Exponential(_t([2.0]))),
    (D.Bernoulli(_t([0.2])), D.Bernoulli(_t([0.6]))),
    (D.Categorical(_t([[0.2, 0.8]])), D.Categorical(_t([[0.5, 0.5]]))),
]


@pytest.mark.parametrize("pair", _FAMILIES, ids=_names)
def test_normalizers_agree_with_the_formulas(
    pair: tuple[D.Distribution, D.Distribution],
) -> None:
    family: Any = D.ExponentialFamily
    generic = _FORMULAS[family, family](*pair).detach()
    np.testing.assert_allclose(generic.numpy(), D.kl_divergence(*pair).numpy(), 1e-9)
    entropy = family.entropy(pair[0]).detach()
    np.testing.assert_allclose(entropy.numpy(), pair[0].entropy().numpy(), 1e-9)
