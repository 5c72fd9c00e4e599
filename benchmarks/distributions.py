"""How far distributions are from SciPy's, over random parameters in float64.

    python benchmarks/distributions.py [--count 1000] [--seed 0]

Prints the largest relative difference of each quantity of each family; one above
1e-5 makes the exit status 1.
To add a family: one entry of FAMILIES, or of SINGLE for events of several numbers.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

import lampas
from lampas import distributions as D

LIMIT = 1e-5
QUANTITIES = ("log_prob", "cdf", "entropy", "mean", "variance")


class Family(NamedTuple):
    """A family of ours, SciPy's with the same parameters, and what to draw them by."""

    ours: Callable[..., D.Distribution]
    scipys: Callable[..., Any]
    parameters: tuple[Callable[[np.random.Generator, int], np.ndarray], ...]


def any_real(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(size=count) * 3


def positive(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(0.1, 5, size=count)


def light(rng: np.random.Generator, count: int) -> np.ndarray:
    """Exponents of tails that have a variance."""
    return rng.uniform(2.1, 9, size=count)


def wide(rng: np.random.Generator, count: int) -> np.ndarray:
    """Down to where draws are no smaller than doubles can be."""
    return 10 ** rng.uniform(-2, 4, size=count)


def large(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(4.5, 40, size=count)


def chance(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(0.02, 0.98, size=count)


def bent(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-0.9, 0.45, size=count)


FAMILIES = {
    "Cauchy": Family(D.Cauchy, stats.cauchy, (any_real, positive)),
    "Beta": Family(D.Beta, stats.beta, (positive, positive)),
    "Binomial": Family(
        lambda p: D.Binomial(9, p), lambda p: stats.binom(9, p), (chance,)
    ),
    "Chi2": Family(D.Chi2, stats.chi2, (positive,)),
    "Exponential": Family(D.Exponential, lambda r: stats.expon(0, 1 / r), (positive,)),
    "FisherSnedecor": Family(D.FisherSnedecor, stats.f, (positive, large)),
    "Gamma": Family(D.Gamma, lambda c, r: stats.gamma(c, 0, 1 / r), (wide, positive)),
    "GeneralizedPareto": Family(
        D.GeneralizedPareto,
        lambda loc, scale, c: stats.genpareto(c, loc, scale),
        (any_real, positive, bent),
    ),
    "Geometric": Family(D.Geometric, lambda p: stats.geom(p, -1), (chance,)),
    "Gumbel": Family(D.Gumbel, stats.gumbel_r, (any_real, positive)),
    "HalfCauchy": Family(D.HalfCauchy, lambda s: stats.halfcauchy(0, s), (positive,)),
    "HalfNormal": Family(D.HalfNormal, lambda s: stats.halfnorm(0, s), (positive,)),
    "InverseGamma": Family(
        D.InverseGamma, lambda c, r: stats.invgamma(c, 0, r), (light, positive)
    ),
    "Laplace": Family(D.Laplace, stats.laplace, (any_real, positive)),
    "LogNormal": Family(
        D.LogNormal,
        lambda loc, scale: stats.lognorm(scale, 0, np.exp(loc)),
        (any_real, lambda rng, count: rng.uniform(0.1, 2, size=count)),
    ),
    "NegativeBinomial": Family(
        D.NegativeBinomial, lambda n, p: stats.nbinom(n, 1 - p), (positive, chance)
    ),
    "Normal": Family(D.Normal, stats.norm, (any_real, positive)),
    "Pareto": Family(
        D.Pareto,
        lambda scale, alpha: stats.pareto(alpha, 0, scale),
        (positive, light),
    ),
    "Poisson": Family(D.Poisson, stats.poisson, (positive,)),
    "StudentT": Family(D.StudentT, stats.t, (light, any_real, positive)),
    "Uniform": Family(
        lambda low, width: D.Uniform(low, low + width),
        stats.uniform,
        (any_real, positive),
    ),
    "Weibull": Family(
        D.Weibull,
        lambda scale, k: stats.weibull_min(k, 0, scale),
        (positive, positive),
    ),
}


def known(quantity: Callable[[], Any], theirs: Any) -> tuple[Any, Any]:
    """Ours and SciPy's, or neither where PyTorch has none."""
    try:
        return quantity(), theirs
    except NotImplementedError:
        return lampas.zeros(0), np.zeros(0)


def values(family: Family, rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Of each quantity, ours and SciPy's."""
    given = [draw(rng, count) for draw in family.parameters]
    ours = family.ours(*(lampas.tensor(array) for array in given))
    theirs = family.scipys(*given)
    x = theirs.ppf(rng.uniform(0.001, 0.999, size=count))
    at = lampas.tensor(np.asarray(x, np.float64))
    discrete = isinstance(theirs.dist, stats.rv_discrete)
    density = theirs.logpmf if discrete else theirs.logpdf
    mean, variance = theirs.stats(moments="mv")
    return {
        "log_prob": (ours.log_prob(at), density(x)),
        "cdf": known(lambda: ours.cdf(at), theirs.cdf(x)),
        "entropy": known(ours.entropy, theirs.entropy()),
        "mean": (ours.mean, mean),
        "variance": (ours.variance, variance),
    }


def difference(ours: Any, theirs: Any) -> float:
    """The largest relative difference of the values that SciPy calls finite.

    Logarithms pass through 0, so no value counts as smaller than 1e-6.
    """
    ours = np.asarray(ours.numpy())
    if not ours.size:
        return math.nan
    theirs = np.broadcast_to(theirs, ours.shape)
    finite = np.isfinite(theirs)
    apart = np.abs(ours[finite] - theirs[finite])
    return float((apart / np.maximum(np.abs(theirs[finite]), 1e-6)).max(initial=0))


def spread(rng: np.random.Generator) -> np.ndarray:
    """A covariance matrix."""
    half = rng.normal(size=(3, 3))
    return half @ half.T + 0.1 * np.eye(3)


def shares(rng: np.random.Generator) -> np.ndarray:
    return rng.dirichlet([2.0, 3.0, 4.0])


def dirichlet(rng: np.random.Generator) -> tuple[Any, Any, Any, np.ndarray]:
    c = rng.uniform(0.2, 9, 3)
    theirs = stats.dirichlet(c)
    return D.Dirichlet(lampas.tensor(c)), theirs, theirs.logpdf, shares(rng)


def multinomial(rng: np.random.Generator) -> tuple[Any, Any, Any, np.ndarray]:
    p = shares(rng)
    theirs, x = stats.multinomial(7, p), rng.multinomial(7, p).astype(np.float64)
    return D.Multinomial(7, lampas.tensor(p)), theirs, theirs.logpmf, x


def normal_vector(rng: np.random.Generator) -> tuple[Any, Any, Any, np.ndarray]:
    loc, v = rng.normal(size=3), spread(rng)
    theirs = stats.multivariate_normal(loc, v)
    ours = D.MultivariateNormal(lampas.tensor(loc), lampas.tensor(v))
    return ours, theirs, theirs.logpdf, rng.normal(size=3)


def von_mises(rng: np.random.Generator) -> tuple[Any, Any, Any, np.ndarray]:
    loc, k = rng.normal(size=()), np.asarray(rng.uniform(0.01, 50))
    theirs = stats.vonmises(k, loc)
    ours = D.VonMises(lampas.tensor(np.asarray(loc)), lampas.tensor(k))
    return ours, theirs, theirs.logpdf, np.asarray(rng.uniform(-3, 3))


def wishart(rng: np.random.Generator) -> tuple[Any, Any, Any, np.ndarray]:
    df, v = rng.uniform(3.1, 20), spread(rng)
    theirs = stats.wishart(df, v)
    return D.Wishart(df, lampas.tensor(v)), theirs, theirs.logpdf, spread(rng)


# One distribution at a time: ours, SciPy's, its density and a point.
SINGLE = {
    "Dirichlet": dirichlet,
    "Multinomial": multinomial,
    "MultivariateNormal": normal_vector,
    "VonMises": von_mises,
    "Wishart": wishart,
}


def single_row(name: str, rng: np.random.Generator) -> list[float]:
    """The differences of log_prob and entropy of one distribution."""
    ours, theirs, density, x = SINGLE[name](rng)
    found, expected = known(ours.entropy, theirs.entropy())
    log_prob = difference(ours.log_prob(lampas.tensor(x)), density(x))
    return [log_prob, math.nan, difference(found, expected), math.nan, math.nan]


def shown(value: float) -> str:
    return f"{'-':>10}" if math.isnan(value) else f"{value:>10.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{'family':<20}" + "".join(f"{name:>10}" for name in QUANTITIES))
    worst = 0.0
    for name, family in FAMILIES.items():
        rng = np.random.default_rng(options.seed)
        found = values(family, rng, options.count)
        row = [difference(*found[quantity]) for quantity in QUANTITIES]
        print(f"{name:<20}" + "".join(map(shown, row)))
        worst = max(worst, float(np.nanmax(row)))
    for name in SINGLE:
        rng = np.random.default_rng(options.seed)
        rows = [single_row(name, rng) for _ in range(options.count)]
        row = [max(column) for column in zip(*rows, strict=True)]
        print(f"{name:<20}" + "".join(map(shown, row)))
        worst = max(worst, float(np.nanmax(row)))
    print(f"largest {worst:.1e}, allowed {LIMIT:.0e}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
