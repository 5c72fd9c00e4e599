"""Cases of ``lampas.ops.bessel``; oracles are Bessel's integrals, DLMF 10.9."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(80)


def gauss(function, low, high, pieces):
    """The integral of a function of arrays, by Gauss's rule in equal pieces."""
    total = 0.0
    edges = np.linspace(low, high, pieces + 1)
    for start, end in zip(edges[:-1], edges[1:]):
        t = (start + end) / 2 + POINTS * (end - start) / 2
        total += float(WEIGHTS @ function(t)) * (end - start) / 2
    return total


def decaying(x):
    """exp(-x), not so small that it underflows."""
    return np.exp(-np.minimum(x, 700))


def first(order):
    """DLMF 10.9.2."""

    def value(x):
        return gauss(lambda t: np.cos(x * np.sin(t) - order * t), 0, np.pi, 4) / math.pi

    return each(value)


def second(order):
    """DLMF 10.9.7."""

    def value(x):
        wave = gauss(lambda t: np.sin(x * np.sin(t) - order * t), 0, np.pi, 4)
        sign = (-1) ** order

        def decay(t):
            growth = np.exp(order * t) + sign * np.exp(-order * t)
            return growth * decaying(x * np.sinh(t))

        return (wave - gauss(decay, 0, math.asinh(60 / x), 12)) / math.pi

    return each(value)


def both_sides(rng):
    """Up to 8, beyond, and negative."""
    return [np.concatenate([rng.uniform(-9, 9, 8), rng.uniform(9, 60, 4)])]


def positive(rng):
    return [np.concatenate([rng.uniform(0.4, 8, 8), rng.uniform(8, 60, 4)])]


def near(rng):
    return [rng.uniform(0.5, 6, (3, 4))]


CASES = [
    Case("special.bessel_j0", both_sides, first(0)),
    Case("special.bessel_j0", near, first(0), elementwise=True),
    Case("special.bessel_j1", both_sides, first(1)),
    Case("special.bessel_j1", near, first(1), elementwise=True),
    Case("special.bessel_j1", given([0.0]), lambda x: np.array([0.0])),
    Case("special.bessel_y0", positive, second(0)),
    Case("special.bessel_y0", near, second(0), elementwise=True),
    Case("special.bessel_y1", positive, second(1)),
    Case("special.bessel_y1", near, second(1), elementwise=True),
    Case(
        "special.spherical_bessel_j0",
        both_sides,
        each(lambda x: math.sin(x) / x),
        elementwise=True,
    ),
    Case(
        "special.spherical_bessel_j0",
        given([0.0]),
        lambda x: np.array([1.0]),
        second=False,
    ),
]
