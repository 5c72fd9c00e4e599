"""The gamma and beta families, and counts: SciPy's values, draws and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lampas
from lampas import distributions as D
from lampas.ops._sample_slopes import gamma_slope
from lampas.ops.gamma_samples import sample_dirichlet, standard_gamma

Row = tuple[Callable[..., D.Distribution], tuple[Any, ...], Any, tuple[float, ...]]


def _t(value: Any, **options: Any) -> lampas.Tensor:
    return lampas.tensor(value, dtype=lampas.float64, **options)


# Parameters, a point, and log_prob, entropy, mean and variance as SciPy gives them
# (no entropy where PyTorch has none).
_NONE = math.nan
_ROWS: dict[str, Row] = {
    "gamma": (
        D.Gamma,
        (2.5, 1.5),
        0.7,
        (-0.8560325161106068, 1.324482801396890, 1.6666666666666667, 1.111111111111111),
    ),
    "gamma-small": (
        D.Gamma,
        (0.3, 2.0),
        0.01,
        (2.315765289541572, -1.749116141281963, 0.15, 0.075),
    ),
    "chi2": (D.Chi2, (3.5,), 2.0, (-1.60874605953946, 2.173141719379314, 3.5, 7.0)),
    "beta": (
        D.Beta,
        (0.5, 3.0),
        0.1,
        (0.8760329940437989, -1.10805020110221, 1 / 7, 0.027210884353741496),
    ),
    "beta-steep": (
        D.Beta,
        (40.0, 1.5),
        0.99,
        (
            2.968850828889062,
            -2.371335981679806,
            0.963855421686747,
            8.197211240425913e-4,
        ),
    ),
    "student": (
        D.StudentT,
        (4.5, 1.0, 2.0),
        -3.0,
        (-3.416176978330233, 2.344682905317411, 1.0, 7.2),
    ),
    "fisher": (
        D.FisherSnedecor,
        (3.0, 7.0),
        1.2,
        (-1.1566428068612513, _NONE, 1.4, 3.484444444444444),
    ),
    "inverse": (
        D.InverseGamma,
        (3.5, 2.0),
        0.8,
        (-0.270812489473322, 0.4299159000034253, 0.8, 0.4266666666666667),
    ),
    "poisson": (D.Poisson, (3.7,), 2.0, (-1.776481541259588, _NONE, 3.7, 3.7)),
    "binomial": (
        D.Binomial,
        (9.0, 0.3),
        4.0,
        (-1.7629840300459296, 1.7244234790324136, 2.7, 1.89),
    ),
    "negative": (
        D.NegativeBinomial,
        (2.5, 0.6),
        3.0,
        (-1.9418320730656171, _NONE, 3.75, 9.375),
    ),
    "geometric": (
        D.Geometric,
        (0.2,),
        3.0,
        (-2.2788685663767296, 2.5020121176909393, 4.0, 20.0),
    ),
}


def _made(name: str, batch: tuple[int, ...] = ()) -> D.Distribution:
    family, given, _, _ = _ROWS[name]
    return family(*(_t(value).expand(batch) for value in given))


@pytest.mark.parametrize("name", _ROWS)
def test_values_are_scipys(name: str) -> None:
    _, _, at, (log_prob, entropy, mean, variance) = _ROWS[name]
    d = _made(name)
    assert d.log_prob(_t(at)).item() == pytest.approx(log_prob, rel=1e-12)
    assert d.mean.item() == pytest.approx(mean, rel=1e-12)
    assert d.variance.item() == pytest.approx(variance, rel=1e-12)
    if entropy == entropy:
        assert d.entropy().item() == pytest.approx(entropy, rel=1e-12)
    else:
        with pytest.raises(NotImplementedError):
            d.entropy()


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("gamma", 0.16485769935836617),
        ("gamma-small", 0.3429975158569879),
        ("chi2", 0.3397031936182356),
        ("inverse", 0.6599632296942824),
    ],
)
def test_shares_are_scipys(name: str, share: float) -> None:
    found = _made(name).cdf(_t(_ROWS[name][2])).item()
    assert found == pytest.approx(share, rel=1e-11)


@pytest.mark.parametrize("name", _ROWS)
def test_shapes_and_moments_of_draws(name: str) -> None:
    d = _made(name, (2, 1)).expand((4, 2, 3))
    assert d.batch_shape == (4, 2, 3)
    lampas.manual_seed(5)
    drawn = d.sample((2000,))
    assert drawn.shape == (2000, 4, 2, 3) and drawn.dtype == lampas.float64
    assert not drawn.requires_grad
    assert d.log_prob(drawn).shape == drawn.shape
    for moment in (d.mean, d.variance, d.stddev, d.mode):
        assert moment.shape == d.batch_shape
    mean, spread = d.mean.flatten()[0].item(), d.stddev.flatten()[0].item()
    # Five deviations of the mean of 48,000 draws.
    assert abs(drawn.mean().item() - mean) < 5 * spread / math.sqrt(48000)
    lampas.manual_seed(5)
    assert (d.sample((2000,)) == drawn).all().item()


@pytest.mark.parametrize("name", ["gamma", "gamma-small", "chi2", "inverse"])
def test_draws_pass_kolmogorov_smirnov(name: str) -> None:
    lampas.manual_seed(3)
    d = _made(name)
    shares = np.sort(d.cdf(d.sample((20000,))).numpy())
    steps = np.arange(20001) / 20000
    distance = max((shares - steps[:-1]).max(), (steps[1:] - shares).max())
    assert distance < 1.95 / math.sqrt(20000)  # exceeded once in a thousand seeds


def test_gradients_of_gamma_draws_keep_the_share() -> None:
    a = np.repeat([0.2, 0.9, 3.0, 60.0, 2000.0], 40)
    c = _t(a, requires_grad=True)
    lampas.manual_seed(2)
    z = standard_gamma(c)
    z.sum().backward()
    assert c.grad is not None
    z, h = z.detach(), 1e-5 * a
    moved = lampas.igamma(_t(a + h), z) - lampas.igamma(_t(a - h), z)
    density = ((_t(a) - 1) * z.log() - z - _t(a).lgamma()).exp()
    expected = -moved / (2 * _t(h)) / density
    # Tails, where the difference of shares near 1 says little, are left out.
    inner = (lampas.igamma(_t(a), z) < 0.999).numpy()
    found = (c.grad / expected).numpy()[inner]
    np.testing.assert_allclose(found, 1, 1e-5)


# Concentration, draw, and -F_a / F_z in 60-digit arithmetic (mpmath).
_EXTREME = [
    (0.001, 1e-200, 4.599414466669988e-195),
    (0.001, 0.5, 461.99216718924004),
    (0.001, 3.0, 787.9148858830865),
    (0.4, 1e-09, 5.165470326907497e-08),
    (0.4, 12.0, 4.89293505203814),
    (1.7, 0.9, 0.7857406494674407),
    (7.0, 30.0, 1.9413257279714353),
    (50.0, 20.0, 0.6128432204439115),
    (10000.0, 9700.0, 0.9848641224547374),
    (10000.0, 10300.0, 1.0148691241755485),
]


def test_slopes_of_extreme_gamma_draws() -> None:
    a, z, slope = (np.array(column) for column in zip(*_EXTREME, strict=True))
    with np.errstate(under="ignore"):
        found = gamma_slope(np, a, z)
    np.testing.assert_allclose(found, slope, 1e-11)


def test_gradients_of_beta_draws_have_closed_forms() -> None:
    a = np.repeat([0.01, 0.3, 2.0, 40.0, 5000.0], 50)
    lampas.manual_seed(4)
    c = _t(a, requires_grad=True)
    drawn = D.Beta(c, 1.0).rsample()  # u^(1 / a)
    (slope,) = lampas.autograd.grad(drawn.sum(), c)
    assert slope is not None
    x = drawn.detach().numpy()
    kept = (x > 1e-290) & (x < 0.999999)
    expected = -x[kept] * np.log(x[kept]) / a[kept]
    np.testing.assert_allclose(slope.numpy()[kept], expected, 1e-6)
    drawn = D.Beta(1.0, c).rsample()  # 1 - u^(1 / a)
    (slope,) = lampas.autograd.grad(drawn.sum(), c)
    assert slope is not None
    x = drawn.detach().numpy()
    kept = (x > 1e-6) & (x < 0.99)
    expected = (1 - x[kept]) * np.log1p(-x[kept]) / a[kept]
    np.testing.assert_allclose(slope.numpy()[kept], expected, 1e-6)


def test_gradients_of_dirichlet_draws_are_those_of_moments() -> None:
    c = _t([0.4, 1.5, 3.0], requires_grad=True)
    lampas.manual_seed(6)
    x = sample_dirichlet(c.expand(100000, 3))
    assert (x.sum(-1) - 1).abs().max().item() < 1e-12
    (found,) = lampas.autograd.grad((x**2).mean(0)[2], c)
    total = c.sum()
    (expected,) = lampas.autograd.grad(c[2] * (c[2] + 1) / (total * (total + 1)), c)
    assert found is not None and expected is not None
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=3e-3)


def test_draws_have_no_second_gradient() -> None:
    c = _t([2.0], requires_grad=True)
    (first,) = lampas.autograd.grad(standard_gamma(c).sum(), c, create_graph=True)
    assert first is not None
    with pytest.raises(RuntimeError, match="gamma draw"):
        first.sum().backward()


def test_dirichlet_and_multinomial() -> None:
    d = D.Dirichlet(_t([0.5, 2.0, 3.0]))
    at = _t([0.1, 0.3, 0.6])
    # SciPy's values.
    assert d.log_prob(at).item() == pytest.approx(1.6179703387731763, rel=1e-12)
    assert d.entropy().item() == pytest.approx(-1.9146769909858068, rel=1e-12)
    spread = [0.01271456, 0.03560076, 0.03814367]
    np.testing.assert_allclose(d.variance.numpy(), spread, 1e-6)
    assert D.Dirichlet(_t([0.5, 0.2])).mode.tolist() in ([1.0, 0.0], [0.0, 1.0])
    m = D.Multinomial(5, _t([0.2, 0.3, 0.5]))
    at = _t([1.0, 1.0, 3.0])
    assert m.log_prob(at).item() == pytest.approx(-1.8971199848858813, rel=1e-12)
    assert m.entropy().item() == pytest.approx(2.5918085962714987, rel=1e-12)
    lampas.manual_seed(1)
    drawn = m.expand((2,)).sample((5000,))
    assert drawn.shape == (5000, 2, 3) and (drawn.sum(-1) == 5).all().item()
    np.testing.assert_allclose(drawn.mean((0, 1)).numpy(), [1, 1.5, 2.5], atol=0.05)
    together = (drawn[..., 0] * drawn[..., 1]).mean().item()
    assert together == pytest.approx(5 * 4 * 0.2 * 0.3, rel=0.05)
    some = D.Multinomial(4, lampas.tensor([0.0, 1.0, 0.0, 2.0], device="sim"))
    assert (some.sample((50,))[:, ::2] == 0).all().item()
    with pytest.raises(NotImplementedError, match="one int"):
        D.Multinomial(2.0, _t([1.0, 1.0]))  # type: ignore[arg-type]


def test_chances_of_0_and_1_are_exact() -> None:
    d = D.Binomial(4, _t([0.0, 1.0]))
    assert d.log_prob(_t([0.0, 4.0])).tolist() == [0, 0]
    assert d.log_prob(_t([1.0, 3.0])).tolist() == [-math.inf, -math.inf]
    assert D.Geometric(_t(1.0)).log_prob(_t(0.0)).item() == 0
    assert D.Geometric(_t(1.0)).entropy().item() == 0
    assert D.NegativeBinomial(_t(0.0), _t(0.5)).log_prob(_t(0.0)).item() == 0
    assert D.NegativeBinomial(_t(0.0), _t(0.5)).sample((9,)).sum().item() == 0


@pytest.mark.parametrize("family", [D.Binomial, D.NegativeBinomial, D.Geometric])
def test_logits_say_what_chances_say(family: Any) -> None:
    counts = () if family is D.Geometric else (_t(6.0),)
    p = _t([0.1, 0.5, 0.9])
    by_probs = family(*counts, probs=p)
    by_logits = family(*counts, logits=(p / (1 - p)).log())
    at = _t([0.0, 3.0, 5.0])
    for one, other in [(by_probs, by_logits), (by_probs.expand((2, 3)),) * 2]:
        np.testing.assert_allclose(one.log_prob(at), other.log_prob(at), 1e-9)
        np.testing.assert_allclose(one.mean, other.mean, 1e-9)
        np.testing.assert_allclose(one.variance, other.variance, 1e-9)
        assert (one.mode == other.mode).all().item()
    with pytest.raises(ValueError, match="Either"):
        family(*counts)


def test_bad_parameters_and_values_are_refused() -> None:
    with pytest.raises(ValueError, match="concentration"):
        D.Gamma(_t(-1.0), _t(1.0))
    with pytest.raises(ValueError, match="df"):
        D.Chi2(_t(0.0))
    with pytest.raises(ValueError, match="at least one-dimensional"):
        D.Dirichlet(_t(1.0))
    with pytest.raises(ValueError, match="positive"):
        D.Geometric(_t(0.0))
    with pytest.raises(ValueError, match="support"):
        D.Binomial(3, _t(0.5)).log_prob(_t(4.0))
    with pytest.raises(NotImplementedError, match="total_count differs"):
        D.Binomial(_t([1.0, 2.0]), _t(0.5)).enumerate_support()
    with pytest.raises(RuntimeError, match="floating"):
        standard_gamma(lampas.ones(1, dtype=lampas.int64))


def test_heavy_tails_have_no_moments() -> None:
    t = D.StudentT(_t([0.5, 1.5, 3.0]))
    assert t.mean.isnan().tolist() == [True, False, False]
    assert t.variance.tolist()[1:] == [math.inf, 3.0]
    assert D.FisherSnedecor(_t(1.0), _t(2.0)).mean.isnan().item()
    assert D.FisherSnedecor(_t(1.0), _t(5.0)).mode.isnan().item()
    assert D.InverseGamma(_t(1.0), _t(1.0)).mean.item() == math.inf


def test_counts() -> None:
    lampas.manual_seed(8)
    rates = lampas.tensor([0.0, 0.3, 4.0, 1e4, 1e17])
    drawn = lampas.poisson(rates.double().expand(5000, 5))
    error = (drawn.mean(0) - rates) / (rates / 5000).sqrt()
    assert error[0].isnan().item() and (error[1:].abs() < 5).all().item()
    assert lampas.poisson(lampas.tensor([math.inf])).item() == math.inf
    assert lampas.poisson(rates).dtype == lampas.float32
    many = lampas.binomial(_t([10.0]).expand(5000, 1), _t([0.1, 0.8]))
    np.testing.assert_allclose(many.mean(0).numpy(), [1, 8], atol=0.1)
    for bad in (-1.0, math.nan):
        with pytest.raises(RuntimeError, match="negative or NaN"):
            lampas.poisson(_t([bad]))
        with pytest.raises(RuntimeError, match="prob"):
            lampas.binomial(_t([1.0]), _t([bad]))
        with pytest.raises(RuntimeError, match="count"):
            lampas.binomial(_t([bad]), _t([0.5]))
    with pytest.raises(RuntimeError, match="floating"):
        lampas.poisson(lampas.ones(1, dtype=lampas.int64))
    with pytest.raises(RuntimeError, match="one dtype"):
        lampas.binomial(_t([1.0]), lampas.tensor([0.5]))


def test_generators_and_devices() -> None:
    one = lampas.Generator().manual_seed(1)
    other = lampas.Generator().manual_seed(1)
    x = lampas.full((3,), 2.0, device="sim", requires_grad=True)
    drawn = standard_gamma(x, generator=one)
    assert drawn.device.type == "sim"
    assert drawn.tolist() == standard_gamma(x, generator=other).tolist()
    drawn.sum().backward()
    assert x.grad is not None and x.grad.device.type == "sim"
    assert lampas.poisson(x.detach(), generator=one).device.type == "sim"


class _Plain(D.ExponentialFamily):
    """The normal distribution of variance 1, by its natural parameter."""

    _mean_carrier_measure = -0.5 * math.log(2 * math.pi) - 0.5

    def __init__(self, loc: lampas.Tensor) -> None:
        self.loc = loc
        super().__init__(loc.shape, validate_args=False)

    @property
    def _natural_params(self) -> tuple[lampas.Tensor, ...]:
        return (self.loc,)

    def _log_normalizer(self, *natural_params: lampas.Tensor) -> lampas.Tensor:
        return natural_params[0] ** 2 / 2


def test_entropy_of_an_exponential_family_follows_from_its_normalizer() -> None:
    d = _Plain(_t([0.3, -1.2]))
    # -E k(x) with k = -x^2 / 2 - log(2 pi) / 2 depends on the mean; here it is given
    # for mean 0, so that <theta, t> - F is left over.
    expected = 0.5 * math.log(2 * math.pi) + 0.5 - _t([0.3, -1.2]) ** 2 / 2
    np.testing.assert_allclose(d.entropy().detach().numpy(), expected.numpy(), 1e-12)
    gamma = D.Gamma(_t(2.5), _t(1.5))
    generic = D.ExponentialFamily.entropy(gamma)
    assert generic.item() == pytest.approx(gamma.entropy().item(), rel=1e-12)
    with pytest.raises(NotImplementedError, match="_mean_carrier_measure"):
        D.ExponentialFamily().entropy()


def test_dirichlet_draws_under_transforms() -> None:
    c = _t([1.0, 2.0])
    lampas.manual_seed(3)
    _, moved = lampas.func.jvp(lambda a: sample_dirichlet(a), (c,), (_t([1.0, 0.0]),))
    lampas.manual_seed(3)
    wanted = c.clone().requires_grad_()
    (first,) = lampas.autograd.grad(
        sample_dirichlet(wanted)[0], wanted, create_graph=True
    )
    assert first is not None
    assert moved[0].item() == pytest.approx(first[0].item(), rel=1e-12)
    with pytest.raises(RuntimeError, match="Dirichlet draw"):
        first.sum().backward()
    many = lampas.func.vmap(sample_dirichlet, randomness="different")(c.expand(4, 2))
    assert many.shape == (4, 2) and many[:, 0].unique().numel() == 4
