"""Cases of ``lampas.ops.distance``; oracles measure each pair of points."""

from __future__ import annotations

import math

import numpy as np
from case import Case, normal


def length(d, p):
    sizes = [abs(v) for v in d]
    if p == 0:
        return sum(v != 0 for v in sizes)
    if p == math.inf:
        return max(sizes)
    return math.fsum(v**p for v in sizes) ** (1 / p)


def between(a, b, p=2.0, compute_mode=None):
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, lead + a.shape[-2:])
    b = np.broadcast_to(b, lead + b.shape[-2:])
    out = np.empty((*lead, a.shape[-2], b.shape[-2]))
    for at in np.ndindex(*out.shape):
        out[at] = length(a[at[:-1]] - b[(*at[:-2], at[-1])], p)
    return out


def within(x, p=2):
    n = len(x)
    return np.array([length(x[i] - x[j], p) for i in range(n) for j in range(i + 1, n)])


WIDE = ("float64", "float32")
ALWAYS, NEVER = "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"

CASES = [
    *(
        Case("cdist", normal((2, 3, 4), (5, 4)), between, {"p": p}, dtypes=WIDE)
        for p in (0.0, 1.0, 1.5, 2.0, 3.0, math.inf)
    ),
    Case(
        "cdist",
        normal((2, 1, 3, 4), (3, 5, 4)),
        between,
        {"compute_mode": ALWAYS},
        tol="loose",
        dtypes=WIDE,
    ),
    Case(
        "cdist",
        normal((26, 3), (2, 3)),
        between,
        {"compute_mode": NEVER},
        dtypes=WIDE,
    ),
    Case("pdist", normal((4, 3)), within, dtypes=WIDE),
    Case("pdist", normal((4, 3)), within, {"p": 1}, dtypes=WIDE),
]
