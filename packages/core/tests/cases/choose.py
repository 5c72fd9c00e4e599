"""Cases of ``lampas.ops.choose``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, apart, each, given

NAN, INF = math.nan, math.inf
PAIR = apart((3, 4), (4,))


def bound(value, low, high):
    return min(max(value, low), high)


def chosen(condition, x, y):
    return each(lambda c, a, b: a if c else b)(condition, x, y)


def with_condition(rng):
    return [rng.integers(0, 2, (3, 4)).astype(bool), *rng.standard_normal((2, 3, 4))]


def with_broadcast(rng):
    x, y = rng.standard_normal((3, 1)), rng.standard_normal(4)
    return [rng.integers(0, 2, (2, 1, 1)).astype(bool), x, y]


CASES = [
    Case("where", with_condition, chosen, tol="tight"),
    Case("where", with_broadcast, chosen, tol="tight"),
    Case("maximum", PAIR, each(max), tol="tight"),
    Case("minimum", PAIR, each(min), tol="tight"),
    Case("fmax", PAIR, each(max), tol="tight"),
    Case("fmin", PAIR, each(min), tol="tight"),
    Case(
        "maximum",
        given([NAN, 1.0], [2.0, NAN]),
        lambda x, y: np.array([NAN, NAN]),
        grad=False,
    ),
    Case(
        "fmax",
        given([NAN, 1.0], [2.0, NAN]),
        lambda x, y: np.array([2.0, 1.0]),
        grad=False,
    ),
    Case(
        "clamp",
        apart((3, 4)),
        lambda x, min, max: each(lambda v: bound(v, min, max))(x),
        {"min": -0.6, "max": 0.9},
        tol="usual",
    ),
    Case("clamp", apart((3, 4), (4,), (3, 1)), each(bound), tol="tight"),
    Case("clamp_min", apart((3, 4), (4,)), each(max), tol="tight"),
    Case("clamp_max", apart((3, 4), (3, 1)), each(min), tol="tight"),
    Case("clamp_min", apart((3, 4)), lambda x, min: each(max_of(min))(x), {"min": 0.1}),
    Case("clamp_max", apart((3, 4)), lambda x, max: each(min_of(max))(x), {"max": 0.1}),
    Case(
        "nan_to_num",
        given([NAN, INF, -INF, 1.5]),
        lambda x, nan, posinf, neginf: np.array([1.0, 2.0, 3.0, 1.5]),
        {"nan": 1.0, "posinf": 2.0, "neginf": 3.0},
        grad=False,
    ),
    Case("nan_to_num", apart((3, 4)), lambda x: x, tol="tight"),
]


def max_of(low):
    return lambda v: max(v, low)


def min_of(high):
    return lambda v: min(v, high)
