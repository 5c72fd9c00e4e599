"""Cases of ``lampas.ops.erf``."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from case import Case, each, normal, within


def spread(rng):
    return [np.concatenate([rng.standard_normal(8), rng.uniform(-6, 6, 8)])]


CASES = [
    Case("erf", spread, each(math.erf)),
    Case("erf", normal((3, 4)), each(math.erf), elementwise=True),
    Case("erfc", spread, each(math.erfc)),
    Case(
        "erfinv",
        within(-0.9, 0.9, (3, 4)),
        each(lambda x: NormalDist().inv_cdf((x + 1) / 2) / math.sqrt(2)),
        elementwise=True,
        tol="loose",  # the oracle itself is right to 1e-11 only
    ),
]
