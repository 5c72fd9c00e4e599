"""Cases of ``lampas.ops.gamma_incomplete``; integrals and closed forms."""

from __future__ import annotations

import math

import numpy as np
from case import Case, Via, each, given

import lampas

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(60)


def integral(a, low, high):
    """Of the density from low to high, in pieces of Gauss's rule."""
    total = 0.0
    edges = np.linspace(low, high, 41)
    for start, end in zip(edges[:-1], edges[1:]):
        t = (start + end) / 2 + POINTS * (end - start) / 2
        # Not so small that it underflows.
        density = np.exp(np.maximum((a - 1) * np.log(t) - t - math.lgamma(a), -700))
        total += float(WEIGHTS @ density) * (end - start) / 2
    return total


def lower(a, x):
    return integral(a, 0.0, x)


def upper(a, x):
    return integral(a, x, max(a, x) + 60 + 10 * math.sqrt(a))


def whole(a, x):
    """Q of a whole ``a``: DLMF 8.4.10."""
    return math.exp(-x) * math.fsum(x**k / math.factorial(k) for k in range(int(a)))


def both(rng):
    return [rng.uniform(3.0, 12.0, (3, 4)), rng.uniform(0.5, 20.0, (3, 4))]


def large(rng):
    """Where the uniform expansion serves."""
    a = rng.uniform(250, 600, 8)
    return [a, a + rng.uniform(-3, 3, 8) * np.sqrt(a)]


def far(rng):
    """Large and far from each other."""
    return [
        np.array([250.0, 250.0, 300.0, 300.0]),
        np.array([120.0, 450.0, 150.0, 480.0]),
    ]


WHOLE = given([1.0, 1.0, 2.0, 3.0, 8.0, 8.0], [0.25, 3.0, 0.5, 1.0, 4.0, 12.0])


FIRST = np.array([0.5, 2.5, 9.0, 300.0])  # these have no derivative


def second(rng):
    return [np.array([0.4, 2.0, 11.0, 305.0]) + rng.uniform(0, 0.1, 4)]


def beside_first(x):
    """P; of 1/2 it is erf of the root, DLMF 7.11.1."""
    rest = [lower(a, v) for a, v in zip(FIRST[1:], x[1:])]
    return np.array([math.erf(math.sqrt(x[0])), *rest])


def with_first(op, x):
    return op(lampas.tensor(FIRST, dtype=x.dtype), x)


CASES = [
    Case("igamma", both, each(lower), grad=False, elementwise=True),
    Case("igammac", both, each(upper), grad=False, elementwise=True),
    Case("igamma", large, each(lower), grad=False, dtypes=("float64", "float32")),
    Case("igammac", large, each(upper), grad=False, dtypes=("float64", "float32")),
    Case("igamma", far, each(lower), grad=False, dtypes=("float64",)),
    Case("igammac", far, each(upper), grad=False, dtypes=("float64",)),
    Case("igammac", WHOLE, each(whole), grad=False),
    Case("igamma", WHOLE, each(lambda a, x: 1 - whole(a, x)), grad=False),
    Via("igamma", second, beside_first, call=with_first),
    Via("igammac", second, lambda x: 1 - beside_first(x), call=with_first),
]
