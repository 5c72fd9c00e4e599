"""How far distributions are from SciPy's, over random parameters in float64.

    python benchmarks/distributions.py [--count 1000] [--seed 0]

Prints the largest relative difference of each quantity of each family; one above
1e-5 makes the exit status 1.
To add a family: one entry of FAMILIES.
"""

from __future__ import annotations

import argparse
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
    theirs = np.broadcast_to(theirs, ours.shape)
    finite = np.isfinite(theirs)
    apart = np.abs(ours[finite] - theirs[finite])
    return float((apart / np.maximum(np.abs(theirs[finite]), 1e-6)).max(initial=0))


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
        print(f"{name:<20}" + "".join(f"{value:>10.1e}" for value in row))
        worst = max(worst, *row)
    print(f"largest {worst:.1e}, allowed {LIMIT:.0e}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
