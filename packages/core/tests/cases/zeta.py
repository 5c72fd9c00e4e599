"""Cases of ``lampas.ops.zeta``; sums of the definition and closed forms."""

from __future__ import annotations

import math

import numpy as np
from case import Case, Via, each, given, within


def hurwitz(s, q):
    """The defining sum, its tail as an integral with three corrections."""
    head = math.fsum((q + k) ** -s for k in range(400))
    far = q + 400
    tail = far ** (1 - s) / (s - 1) + far**-s / 2 + s * far ** (-s - 1) / 12
    return head + tail - s * (s + 1) * (s + 2) * far ** (-s - 3) / 720


CASES = [
    Case(
        "special.zeta",
        lambda rng: [rng.uniform(1.5, 6, (3, 4)), rng.uniform(0.3, 5, (3, 4))],
        each(hurwitz),
        grad=False,
        elementwise=True,
    ),
    # The exponent has no derivative.
    Via(
        "special.zeta",
        within(0.3, 5.0, (3, 4)),
        each(lambda q: hurwitz(2.5, q)),
        call=lambda op, q: op(2.5, q),
    ),
    # DLMF 25.6.1, 25.11.11 and 25.11.3.
    Case(
        "special.zeta",
        given([2.0, 4.0, 2.0, 2.0, 3.0], [1.0, 1.0, 0.5, 2.0, -0.5]),
        lambda s, q: np.array(
            [
                math.pi**2 / 6,
                math.pi**4 / 90,
                math.pi**2 / 2,
                math.pi**2 / 6 - 1,
                7 * 1.2020569031595943 - 8,
            ]
        ),
        grad=False,
        dtypes=("float64", "float32"),
    ),
]
