"""Mixtures, the continuous Bernoulli distribution, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(300)


def _t(value: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(np.asarray(value, np.float64), **options)


_LOGITS = [-60.0, -3.0, -0.7, -1e-3, -1e-9, 0.0, 1e-6, 0.2, 0.6, 5.0, 50.0]


def test_continuous_bernoulli_is_its_density() -> None:
    d = D.ContinuousBernoulli(logits=_t(_LOGITS))
    x, weights = (_NODES + 1) / 2, _WEIGHTS / 2
    density = d.log_prob(_t(x)[:, None]).exp().numpy()
    mass = weights @ density
    np.testing.assert_allclose(mass, 1, 1e-11)
    mean = (weights * x) @ density
    np.testing.assert_allclose(d.mean.numpy(), mean, 1e-10)
    apart = (x[:, None] - mean) ** 2 * density
    np.testing.assert_allclose(d.variance.numpy(), weights @ apart, 1e-9)
    entropy = -weights @ (density * np.log(density))
    np.testing.assert_allclose(d.entropy().numpy(), entropy, 1e-8, 1e-11)
    generic = D.ExponentialFamily.entropy(d).detach().numpy()
    np.testing.assert_allclose(generic, entropy, 1e-8, 1e-11)


def test_continuous_bernoulli_shares() -> None:
    d = D.ContinuousBernoulli(logits=_t(_LOGITS))
    share = _t(np.linspace(0.01, 0.99, 50))[:, None]
    np.testing.assert_allclose(
        d.cdf(d.icdf(share)), share.expand(50, len(_LOGITS)), 1e-8
    )
    assert d.cdf(_t(0.0)).tolist() == [0] * len(_LOGITS)
    assert d.cdf(_t(1.0)).tolist() == [1] * len(_LOGITS)
    by_probs = D.ContinuousBernoulli(_t([0.2, 0.5, 0.9])).expand((2, 3))
    assert by_probs.mean.shape == (2, 3)
    # The constant is 2 atanh(1 - 2 p) / (1 - 2 p).
    constant = 2 * math.atanh(0.6) / 0.6
    expected = math.log(constant) + 0.3 * math.log(0.2) + 0.7 * math.log(0.8)
    assert by_probs.log_prob(_t(0.3))[0, 0].item() == pytest.approx(expected, rel=1e-12)


def test_gradients_of_continuous_bernoulli_draws_keep_the_share() -> None:
    logits = _t(_LOGITS, requires_grad=True)
    share, h = _t(0.3), 1e-5
    D.ContinuousBernoulli(logits=logits).icdf(share).sum().backward()
    assert logits.grad is not None
    ends = [
        D.ContinuousBernoulli(logits=logits.detach() + s).icdf(share) for s in (-h, h)
    ]
    expected = ((ends[1] - ends[0]) / (2 * h)).numpy()
    np.testing.assert_allclose(logits.grad.numpy(), expected, 1e-4)
    drawn = D.ContinuousBernoulli(logits=logits).rsample((3,))
    assert drawn.requires_grad and drawn.shape == (3, len(_LOGITS))


# log_prob and circular variance, by SciPy.
_VON_MISES = (-0.7525196143633137, 0.1364773889754496)


def test_von_mises() -> None:
    k = _t([1e-6, 0.5, 4.0, 200.0])
    d = D.VonMises(_t(1.0), k)
    angle, weights = math.pi * _NODES + 1, math.pi * _WEIGHTS
    density = d.log_prob(_t(angle)[:, None]).exp().numpy()
    np.testing.assert_allclose(weights @ density, 1, 1e-9)
    length = (weights * np.cos(angle - 1)) @ density
    np.testing.assert_allclose(d.variance.numpy(), 1 - length, 1e-7)
    one = D.VonMises(_t(1.0), _t(4.0))
    assert one.log_prob(_t(0.5)).item() == pytest.approx(_VON_MISES[0], rel=1e-12)
    assert one.expand((2,)).variance[0].item() == pytest.approx(
        _VON_MISES[1], rel=1e-12
    )
    lampas.manual_seed(1)
    drawn = d.sample((20000,))
    assert drawn.abs().max().item() <= math.pi + 1e-12
    found = 1 - (drawn - 1).cos().mean(0).numpy()
    np.testing.assert_allclose(found, d.variance.numpy(), rtol=0.03)
    assert abs((drawn - 1).sin().mean(0).numpy()).max() < 0.025
    assert D.VonMises(0.0, 1.0).sample((2,)).dtype == lampas.float32


def _mixture() -> D.MixtureSameFamily:
    weights = _t([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    parts = D.Normal(_t([-1.0, 2.0]).expand(3, 2), _t([0.5, 1.5]).expand(3, 2))
    return D.MixtureSameFamily(D.Categorical(weights), parts)


def test_mixture_is_the_weighted_sum() -> None:
    d, x = _mixture(), _t([[0.3], [1.0]])
    p = d.mixture_distribution.probs
    parts = d.component_distribution
    density = (parts.log_prob(x.unsqueeze(-1)).exp() * p).sum(-1)
    np.testing.assert_allclose(d.log_prob(x).numpy(), density.log().numpy(), 1e-12)
    share = (parts.cdf(x.unsqueeze(-1)) * p).sum(-1)
    np.testing.assert_allclose(d.cdf(x).numpy(), share.numpy(), 1e-12)
    mean = (p * _t([-1.0, 2.0])).sum(-1)
    second = (p * (_t([0.25, 2.25]) + _t([1.0, 4.0]))).sum(-1)
    np.testing.assert_allclose(d.mean.numpy(), mean.numpy(), 1e-12)
    np.testing.assert_allclose(d.variance.numpy(), (second - mean**2).numpy(), 1e-12)
    lampas.manual_seed(2)
    drawn = d.expand((2, 3)).sample((20000,))
    assert drawn.shape == (20000, 2, 3)
    error = (drawn.mean((0, 1)) - mean) / d.stddev * 200
    assert error.abs().max().item() < 5


def test_mixture_of_vectors() -> None:
    loc = _t([[0.0, 0.0, 0.0], [5.0, 6.0, 7.0]])
    parts = D.Independent(D.Normal(loc, 1.0), 1)
    d = D.MixtureSameFamily(D.Categorical(_t([0.5, 0.5])), parts)
    assert d.batch_shape == () and d.event_shape == (3,)
    np.testing.assert_allclose(d.mean.numpy(), [2.5, 3.0, 3.5])
    np.testing.assert_allclose(d.variance.numpy(), [7.25, 10.0, 13.25])
    drawn = d.sample((7,))
    assert drawn.shape == (7, 3) and d.log_prob(drawn).shape == (7,)
    # The entries of a draw come from one component.
    assert ((drawn > 2.5).sum(-1) % 3 == 0).all().item()
    assert d.expand((2,)).sample((7,)).shape == (7, 2, 3)
    assert d.support.event_dim == 1


def test_mixtures_that_do_not_fit_are_refused() -> None:
    choice, part = D.Categorical(_t([0.5, 0.5])), D.Normal(_t([0.0, 1.0]), 1.0)
    with pytest.raises(ValueError, match="must be a Categorical"):
        D.MixtureSameFamily(part, part)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be a Distribution"):
        D.MixtureSameFamily(choice, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="number of components"):
        D.MixtureSameFamily(choice, D.Normal(_t([0.0]), 1.0))
    with pytest.raises(ValueError, match="without its last dimension"):
        D.MixtureSameFamily(
            D.Categorical(_t(np.ones((3, 2)))), D.Normal(_t(np.ones((2, 2))), 1.0)
        )
    with pytest.raises(ValueError, match="support"):
        _mixture().log_prob(_t(math.nan))
