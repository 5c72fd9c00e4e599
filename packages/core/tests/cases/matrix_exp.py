"""Cases of ``lampas.ops.matrix_exp``; the oracle sums the series of a small part."""

from __future__ import annotations

import numpy as np
from case import Case, given, normal


def series(x):
    """``exp(x) = exp(x / 2**k) ** (2**k)``, the inner one by its series."""
    halvings = 24
    small = x / 2.0**halvings
    rest = small + small @ small / 2 + small @ small @ small / 6
    for _ in range(halvings):
        # exp(2a) - 1 from r = exp(a) - 1, which stays exact where r is small.
        rest = 2 * rest + rest @ rest
    return np.eye(x.shape[-1]) + rest


def scaled(factor, *shape):
    return lambda rng: [factor * rng.standard_normal(shape)]


CASES = [
    Case("matrix_exp", normal((3, 3)), series, tol="loose"),
    Case("matrix_exp", scaled(0.005, 2, 2), series),
    Case("matrix_exp", scaled(0.05, 2, 2), series),
    Case("matrix_exp", scaled(0.3, 2, 2), series),
    Case("matrix_exp", scaled(3.0, 2, 3, 3), series, tol="loose", dtypes=("float64",)),
    Case("matrix_exp", given([[[1.0]], [[-2.0]]]), np.exp, tol="usual"),
]
