"""Cases of ``lampas.ops.gamma``; oracles are math.lgamma and sums of definitions."""

from __future__ import annotations

import math

import numpy as np
from case import Case, Via, each, given, within

EULER = 0.5772156649015329


def spread(rng):
    return [np.concatenate([rng.uniform(0.1, 4, 9), rng.uniform(4, 40, 6)])]


def below_zero(rng):
    """Away from the poles."""
    return [-rng.integers(0, 6, 8) - rng.uniform(0.2, 0.8, 8)]


def steps(x):
    """How often 1 must be added to ``x`` until it is at least 30."""
    return max(0, math.ceil(30 - x))


def digamma(x):
    """The recurrence, and four terms of the asymptotic series far out."""
    n = steps(x)
    far = x + n
    series = 1 / 12 - (1 / 120 - (1 / 252 - 1 / 240 / far**2) / far**2) / far**2
    return (
        math.log(far)
        - 1 / (2 * far)
        - series / far**2
        - math.fsum(1 / (x + k) for k in range(n))
    )


def polygamma(x, n):
    """The defining sum, its tail as an integral with two corrections."""
    s, far = n + 1, x + 400
    head = math.fsum((x + k) ** -s for k in range(400))
    tail = far**-n / n + far**-s / 2 + s * far ** -(s + 1) / 12
    tail -= s * (s + 1) * (s + 2) * far ** -(s + 3) / 720
    return (-1) ** s * math.factorial(n) * (head + tail)


def multivariate(x, p):
    terms = [math.lgamma(x + (1 - j) / 2) for j in range(1, p + 1)]
    return p * (p - 1) / 4 * math.log(math.pi) + math.fsum(terms)


ordered = {n: each(lambda x, n=n: polygamma(x, n)) for n in (1, 2, 4)}
many = {p: each(lambda x, p=p: multivariate(x, p)) for p in (1, 3)}


CASES = [
    Case("lgamma", within(0.1, 20.0, (3, 4)), each(math.lgamma), elementwise=True),
    Case("lgamma", spread, each(math.lgamma)),
    Case("lgamma", below_zero, each(math.lgamma)),
    Case("digamma", spread, each(digamma)),
    Case("digamma", within(0.2, 3.0, (3, 4)), each(digamma), elementwise=True),
    Case("digamma", below_zero, each(digamma)),
    # Abramowitz & Stegun 6.3.2 and 6.3.3, and the recurrence.
    Case(
        "digamma",
        given([1.0, 0.5, 2.0]),
        lambda x: np.array([-EULER, -EULER - 2 * math.log(2), 1 - EULER]),
        grad=False,
    ),
    *(
        Via(
            "polygamma",
            spread,
            lambda x, n: ordered[n](x),
            {"n": n},
            call=lambda op, x, n: op(n, x),
            dtypes=("float64", "float32"),
        )
        for n in ordered
    ),
    *(
        Case("mvlgamma", within(2.0, 9.0, (2, 3)), lambda x, p: many[p](x), {"p": p})
        for p in many
    ),
]
