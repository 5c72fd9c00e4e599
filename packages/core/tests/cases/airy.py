"""Cases of ``lampas.ops.airy``; an integral and the table of DLMF 9.9."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given

from cases.bessel import decaying, gauss


def airy(x):
    """The contour integral DLMF 9.5.4, along the ray at 60 degrees."""
    if x >= 0:
        # Through the saddle at the root of x, where the integrand only decays.
        root = math.sqrt(x)

        def decay(t):
            return np.cos(t**3 / 3) * decaying(root * t * t)

        return math.exp(-2 / 3 * x * root) * gauss(decay, 0, 14, 60) / math.pi
    ray = np.exp(1j * math.pi / 3)

    def along(t):
        z = ray * t
        return (ray * np.exp(z**3 / 3 - x * z)).imag

    return gauss(along, 0, 9, 40) / math.pi


ZEROS = [-2.338107410459767, -4.087949444130971, -5.520559828095551]

CASES = [
    Case(
        "special.airy_ai",
        lambda rng: [np.concatenate([rng.uniform(-4, 3, 8), rng.uniform(3, 8, 4)])],
        each(airy),
        grad=False,
        elementwise=True,
    ),
    Case("special.airy_ai", given([-4.5, -5.25]), each(airy), grad=False, tol="loose"),
    Case(
        "special.airy_ai",
        given(ZEROS),
        lambda x: np.zeros(3),
        grad=False,
        dtypes=("float64",),
    ),
]
