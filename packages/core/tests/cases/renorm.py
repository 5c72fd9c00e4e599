"""Cases of ``lampas.ops.renorm``: slices divided by their norms."""

from __future__ import annotations

import numpy as np
from case import Case, within


def limited(x, p, dim, maxnorm):
    out = np.moveaxis(x.copy(), dim, 0)
    for part in out:
        norm = (np.abs(part) ** p).sum() ** (1 / p)
        if norm > maxnorm:
            part *= maxnorm / (norm + 1e-7)
    return np.moveaxis(out, 0, dim)


X = within(0.1, 2.0, (3, 4, 2))

CASES = [
    Case("renorm", X, limited, {"p": 2, "dim": 0, "maxnorm": 3.5}),
    Case("renorm", X, limited, {"p": 1, "dim": 1, "maxnorm": 5.0}),
    Case("renorm", X, limited, {"p": 3.0, "dim": -1, "maxnorm": 100.0}),
]
