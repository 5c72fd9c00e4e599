"""Families made by transforms: SciPy's values, integrals, draws, gradients, shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D
from lampas.distributions import transforms as T
from lampas.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from lampas.distributions.relaxed_categorical import ExpRelaxedCategorical
from lampas.errors import LampasError

_RNG = np.random.default_rng(8)
_LOC = _RNG.normal(size=1000) * 3
_SCALE = _RNG.uniform(0.1, 5, size=1000)
_SHAPE = _RNG.uniform(0.3, 5, size=1000)
_HEAVY = _RNG.uniform(4.5, 9, size=1000)  # four moments are finite
_TAIL = np.concatenate([[0.0, -0.0], _RNG.uniform(-0.9, 0.2, size=998)])
_U = _RNG.uniform(0.01, 0.99, size=1000)


def _t(array: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(np.asarray(array, np.float64), **options)


# One variable, with cdf and icdf: the family and its parameters.
_FAMILIES: dict[str, tuple[Any, tuple[np.ndarray, ...]]] = {
    "LogNormal": (D.LogNormal, (_LOC, _SHAPE / 5)),
    "Gumbel": (D.Gumbel, (_LOC, _SCALE)),
    "HalfCauchy": (D.HalfCauchy, (_SCALE,)),
    "HalfNormal": (D.HalfNormal, (_SCALE,)),
    "Kumaraswamy": (D.Kumaraswamy, (_SHAPE, _SCALE + 1)),
    "Pareto": (D.Pareto, (_SCALE, _HEAVY)),
    "GeneralizedPareto": (D.GeneralizedPareto, (_LOC, _SCALE, _TAIL)),
    "Weibull": (D.Weibull, (_SCALE, _SHAPE)),
}
# Other ways of drawing: no cdf.
_RELAXED: dict[str, tuple[Any, tuple[np.ndarray, ...]]] = {
    "LogisticNormal": (D.LogisticNormal, (_LOC[:12].reshape(4, 3), _SCALE[0])),
    "RelaxedBernoulli": (lambda p: D.RelaxedBernoulli(0.7, p), (_U,)),
    "LogitRelaxedBernoulli": (lambda p: LogitRelaxedBernoulli(0.7, p), (_U,)),
    "RelaxedOneHotCategorical": (
        lambda p: D.RelaxedOneHotCategorical(0.7, logits=p),
        (_LOC[:12].reshape(3, 4),),
    ),
    "ExpRelaxedCategorical": (
        lambda p: ExpRelaxedCategorical(0.7, logits=p),
        (_LOC[:12].reshape(3, 4),),
    ),
}
_ALL = _FAMILIES | _RELAXED


def _made(name: str, count: int | None = None) -> D.Distribution:
    kind, parameters = _ALL[name]
    return kind(*(_t(p if count is None else p[:count]) for p in parameters))


# log_prob, cdf, mean, variance and entropy at a point, computed by SciPy 1.17 (the
# Kumaraswamy distribution by its quadrature).
_LITERALS: list[Any] = [
    (
        D.LogNormal(_t(0.4), _t(0.7)),
        2.3,
        (-1.5864077210994534, 0.7318578599236234, 1.9059870292719228),
        (2.2970698628383364, 1.4622635892659401),
    ),
    (
        D.Gumbel(_t(0.4), _t(1.7)),
        -1.1,
        (-2.0648544005027034, 0.08922633115671516, 1.3812666303326058),
        (4.7538594531913745, 2.107843915963703),
    ),
    (
        D.HalfCauchy(_t(1.7)),
        2.3,
        (-2.02264660484194, 0.5947862845549793, math.inf),
        (math.inf, 2.3685053174715156),
    ),
    (
        D.HalfNormal(_t(1.7)),
        2.3,
        (-1.6716445172017074, 0.8239255765941647, 1.3564037533648712),
        (1.0501688578576898, 1.2564196037068978),
    ),
    (
        D.Kumaraswamy(_t(2.4), _t(3.1)),
        0.3,
        (0.20117281037531082, 0.16250818207443168, 0.5073084593448153),
        (0.03770862579653319, -0.24367988695926546),
    ),
    (
        D.Pareto(_t(1.7), _t(3.2)),
        2.3,
        (-0.6370571031228102, 0.6198915947582206, 2.4727272727272727),
        (1.5922865013774101, 0.6799774412564895),
    ),
    (
        D.GeneralizedPareto(_t(0.4), _t(1.7), _t(0.3)),
        2.3,
        (-1.7836184329304476, 0.6185740698765589, 2.8285714285714283),
        (14.744897959183675, 1.8306282510621705),
    ),
    (
        D.GeneralizedPareto(_t(0.4), _t(1.7), _t(-0.3)),
        2.3,
        (-1.4835863605173194, 0.7436902814787284, 1.7076923076923074),
        (1.0687869822485205, 1.2306282510621704),
    ),
    (
        D.Weibull(_t(1.7), _t(2.4)),
        2.3,
        (-1.2976764986463887, 0.873271744511613, 1.5070195831765738),
        (0.4473874062843757, 0.9918686515674979),
    ),
]


@pytest.mark.parametrize("d, x, first, second", _LITERALS, ids=repr)
def test_values_are_scipys(
    d: Any, x: float, first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    found = [d.log_prob(_t(x)), d.cdf(_t(x)), d.mean, d.variance, d.entropy()]
    np.testing.assert_allclose([v.item() for v in found], [*first, *second], 1e-9)
    np.testing.assert_allclose(d.stddev.item(), math.sqrt(second[0]), 1e-9)


@pytest.mark.parametrize("name", _FAMILIES)
def test_shares_and_values_are_inverses_and_the_slope_is_the_density(name: str) -> None:
    d = _made(name)
    u = _t(_U, requires_grad=True)
    x = d.icdf(u)
    np.testing.assert_allclose(d.cdf(x.detach()).numpy(), _U, 1e-8)
    (slope,) = lampas.autograd.grad(x.sum(), u)
    np.testing.assert_allclose(
        d.log_prob(x.detach()).numpy(), -slope.log().numpy(), 1e-7, 1e-7
    )
    assert d.support.check(x).all().item()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(set(_FAMILIES) - {"HalfCauchy"}))
def test_entropy_and_moments_are_integrals(name: str) -> None:
    # E f(x) = int f(icdf(u)) du; the polynomial tames both ends.
    v = (np.arange(20000) + 0.5) / 20000
    u = v**4 * (35 - 84 * v + 70 * v**2 - 20 * v**3)
    inner = (u > 1e-12) & (u < 1 - 1e-12)
    u, v = u[inner], v[inner]
    weight = _t(140 * v**3 * (1 - v) ** 3 / 20000).unsqueeze(-1)
    few = _made(name, 5)
    x = few.icdf(_t(u).unsqueeze(-1).expand(-1, 5))
    np.testing.assert_allclose(few.mean.numpy(), (x * weight).sum(0).numpy(), 1e-5)
    spread = ((x - few.mean) ** 2 * weight).sum(0)
    np.testing.assert_allclose(few.variance.numpy(), spread.numpy(), 1e-3)
    entropy = -(few.log_prob(x) * weight).sum(0)
    np.testing.assert_allclose(few.entropy().numpy(), entropy.numpy(), 1e-4, 1e-6)


@pytest.mark.parametrize("name", sorted(set(_FAMILIES) - {"Kumaraswamy", "Weibull"}))
def test_modes_are_where_the_density_is_greatest(name: str) -> None:
    d = _made(name, 20)
    top = d.log_prob(d.mode)
    for u in (0.001, 0.05, 0.3, 0.6, 0.9):
        assert (d.log_prob(d.icdf(_t(u).expand(20))) <= top).all().item()


def test_modes_at_and_off_the_edge() -> None:
    k = D.Kumaraswamy(_t([2.0, 1, 2, 0.5, 1]), _t([3.0, 2, 1, 2, 1]))
    np.testing.assert_allclose(
        k.mode.numpy(), [math.sqrt(0.2), 0, 1, math.nan, math.nan]
    )
    w = D.Weibull(2.0, _t([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(w.mode.numpy(), [0, 0, 2 * math.sqrt(0.5)])
    g = D.GeneralizedPareto(1.0, 2.0, _t([-2.0, -0.5]))
    np.testing.assert_allclose(g.mode.numpy(), [2, 1])


@pytest.mark.parametrize("name", _FAMILIES)
def test_draws_pass_kolmogorov_smirnov_and_repeat(name: str) -> None:
    d = _made(name)
    lampas.manual_seed(11)
    drawn = d.sample((20,))
    lampas.manual_seed(11)
    assert (d.sample((20,)) == drawn).all().item()
    assert not drawn.requires_grad
    shares = np.sort(d.cdf(drawn).numpy().ravel())
    n = shares.size
    distance = abs(shares - (np.arange(n) + 0.5) / n).max()
    assert distance < 1.95 / math.sqrt(n)  # exceeded once in a thousand seeds


def test_relaxed_draws_have_the_chances_of_their_discrete_kin() -> None:
    lampas.manual_seed(2)
    p = _t([0.1, 0.5, 0.8])
    drawn = D.RelaxedBernoulli(0.5, p).sample((20000,))
    np.testing.assert_allclose((drawn > 0.5).double().mean(0).numpy(), p, atol=0.015)
    d = D.RelaxedOneHotCategorical(0.5, _t([0.1, 0.6, 0.3]))
    counts = np.bincount(d.sample((20000,)).argmax(-1).numpy()) / 20000
    np.testing.assert_allclose(counts, [0.1, 0.6, 0.3], atol=0.015)
    cold = D.RelaxedBernoulli(1e-3, p).sample((100,))
    assert ((cold < 1e-6) | (cold > 1 - 1e-6)).double().mean().item() > 0.95


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_relaxed_densities_integrate_to_one(temperature: float) -> None:
    # y = v^4 (35 - ...) again, for the poles at 0 and 1.
    v = (np.arange(50000) + 0.5) / 50000
    y = v**4 * (35 - 84 * v + 70 * v**2 - 20 * v**3)
    v, y = v[(y > 1e-12) & (y < 1 - 1e-12)], y[(y > 1e-12) & (y < 1 - 1e-12)]
    weight = _t(140 * v**3 * (1 - v) ** 3 / 50000)
    binary = D.RelaxedBernoulli(temperature, _t(0.3))
    density = binary.log_prob(_t(y))
    assert math.isclose((density.exp() * weight).sum().item(), 1, rel_tol=2e-3)
    pairs = _t(np.stack([y, 1 - y], -1))
    both = D.RelaxedOneHotCategorical(temperature, _t([0.3, 0.7]))
    np.testing.assert_allclose(both.log_prob(pairs).numpy(), density.numpy(), 1e-6)


def test_the_logistic_normal_of_two_entries_is_logit_normal() -> None:
    y = _t(_U)
    d = D.LogisticNormal(_t([0.3]), _t([1.2]))
    normal = D.Normal(_t(0.3), _t(1.2)).log_prob((y / (1 - y)).log())
    expected = normal - (y * (1 - y)).log()
    found = d.log_prob(lampas.stack([y, 1 - y], -1))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), 1e-9)
    assert D.LogisticNormal(0.0, 1.0).sample().shape == (2,)


@pytest.mark.parametrize("name", _ALL)
def test_gradients_of_draws_are_differences_of_draws(name: str) -> None:
    kind, parameters = _ALL[name]
    parameters = tuple(np.array(p[:4] if np.ndim(p) else p) for p in parameters)
    if name == "GeneralizedPareto":
        parameters = (*parameters[:2], np.array([0.3, -0.4, 0.1, -0.7]))

    def drawn(values: tuple[Any, ...]) -> lampas.Tensor:
        lampas.manual_seed(5)
        d = kind(*values)
        assert d.has_rsample
        x = d.rsample((2,))
        return (x * _t(np.cos(np.arange(x.numel())).reshape(x.shape))).sum()

    leaves = tuple(_t(p, requires_grad=True) for p in parameters)
    drawn(leaves).backward()
    for i, leaf in enumerate(leaves):
        change = np.random.default_rng(i).normal(size=leaf.shape) * 1e-6
        ends = []
        for step in (change, -change):
            moved = [p + step * (i == j) for j, p in enumerate(parameters)]
            ends.append(drawn(tuple(map(_t, moved))))
        slope = (ends[0] - ends[1]).item() / 2
        assert leaf.grad is not None
        assert math.isclose(
            (leaf.grad * _t(change)).sum().item(), slope, rel_tol=1e-5, abs_tol=1e-12
        )


@pytest.mark.parametrize("name", _ALL)
def test_expanded_families_keep_their_events(name: str) -> None:
    d = _made(name)
    e = d.expand((2, *d.batch_shape))
    assert type(e) is type(d)
    assert e.batch_shape == (2, *d.batch_shape) and e.event_shape == d.event_shape
    x = e.sample((3,))
    assert x.shape == (3, 2, *d.batch_shape, *d.event_shape)
    assert x.dtype == lampas.float64
    assert e.log_prob(x).shape == (3, 2, *d.batch_shape)
    assert (e.log_prob(x) == d.log_prob(x)).all().item()
    assert e.expand((5, *e.batch_shape)).sample().shape[:2] == (5, 2)
    if name in _FAMILIES:
        assert e.mean.shape == e.entropy().shape == e.batch_shape
        assert (e.cdf(x) == d.cdf(x)).all().item()


@pytest.mark.parametrize("name", _ALL)
def test_numbers_and_singles_make_families_too(name: str) -> None:
    kind, parameters = _ALL[name]
    few = [np.float32(np.atleast_1d(p)[:2]) for p in parameters]
    single = kind(*map(lampas.tensor, few))
    x = single.sample()
    assert x.dtype == lampas.float32 and single.log_prob(x).dtype == lampas.float32
    if name in _FAMILIES:
        scalar = kind(*(abs(float(p[3])) + 0.1 for p in parameters))
        assert scalar.batch_shape == () and scalar.sample((2,)).shape == (2,)
        for value in (scalar.mean, scalar.variance, scalar.mode, scalar.entropy()):
            assert value.shape == () and value.dtype == lampas.float32


def test_relaxed_families_give_what_they_were_given() -> None:
    d = D.RelaxedBernoulli(0.5, logits=_t([0.0, 1.0]))
    assert d.temperature.item() == 0.5 and d.logits.tolist() == [0, 1]
    assert d.probs[0].item() == 0.5 and d.base_dist.param_shape == (2,)
    c = D.RelaxedOneHotCategorical(_t(2.0), _t([1.0, 3.0]))
    assert c.probs.tolist() == [0.25, 0.75] and c.temperature.item() == 2
    assert c.logits[0].item() == math.log(0.25) and c.base_dist.param_shape == (2,)


def test_shapes_of_transformed_distributions() -> None:
    base = D.Normal(lampas.zeros(2, 3), 1.0)
    stick = D.TransformedDistribution(base, T.StickBreakingTransform())
    assert (stick.batch_shape, stick.event_shape) == ((2,), (4,))
    assert stick.log_prob(stick.sample((5,))).shape == (5, 2)
    assert stick.support.check(stick.sample()).all().item()
    shift = T.AffineTransform(lampas.zeros(4, 1, 1), 1.0)
    wide = D.TransformedDistribution(base, [shift])
    assert wide.batch_shape == (4, 2, 3) == wide.sample().shape
    flat = D.TransformedDistribution(
        D.Independent(base, 2), T.ReshapeTransform((2, 3), (6,))
    )
    assert (flat.batch_shape, flat.event_shape) == ((), (6,))
    assert flat.expand((7,)).sample().shape == (7, 6)
    plain = D.TransformedDistribution(base, [])
    x = plain.sample()
    assert (plain.log_prob(x) == base.log_prob(x)).all().item()
    assert repr(plain.support) == "Real()"
    vectors = D.TransformedDistribution(D.Independent(base, 1), T.ExpTransform())
    assert repr(vectors.support) == (
        "IndependentConstraint(GreaterThan(lower_bound=0.0), 1)"
    )


def test_densities_of_chains_are_those_of_the_family() -> None:
    x = _t(_U * 5)
    base = D.Normal(_t(0.0), _t(1.0))
    chain = [T.AffineTransform(_t(0.3), _t(0.8)), T.ExpTransform()]
    built, family = D.TransformedDistribution(base, chain), D.LogNormal(_t(0.3), 0.8)
    for f in ("log_prob", "cdf"):
        np.testing.assert_allclose(getattr(built, f)(x), getattr(family, f)(x), 1e-9)
    np.testing.assert_allclose(built.icdf(_t(_U)), family.icdf(_t(_U)), 1e-9)
    # Each other entry is turned round.
    turned = D.TransformedDistribution(base, T.AffineTransform(0.0, _t([1.0, -1.0])))
    assert turned.cdf(_t([0.5, -0.5])).sum().item() == 1
    np.testing.assert_allclose(turned.icdf(turned.cdf(_t([0.5, -0.4]))), [0.5, -0.4])
    cached = D.TransformedDistribution(base, [t.with_cache() for t in chain])
    drawn = cached.rsample()
    assert cached.log_prob(drawn).item() == built.log_prob(drawn).item()


def _mean_log_ratio(p: Any, q: Any) -> float:
    u = (np.arange(200000) + 0.5) / 200000
    x = p.icdf(_t(u))
    return (p.log_prob(x) - q.log_prob(x)).mean().item()


@pytest.mark.parametrize(
    "p, q",
    [
        (D.Gumbel(_t(0.3), _t(1.2)), D.Gumbel(_t(-1.0), _t(2.0))),
        (D.HalfNormal(_t(1.2)), D.HalfNormal(_t(2.0))),
        (D.HalfCauchy(_t(1.2)), D.HalfCauchy(_t(2.0))),
        (D.LogNormal(_t(0.3), _t(1.2)), D.LogNormal(_t(-1.0), _t(2.0))),
        (D.Pareto(_t(1.5), _t(3.0)), D.Pareto(_t(1.0), _t(2.0))),
        (D.Kumaraswamy(_t(1.5), _t(3.0)), D.Kumaraswamy(_t(1.5), _t(2.0))),
    ],
    ids=repr,
)
def test_divergences_are_mean_log_ratios(p: Any, q: Any) -> None:
    found = D.kl_divergence(p, q).item()
    assert math.isclose(found, _mean_log_ratio(p, q), rel_tol=1e-3)
    assert D.kl_divergence(p, p).item() == pytest.approx(0, abs=1e-12)


_MIXED: list[tuple[Any, Any]] = [
    (D.Exponential(_t(0.7)), D.Gumbel(_t(0.3), _t(1.2))),
    (D.Exponential(_t(0.7)), D.Normal(_t(0.3), _t(1.2))),
    (D.Gumbel(_t(0.3), _t(1.2)), D.Normal(_t(0.5), _t(1.5))),
    (D.Laplace(_t(0.3), _t(1.2)), D.Normal(_t(0.5), _t(1.5))),
    (D.Uniform(_t(1.3), _t(2.5)), D.Normal(_t(0.5), _t(1.5))),
    (D.Uniform(_t(1.3), _t(2.5)), D.Exponential(_t(0.7))),
    (D.Uniform(_t(1.3), _t(2.5)), D.Gumbel(_t(0.3), _t(1.2))),
    (D.Uniform(_t(1.3), _t(2.5)), D.Pareto(_t(1.2), _t(3.0))),
    (D.Normal(_t(0.3), _t(1.2)), D.Gumbel(_t(0.5), _t(1.5))),
    (D.Normal(_t(0.3), _t(1.2)), D.Laplace(_t(-0.5), _t(1.5))),
    (D.Pareto(_t(1.3), _t(7.0)), D.Exponential(_t(0.7))),
    (D.Pareto(_t(1.3), _t(7.0)), D.Normal(_t(0.5), _t(1.5))),
]


@pytest.mark.parametrize("p, q", _MIXED, ids=repr)
def test_divergences_between_families_are_mean_log_ratios(p: Any, q: Any) -> None:
    found = D.kl_divergence(p, q).item()
    assert math.isclose(found, _mean_log_ratio(p, q), rel_tol=2e-3)


def test_divergences_are_infinite_where_the_second_never_draws() -> None:
    for p in (D.Normal(0.0, 1.0), D.Laplace(0.0, 1.0), D.Gumbel(0.0, 1.0)):
        for q in (D.Exponential(_t([1.0, 2.0])), D.Pareto(1.0, 1.0)):
            found = D.kl_divergence(p, q)
            assert found.isinf().all().item() and found.shape == q.batch_shape
    for p, q in [
        (D.Exponential(1.0), D.Uniform(0.0, 1.0)),
        (D.Pareto(1.0, 1.0), D.Uniform(0.0, 1.0)),
        (D.Pareto(1.0, 1.5), D.Normal(0.0, 1.0)),
        (D.Uniform(-1.0, 1.0), D.Exponential(1.0)),
        (D.Uniform(0.5, 2.0), D.Pareto(1.0, 1.0)),
    ]:
        assert D.kl_divergence(p, q).item() == math.inf


def test_divergences_without_an_end_or_a_formula() -> None:
    inner, wider = D.Pareto(2.0, 1.0), D.Pareto(1.0, 1.0)
    assert D.kl_divergence(wider, inner).item() == math.inf
    with pytest.raises(NotImplementedError, match="equal transforms"):
        D.kl_divergence(D.LogNormal(0.0, 1.0), D.HalfCauchy(1.0))
    p, q = D.LogisticNormal(_t([0.0, 1.0]), 1.0), D.LogisticNormal(_t([0.0]), 1.0)
    with pytest.raises(NotImplementedError, match="equal event shapes"):
        D.kl_divergence(p, q)
    r = D.LogisticNormal(_t([1.0, 1.0]), 1.0)
    assert D.kl_divergence(p, r).item() == 0.5


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: D.LogNormal(0.0, -1.0), "scale.*of distribution LogNormal"),
        (lambda: D.Gumbel(0.0, 0.0), "scale"),
        (lambda: D.HalfNormal(-1.0), "scale"),
        (lambda: D.HalfCauchy(-1.0), "scale"),
        (lambda: D.Kumaraswamy(1.0, -1.0), "concentration0"),
        (lambda: D.Pareto(1.0, -1.0), "alpha"),
        (lambda: D.Weibull(1.0, -1.0), "concentration"),
        (lambda: D.GeneralizedPareto(0.0, -1.0, 0.0), "scale"),
        (lambda: D.LogisticNormal(_t([0.0]), -1.0), "scale"),
        (lambda: D.RelaxedBernoulli(1.0, 1.5), "probs"),
        (lambda: D.RelaxedBernoulli(1.0), "but not both"),
        (lambda: D.RelaxedOneHotCategorical(1.0), "but not both"),
        (lambda: D.LogNormal(0.0, 1.0).log_prob(_t(-1.0)), "support"),
        (lambda: D.LogNormal(0.0, 1.0).cdf(_t(-1.0)), "support"),
        (lambda: D.HalfNormal(1.0).cdf(_t(-1.0)), "support"),
        (lambda: D.Pareto(1.0, 1.0).log_prob(_t(0.5)), "support"),
        (lambda: D.GeneralizedPareto(0.0, 1.0, -0.5).cdf(_t(3.0)), "support"),
        (lambda: D.RelaxedBernoulli(1.0, 0.5).log_prob(_t(2.0)), "support"),
        (
            lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3),  # type: ignore[arg-type]
            "must be a Transform or a list",
        ),
        (
            lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [3]),  # type: ignore[list-item]
            "got 3 in the list",
        ),
        (
            lambda: D.TransformedDistribution(
                D.Normal(0.0, 1.0), T.StickBreakingTransform()
            ),
            "1 or more dimensions",
        ),
    ],
)
def test_what_is_no_parameter_or_sample_is_refused(
    make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        make()
    assert isinstance(caught.value, LampasError)


def test_densities_outside_of_the_support_are_zero() -> None:
    below = _t(-1.0)
    for d in (
        D.HalfNormal(1.0, validate_args=False),
        D.HalfCauchy(1.0, validate_args=False),
        D.GeneralizedPareto(0.0, 1.0, -0.5, validate_args=False),
    ):
        assert d.log_prob(below).item() == -math.inf
    assert D.GeneralizedPareto(0.0, 1.0, -0.5, False).log_prob(_t(3.0)).item() == (
        -math.inf
    )


def test_far_tails_of_the_generalized_pareto_distribution() -> None:
    d = D.GeneralizedPareto(_t(0.0), _t(1.0), _t([0.0, 1e-12, 0.5]))
    x = _t([700.0, 700.0, 1e200])
    expected = [-700, -700, -2 * math.log(0.5e200)]
    np.testing.assert_allclose(d.log_survival_function(x).numpy(), expected, 1e-9)
    small = _t(1e-30).expand(3)
    np.testing.assert_allclose(d.cdf(small).numpy(), 1e-30, 1e-9)
    np.testing.assert_allclose(d.log_cdf(small).numpy(), math.log(1e-30), 1e-9)


def test_they_print_their_parameters() -> None:
    assert repr(D.LogNormal(0.0, 1.0)) == "LogNormal(loc: 0.0, scale: 1.0)"
    assert repr(D.Weibull(lampas.ones(3), 2.0)) == (
        "Weibull(scale: lampas.Size([3]), concentration: lampas.Size([3]))"
    )


def test_they_run_on_other_devices() -> None:
    one = lampas.ones(3, device="sim")
    for d in (
        D.LogNormal(one, one),
        D.Gumbel(one, one),
        D.HalfNormal(one),
        D.HalfCauchy(one),
        D.Kumaraswamy(one, one),
        D.LogisticNormal(one, one),
        D.Pareto(one, one),
        D.GeneralizedPareto(one, one, one),
        D.RelaxedBernoulli(one, logits=one),
        D.RelaxedOneHotCategorical(one[0], logits=one),
        D.Weibull(one, one),
    ):
        drawn = d.rsample((4,))
        assert drawn.device.type == "sim"
        assert d.log_prob(drawn).device.type == "sim"
