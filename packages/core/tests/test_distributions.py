"""Distributions against closed formulas, integrals and their own draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D
from lampas.errors import LampasError

_RNG = np.random.default_rng(4)
_LOC = _RNG.normal(size=1000) * 3
_SCALE = _RNG.uniform(0.1, 5, size=1000)
_U = _RNG.uniform(0.01, 0.99, size=1000)
_erf = np.vectorize(math.erf)


def _t(array: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(np.asarray(array, np.float64), **options)


_CONTINUOUS: dict[str, Callable[[], D.Distribution]] = {
    "normal": lambda: D.Normal(_t(_LOC), _t(_SCALE)),
    "uniform": lambda: D.Uniform(_t(_LOC), _t(_LOC + _SCALE)),
    "exponential": lambda: D.Exponential(_t(_SCALE)),
    "laplace": lambda: D.Laplace(_t(_LOC), _t(_SCALE)),
}


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - _LOC) / _SCALE


# density and distribution function
_FORMULAS = {
    "normal": (
        lambda x: np.exp(-0.5 * _standard(x) ** 2) / (_SCALE * math.sqrt(2 * math.pi)),
        lambda x: 0.5 * (1 + _erf(_standard(x) / math.sqrt(2))),
    ),
    "uniform": (lambda x: 1 / _SCALE, lambda x: _standard(x)),
    "exponential": (
        lambda x: _SCALE * np.exp(-_SCALE * x),
        lambda x: 1 - np.exp(-_SCALE * x),
    ),
    "laplace": (
        lambda x: np.exp(-abs(_standard(x))) / (2 * _SCALE),
        lambda x: np.where(
            x < _LOC,
            0.5 * np.exp(-abs(_standard(x))),
            1 - 0.5 * np.exp(-abs(_standard(x))),
        ),
    ),
}


@pytest.mark.parametrize("name", _CONTINUOUS)
def test_densities_and_shares_follow_their_formulas(name: str) -> None:
    d = _CONTINUOUS[name]()
    x = d.icdf(_t(_U))
    density, share = _FORMULAS[name]
    np.testing.assert_allclose(d.log_prob(x).exp().numpy(), density(x.numpy()), 1e-9)
    np.testing.assert_allclose(d.cdf(x).numpy(), share(x.numpy()), 1e-9)
    np.testing.assert_allclose(d.cdf(x).numpy(), _U, 1e-9)


@pytest.mark.parametrize("name", _CONTINUOUS)
def test_entropy_and_moments_are_integrals(name: str) -> None:
    d = _CONTINUOUS[name]()
    # Integrals over x become ones over shares: E f(x) = int f(icdf(u)) du,
    # with u = v^4 (35 - 84 v + 70 v^2 - 20 v^3), which tames both ends.
    v = (np.arange(20000) + 0.5) / 20000
    u = v**4 * (35 - 84 * v + 70 * v**2 - 20 * v**3)
    inner = (u > 0) & (u < 1)
    u, v = u[inner], v[inner]
    weight = _t(140 * v**3 * (1 - v) ** 3 / 20000).unsqueeze(-1)
    few = type(d)(*(value[:5] for value in d._given().values()))
    x = few.icdf(_t(u).unsqueeze(-1).expand(-1, 5))
    mean = (x * weight).sum(0)
    np.testing.assert_allclose(few.mean.numpy(), mean.numpy(), 1e-6, 1e-7)
    spread = ((x - few.mean) ** 2 * weight).sum(0)
    np.testing.assert_allclose(few.variance.numpy(), spread.numpy(), 1e-5)
    np.testing.assert_allclose(few.stddev.numpy() ** 2, few.variance.numpy(), 1e-12)
    entropy = -(few.log_prob(x) * weight).sum(0)
    np.testing.assert_allclose(few.entropy().numpy(), entropy.numpy(), 1e-5, 1e-7)


@pytest.mark.parametrize("name", _CONTINUOUS)
def test_draws_pass_kolmogorov_smirnov_and_repeat(name: str) -> None:
    d = _CONTINUOUS[name]()
    lampas.manual_seed(11)
    drawn = d.sample((20,))
    lampas.manual_seed(11)
    assert (d.sample((20,)) == drawn).all().item()
    assert not drawn.requires_grad
    shares = np.sort(d.cdf(drawn).numpy().ravel())
    n = shares.size
    steps = np.arange(n)
    distance = max((shares - steps / n).max(), ((steps + 1) / n - shares).max())
    assert distance < 1.95 / math.sqrt(n)  # exceeded once in a thousand seeds


def test_gradients_reach_the_parameters_through_draws() -> None:
    for kind in (D.Normal, D.Laplace):
        loc, scale = _t(_LOC, requires_grad=True), _t(_SCALE, requires_grad=True)
        drawn = kind(loc, scale).rsample()
        drawn.sum().backward()
        assert loc.grad is not None and scale.grad is not None
        np.testing.assert_allclose(loc.grad.numpy(), 1)
        standard = _standard(drawn.detach().numpy())
        np.testing.assert_allclose(scale.grad.numpy(), standard, 1e-7, 1e-9)
    rate = _t(_SCALE, requires_grad=True)
    drawn = D.Exponential(rate).rsample()
    drawn.sum().backward()
    assert rate.grad is not None
    np.testing.assert_allclose(rate.grad.numpy(), -drawn.detach().numpy() / _SCALE)


def test_bernoulli() -> None:
    for d in (D.Bernoulli(_t(_U)), D.Bernoulli(logits=_t(np.log(_U / (1 - _U))))):
        logs = d.log_prob(d.enumerate_support()).numpy()
        np.testing.assert_allclose(logs, np.log([1 - _U, _U]), 1e-9)
        np.testing.assert_allclose(d.mean.numpy(), _U, 1e-9)
        np.testing.assert_allclose(d.variance.numpy(), _U * (1 - _U), 1e-9)
        entropy = -(np.exp(logs) * logs).sum(0)
        np.testing.assert_allclose(d.entropy().numpy(), entropy, 1e-9)
    lampas.manual_seed(3)
    drawn = D.Bernoulli(_t([0.1, 0.5, 0.8])).sample((20000,))
    np.testing.assert_allclose(drawn.mean(0).numpy(), [0.1, 0.5, 0.8], atol=0.015)
    assert D.Bernoulli(_t([0.2, 0.9])).mode.tolist() == [0, 1]
    assert math.isnan(D.Bernoulli(0.5).mode.item())


def test_categorical() -> None:
    weights = _RNG.uniform(0.1, 2, size=(1000, 4))
    chances = weights / weights.sum(-1, keepdims=True)
    for d in (D.Categorical(_t(weights)), D.Categorical(logits=_t(np.log(weights)))):
        logs = d.log_prob(d.enumerate_support(expand=False)).numpy()
        np.testing.assert_allclose(logs, np.log(chances.T), 1e-9, 1e-12)
        entropy = -(chances * np.log(chances)).sum(-1)
        np.testing.assert_allclose(d.entropy().numpy(), entropy, 1e-9)
        assert d.mode.tolist() == chances.argmax(-1).tolist()
        assert d.mean.isnan().all().item()
    lampas.manual_seed(3)
    d = D.Categorical(_t([[0.1, 0.6, 0.3], [0.5, 0.5, 0.0]]))
    drawn = d.sample((20000,))
    assert drawn.shape == (20000, 2)
    for i, expected in enumerate([[0.1, 0.6, 0.3], [0.5, 0.5, 0]]):
        counts = np.bincount(drawn[:, i].numpy(), minlength=3) / 20000
        np.testing.assert_allclose(counts, expected, atol=0.015)
    assert d.sample((2, 3)).shape == (2, 3, 2)
    assert d.sample().shape == (2,)


def test_cauchy() -> None:
    d = D.Cauchy(_t(_LOC), _t(_SCALE))
    x = d.icdf(_t(_U))
    standard = _standard(x.numpy())
    density = 1 / (math.pi * _SCALE * (1 + standard**2))
    np.testing.assert_allclose(d.log_prob(x).exp().numpy(), density, 1e-9)
    np.testing.assert_allclose(d.cdf(x).numpy(), _U, 1e-9)
    expected = np.log(4 * math.pi * _SCALE)
    np.testing.assert_allclose(d.entropy().numpy(), expected, 1e-9)
    assert d.mean.isnan().all().item() and d.variance.isinf().all().item()
    lampas.manual_seed(5)
    shares = np.sort(d.cdf(d.sample((20,))).numpy().ravel())
    n = shares.size
    assert abs(shares - (np.arange(n) + 0.5) / n).max() < 1.95 / math.sqrt(n)
    p, q = D.Cauchy(_t(0.3), _t(1.2)), D.Cauchy(_t(-1.0), _t(2.0))
    found = D.kl_divergence(p, q).item()
    assert math.isclose(found, _mean_log_ratio(p, q), rel_tol=1e-3)


def test_one_hot_categorical() -> None:
    p, q = _t([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), _t([0.4, 0.4, 0.2])
    d, plain = D.OneHotCategorical(p), D.Categorical(p)
    assert (d.batch_shape, d.event_shape) == ((2,), (3,))
    x = d.sample((4,))
    assert x.shape == (4, 2, 3) and d.support.check(x).all().item()
    assert (d.log_prob(x) == plain.log_prob(x.argmax(-1))).all().item()
    assert (d.entropy() == plain.entropy()).all().item()
    assert d.mode.tolist() == [[0, 1, 0], [1, 0, 0]]
    everything = d.enumerate_support()
    assert everything.shape == (3, 2, 3)
    np.testing.assert_allclose(d.log_prob(everything).exp().numpy(), p.T.numpy())
    assert d.expand((5, 2)).sample().shape == (5, 2, 3)
    found = D.kl_divergence(d, D.OneHotCategorical(q))
    assert (found == D.kl_divergence(plain, D.Categorical(q))).all().item()
    with pytest.raises(ValueError, match="OneHot"):
        d.log_prob(_t([1.0, 1.0, 0.0]))


def test_straight_through_gradients() -> None:
    logits = _t([0.0, 1.0], requires_grad=True)
    d = D.OneHotCategoricalStraightThrough(logits=logits)
    drawn = d.rsample()
    assert sorted(drawn.tolist()) == [0, 1]
    drawn[0].backward()
    p = 1 / (1 + math.e)
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad.numpy(), [p * (1 - p), -p * (1 - p)])


@pytest.mark.parametrize("kind", [D.Bernoulli, D.Categorical])
def test_entropy_has_a_gradient_after_drawing(kind: Any) -> None:
    logits = _t([0.5, -1.0], requires_grad=True)
    d = kind(logits=logits)
    d.sample()
    assert d.probs.requires_grad and d.entropy().requires_grad


def test_policy_gradient_of_a_categorical() -> None:
    logits = _t([0.0, 0.0], requires_grad=True)
    D.Categorical(logits=logits).log_prob(lampas.tensor(1)).backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [-0.5, 0.5]


def test_independent_sums_over_what_it_takes_in() -> None:
    base = D.Normal(_t(_LOC[:6].reshape(2, 3)), _t(_SCALE[:6].reshape(2, 3)))
    d = D.Independent(base, 1)
    assert (d.batch_shape, d.event_shape) == ((2,), (3,))
    x = d.sample((5,))
    assert x.shape == (5, 2, 3)
    expected = base.log_prob(x).sum(-1)
    assert (d.log_prob(x) == expected).all().item()
    assert (d.entropy() == base.entropy().sum(-1)).all().item()
    assert d.expand((4, 2)).sample().shape == (4, 2, 3)
    assert d.has_rsample and not d.has_enumerate_support
    assert d.support.check(x).shape == (5, 2)
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims"):
        D.Independent(base, 3)


def test_expanded_distributions_keep_their_events() -> None:
    d = D.Categorical(_t([0.2, 0.8])).expand((3, 2))
    assert d.batch_shape == (3, 2)
    assert d.sample((4,)).shape == (4, 3, 2)
    n = D.Normal(_t([0.0, 1.0]), 1.0).expand((5, 2))
    assert n.log_prob(_t([0.0, 1.0])).shape == (5, 2)
    assert D.Uniform(0.0, 1.0).expand((2,)).sample_n(3).shape == (3, 2)


def _mean_log_ratio(p: D.Distribution, q: D.Distribution) -> float:
    u = (np.arange(200000) + 0.5) / 200000
    x = p.icdf(_t(u))
    return (p.log_prob(x) - q.log_prob(x)).mean().item()


@pytest.mark.parametrize(
    "pair",
    [
        (D.Normal(_t(0.3), _t(1.2)), D.Normal(_t(-1.0), _t(2.0))),
        (D.Laplace(_t(0.3), _t(1.2)), D.Laplace(_t(-1.0), _t(2.0))),
        (D.Exponential(_t(0.3)), D.Exponential(_t(1.2))),
        (D.Uniform(_t(0.3), _t(1.2)), D.Uniform(_t(0.0), _t(2.0))),
    ],
)
def test_divergences_are_mean_log_ratios(
    pair: tuple[D.Distribution, D.Distribution],
) -> None:
    expected = _mean_log_ratio(*pair)
    assert math.isclose(D.kl_divergence(*pair).item(), expected, rel_tol=1e-3)


def test_divergences_of_discrete_distributions() -> None:
    p, q = _t([0.2, 0.5, 0.3]), _t([0.4, 0.4, 0.2])
    expected = (p * (p / q).log()).sum().item()
    found = D.kl_divergence(D.Categorical(p), D.Categorical(q))
    assert math.isclose(found.item(), expected, rel_tol=1e-9)
    expected = 0.2 * math.log(0.2 / 0.4) + 0.8 * math.log(0.8 / 0.6)
    found = D.kl_divergence(D.Bernoulli(_t(0.2)), D.Bernoulli(_t(0.4)))
    assert math.isclose(found.item(), expected, rel_tol=1e-9)
    zero, certain = D.Bernoulli(_t(0.0)), D.Bernoulli(_t(1.0))
    assert D.kl_divergence(certain, zero).item() == math.inf
    assert D.kl_divergence(zero, zero).item() == 0
    outside = D.kl_divergence(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0))
    assert outside.item() == math.inf


def test_divergence_of_independents_and_registered_pairs() -> None:
    p, q = D.Normal(_t([0.0, 1.0]), 1.0), D.Normal(_t([1.0, 1.0]), 1.0)
    assert D.kl_divergence(D.Independent(p, 1), D.Independent(q, 1)).item() == 0.5

    class Bell(D.Normal):
        pass

    bell = Bell(0.0, 1.0)
    assert D.kl_divergence(bell, D.Normal(1.0, 1.0)).item() == 0.5
    D.register_kl(Bell, D.Normal)(lambda p, q: lampas.tensor(7.0))
    assert D.kl_divergence(bell, D.Normal(1.0, 1.0)).item() == 7
    with pytest.raises(NotImplementedError, match="Normal and q type Bernoulli"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5))
    with pytest.raises(TypeError, match="Distribution types"):
        D.register_kl(int, D.Normal)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: D.Normal(0.0, -1.0), r"GreaterThan\(lower_bound=0.0\).*\n-1"),
        (lambda: D.Bernoulli(1.5), r"Interval\(lower_bound=0.0, upper_bound=1.0\)"),
        (lambda: D.Bernoulli(0.5, 0.5), "but not both"),
        (lambda: D.Categorical(), "but not both"),
        (lambda: D.Categorical(lampas.tensor(1.0)), "at least one-dimensional"),
        (lambda: D.Uniform(1.0, 1.0), "low must be below high"),
        (lambda: D.Normal(0.0, 1.0).log_prob(1.0), "must be a Tensor"),  # type: ignore[arg-type]
        (lambda: D.Normal(0.0, 1.0).log_prob(_t(math.nan)), r"support \(Real\(\)\)"),
        (lambda: D.Bernoulli(0.5).log_prob(_t(2.0)), r"Boolean\(\)"),
        (lambda: D.Uniform(0.0, 1.0).log_prob(_t(2.0)), "support"),
        (lambda: D.Normal(_t([0.0] * 3), 1.0).log_prob(_t([0.0] * 2)), "broadcastable"),
    ],
)
def test_what_is_no_parameter_or_sample_is_refused(
    make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        make()
    assert isinstance(caught.value, LampasError)


def test_validation_can_be_left_out() -> None:
    assert (
        D.Uniform(0.0, 1.0, validate_args=False).log_prob(_t(2.0)).item() == -math.inf
    )
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="bool"):
        D.Distribution.set_default_validate_args(3)  # type: ignore[arg-type]


def test_what_has_no_formula_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Bernoulli has no cdf"):
        D.Bernoulli(0.5).cdf(_t(1.0))
    with pytest.raises(NotImplementedError, match="Normal has no enumerate_support"):
        D.Normal(0.0, 1.0).enumerate_support()


def test_distributions_print_as_pytorch_prints_them() -> None:
    assert repr(D.Normal(lampas.zeros(3), 1.0)) == (
        "Normal(loc: lampas.Size([3]), scale: lampas.Size([3]))"
    )
    assert repr(D.Bernoulli(0.5)) == "Bernoulli(probs: 0.5)"
    assert repr(D.Independent(D.Bernoulli(0.5), 0)) == (
        "Independent(Bernoulli(probs: 0.5), 0)"
    )


def test_constraints() -> None:
    x = _t([-1.0, 0.0, 0.5, 1.0, 2.0])
    c = D.constraints
    for constraint, expected in [
        (c.positive, [0, 0, 1, 1, 1]),
        (c.nonnegative, [0, 1, 1, 1, 1]),
        (c.less_than(1.0), [1, 1, 1, 0, 0]),
        (c.unit_interval, [0, 1, 1, 1, 0]),
        (c.half_open_interval(0.0, 1.0), [0, 1, 1, 0, 0]),
        (c.integer_interval(0, 1), [0, 1, 0, 1, 0]),
        (c.nonnegative_integer, [0, 1, 0, 1, 1]),
        (c.positive_integer, [0, 0, 0, 1, 1]),
        (c.boolean, [0, 1, 0, 1, 0]),
    ]:
        assert constraint.check(x).tolist() == expected
    assert c.simplex.check(_t([[0.5, 0.5], [0.5, 0.6]])).tolist() == [True, False]
    assert c.real_vector.check(_t([[1.0, 2.0], [math.nan, 1.0]])).tolist() == [1, 0]
    assert c.is_dependent(D.Uniform.support) and not c.is_dependent(c.real)


def test_they_run_on_other_devices() -> None:
    for d in (
        D.Normal(lampas.zeros(3, device="sim"), 1.0),
        D.Laplace(lampas.zeros(3, device="sim"), 1.0),
        D.Bernoulli(lampas.full((3,), 0.5, device="sim")),
        D.Categorical(lampas.ones(2, 3, device="sim")),
    ):
        drawn = d.sample((4,))
        assert drawn.device.type == "sim"
        assert d.log_prob(drawn).device.type == "sim"
