"""Cases of ``lampas.ops.polynomials``; oracles are their explicit sums and angles."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given

ANGLES = {
    "t": lambda t, n: math.cos(n * t),
    "u": lambda t, n: math.sin((n + 1) * t) / math.sin(t),
    "v": lambda t, n: math.cos((n + 0.5) * t) / math.cos(t / 2),
    "w": lambda t, n: math.sin((n + 0.5) * t) / math.sin(t / 2),
}


def angular(kind):
    return each(lambda x, n: ANGLES[kind](math.acos(x), int(n)))


def shifted(kind):
    return each(lambda x, n: ANGLES[kind](math.acos(2 * x - 1), int(n)))


def hermite(x, n):
    """DLMF 18.5.13."""
    n = int(n)
    return math.fsum(
        (-1) ** k
        * math.factorial(n)
        * (2 * x) ** (n - 2 * k)
        / (math.factorial(k) * math.factorial(n - 2 * k))
        for k in range(n // 2 + 1)
    )


def probable_hermite(x, n):
    return 2 ** (-n / 2) * hermite(x / math.sqrt(2), n)


def laguerre(x, n):
    """DLMF 18.5.12."""
    n = int(n)
    return math.fsum(
        math.comb(n, k) * (-x) ** k / math.factorial(k) for k in range(n + 1)
    )


def legendre(x, n):
    """DLMF 18.5.8, around 0."""
    n = int(n)
    return (
        math.fsum(
            (-1) ** k * math.comb(n, k) * math.comb(2 * n - 2 * k, n) * x ** (n - 2 * k)
            for k in range(n // 2 + 1)
        )
        / 2**n
    )


SUMS = {
    "hermite_polynomial_h": hermite,
    "hermite_polynomial_he": probable_hermite,
    "laguerre_polynomial_l": laguerre,
    "legendre_polynomial_p": legendre,
}
DEGREES = [0.0, 1.0, 2.0, 5.0, 9.0]


def inside(rng):
    return [rng.uniform(-0.95, 0.95, (3, 5)), np.array(DEGREES)]


def unit(rng):
    return [rng.uniform(0.05, 0.95, (3, 5)), np.array(DEGREES)]


def some(rng):
    return [rng.uniform(-2, 2, (3, 5)), np.array([0.0, 1.0, 2.0, 3.0, 6.0])]


# Cut to whole degrees; those below 0 give 0; 1 and beyond.
ODD = given([0.5, 0.5, 1.0, -1.0, 2.0], [2.75, -1.0, 7.0, 3.0, 3.0])

CASES = [
    *(
        Case(f"special.chebyshev_polynomial_{k}", inside, angular(k), grad=False)
        for k in ANGLES
    ),
    *(
        Case(
            f"special.shifted_chebyshev_polynomial_{k}",
            unit,
            shifted(k),
            grad=False,
            dtypes=("float64",),
        )
        for k in ANGLES
    ),
    *(Case(f"special.{n}", some, each(sums), grad=False) for n, sums in SUMS.items()),
    Case(
        "special.chebyshev_polynomial_t",
        ODD,
        lambda x, n: np.array([-0.5, 0.0, 1.0, -1.0, 26.0]),
        grad=False,
    ),
]
