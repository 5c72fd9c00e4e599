"""Cases of ``lampas.ops.covariance``: sums over pairs of variables."""

from __future__ import annotations

import math

import numpy as np
from case import Case, Via, normal


def covariance(x, counts=None, importance=None, correction=1):
    rows = np.atleast_2d(x)
    ones = np.ones(rows.shape[1])
    importance = ones if importance is None else importance
    w = (ones if counts is None else counts) * importance
    total = w.sum()
    mean = [(row * w).sum() / total for row in rows]
    norm = total - correction * (w * importance).sum() / total
    pairs = [
        [((a - m) * (b - n) * w).sum() / norm for b, n in zip(rows, mean)]
        for a, m in zip(rows, mean)
    ]
    return np.array(pairs).squeeze()


def correlation(x):
    c = covariance(x)
    if not c.ndim:
        return c / c
    size = range(len(c))
    return np.array(
        [[c[i, j] / math.sqrt(c[i, i] * c[j, j]) for j in size] for i in size]
    )


def observations(rng):
    return [rng.standard_normal((3, 5)), rng.integers(1, 4, 5), rng.uniform(1, 2, 5)]


CASES = [
    Case("cov", normal((3, 5)), covariance),
    Case("cov", normal((6,)), covariance, {"correction": 0}),
    Via(
        "cov",
        observations,
        covariance,
        call=lambda op, x, n, w: op(x, fweights=n, aweights=w),
        tol="loose",
    ),
    Via(
        "cov",
        lambda rng: observations(rng)[:2],
        covariance,
        call=lambda op, x, n: op(x, fweights=n),
    ),
    Case("corrcoef", normal((3, 5)), correlation, tol="loose"),
    Case("corrcoef", normal((5,)), correlation, grad=False),
]
