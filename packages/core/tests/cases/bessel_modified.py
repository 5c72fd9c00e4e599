"""Cases of ``lampas.ops.bessel_modified``; integrals of DLMF 10.32."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given

from cases.bessel import decaying, gauss


def first(order, scaled):
    """DLMF 10.32.3."""

    def value(x):
        shift = abs(x) if scaled else 0.0

        def density(t):
            return np.exp(x * np.cos(t) - shift) * np.cos(order * t)

        return gauss(density, 0, np.pi, 4) / math.pi

    return each(value)


def second(order, scaled):
    """DLMF 10.32.9."""

    def value(x):
        shift = x if scaled else 0.0

        def density(t):
            return decaying(x * np.cosh(t) - shift) * np.cosh(order * t)

        return gauss(density, 0, math.acosh(1 + 60 / x), 12)

    return each(value)


def both_sides(rng):
    """Up to 8, beyond, and negative."""
    return [np.concatenate([rng.uniform(-7, 7, 8), rng.uniform(8.5, 11, 3), [-9.5]])]


def positive(rng):
    """On both sides of 2."""
    return [np.concatenate([rng.uniform(0.3, 2, 6), rng.uniform(2, 8, 6)])]


def few(rng):
    return [rng.uniform(0.5, 3, (3, 4))]


FIRST = {"i0": (0, False), "i0e": (0, True), "i1": (1, False), "i1e": (1, True)}
SECOND = {
    "modified_bessel_k0": (0, False),
    "modified_bessel_k1": (1, False),
    "scaled_modified_bessel_k0": (0, True),
    "scaled_modified_bessel_k1": (1, True),
}

CASES = [
    *(Case(f"special.{n}", both_sides, first(*how)) for n, how in FIRST.items()),
    *(
        Case(f"special.{n}", few, first(*how), elementwise=True)
        for n, how in FIRST.items()
    ),
    *(Case(f"special.{n}", positive, second(*how)) for n, how in SECOND.items()),
    *(
        Case(f"special.{n}", few, second(*how), elementwise=True)
        for n, how in SECOND.items()
    ),
    Case("i0", few, first(0, False)),
    Case("special.modified_bessel_i0", few, first(0, False)),
    Case("special.modified_bessel_i1", few, first(1, False)),
    Case("special.i1", given([0.0]), lambda x: np.array([0.0])),
    Case("special.i1e", given([0.0]), lambda x: np.array([0.0]), second=False),
]
