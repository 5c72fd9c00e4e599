"""Cases of ``lampas.ops.complex``; inputs and results are real, as oracles are."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

import lampas

PAIRS = normal((3, 2))
WIDE = ("float64", "float32")


def part(name):
    """A part of the square of numbers given as pairs."""

    def call(op, x):
        z = lampas.view_as_complex(x.contiguous())
        return op(z * z)

    def oracle(x):
        re, im = x[..., 0], x[..., 1]
        return re * re - im * im if name == "real" else 2 * re * im

    return Via(name, PAIRS, oracle, dtypes=WIDE, call=call)


def halves(op, x):
    return op(lampas.view_as_complex(x.contiguous()) * 2)


CASES = [
    part("real"),
    part("imag"),
    Case("real", normal((3,)), lambda x: x, tol="exact"),
    Via("view_as_real", PAIRS, lambda x: 2 * x, dtypes=WIDE, call=halves),
    Via(
        "view_as_complex",
        PAIRS,
        lambda x: np.hypot(x[..., 0], x[..., 1]),
        dtypes=WIDE,
        call=lambda op, x: op(x.contiguous()).abs(),
    ),
]
