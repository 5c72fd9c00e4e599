"""Cases of ``lampas.ops.floats``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, each, given, normal


def parts(x):
    pairs = [math.frexp(v) for v in x.ravel()]
    mantissas, exponents = zip(*pairs, strict=True) if pairs else ((), ())
    shape = x.shape
    return np.array(mantissas).reshape(shape), np.array(exponents, int).reshape(shape)


def scaled(x, n):
    return each(lambda v, k: math.ldexp(v, int(k)))(x, n)


CASES = [
    Case("frexp", normal((3, 4)), parts, tol="exact"),
    Case("frexp", given([0.0, 6.0, -0.25]), parts, tol="exact", grad=False),
    Case(
        "ldexp",
        lambda rng: [rng.standard_normal((3, 4)), rng.integers(-3, 4, (4,))],
        scaled,
    ),
    Case(
        "nextafter",
        given([1.0, 1.0, 0.0, 2.0], [2.0, 0.0, 0.0, 2.0]),
        lambda x, y: np.array([1 + 2.0**-52, 1 - 2.0**-53, 0.0, 2.0]),
        tol="exact",
        dtypes=("float64",),
        grad=False,
    ),
    # Close to the input itself.
    Case("nextafter", normal((3, 4), (4,)), lambda x, y: x + 0 * y, second=False),
]
