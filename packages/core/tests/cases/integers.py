"""Cases of ``lampas.ops.integers``, beside Python's own integers."""

from __future__ import annotations

import math

import numpy as np
from case import Case, given, integers

SIGNED = integers(-30, 30, (4, 5), (5,))


def member(x, other, invert=False):
    return np.vectorize(lambda v: (v in other.ravel().tolist()) != invert)(x)


def positions(indices, shape):
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return tuple(indices // step % size for step, size in zip(strides, shape))


CASES = [
    Case("gcd", SIGNED, np.vectorize(math.gcd), tol="exact"),
    Case("lcm", SIGNED, np.vectorize(math.lcm), tol="exact"),
    Case("gcd", given([0, 0, 4], [0, 3, 0]), np.vectorize(math.gcd), tol="exact"),
    Case("isin", integers(0, 9, (3, 4), (2, 2)), member),
    Case("isin", integers(0, 9, (3, 4), (2,)), member, {"invert": True}),
    Case("isin", given([1.0, math.nan, 3.0], [math.nan, 3.0]), member, grad=False),
    Case("unravel_index", integers(0, 24, (7,)), positions, {"shape": (2, 3, 4)}),
]
