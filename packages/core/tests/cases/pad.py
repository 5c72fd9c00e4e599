"""Cases of ``lampas.ops.pad``."""

from __future__ import annotations

import numpy as np
from case import Case, normal

F = "nn.functional."
MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pairs(x, pad):
    pairs = [pad[i : i + 2] for i in range(0, len(pad), 2)][::-1]
    return [(0, 0)] * (x.ndim - len(pairs)) + pairs


def padded(x, pad, mode):
    return np.pad(x, _pairs(x, pad), mode=MODES[mode])


def constant(x, pad, value=0.0):
    pairs = _pairs(x, pad)
    grown = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], constant_values=value)
    cut = tuple(
        slice(max(-a, 0), size - max(-b, 0))
        for size, (a, b) in zip(grown.shape, pairs, strict=True)
    )
    return grown[cut]


CASES = [
    Case(F + "pad", normal((2, 3)), constant, {"pad": (1, 2, 0, 1)}, tol="exact"),
    Case(F + "pad", normal((3, 4)), constant, {"pad": (-1, 2), "value": 2.5}),
    Case(F + "pad", normal((1, 2, 5)), padded, {"pad": (2, 1), "mode": "reflect"}),
    *(
        Case(
            F + "pad", normal((1, 2, 4, 5)), padded, {"pad": (2, 1, 0, 3), "mode": mode}
        )
        for mode in MODES
    ),
]
