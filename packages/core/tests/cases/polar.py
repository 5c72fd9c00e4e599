"""Cases of ``lampas.ops.polar``; inputs and results are real, as oracles are."""

from __future__ import annotations

import numpy as np
from case import Case, Via, given, normal, within

import lampas

WIDE = ("float64", "float32")


def as_pairs(op, *parts):
    return lampas.view_as_real(op(*parts))


def after_joining(op, re, im):
    result = op(lampas.complex(re, im))
    return lampas.view_as_real(result) if result.is_complex() else result


def pairs(re, im):
    return np.stack(np.broadcast_arrays(re, im), axis=-1)


CASES = [
    Via("complex", normal((3,), (2, 3)), pairs, dtypes=WIDE, call=as_pairs),
    Via(
        "polar",
        normal((3,), (2, 1)),
        lambda r, a: pairs(r * np.cos(a), r * np.sin(a)),
        dtypes=WIDE,
        call=as_pairs,
    ),
    Via(
        "angle",
        normal((3, 4), (3, 4)),
        lambda re, im: np.arctan2(im, re),
        dtypes=WIDE,
        call=after_joining,
    ),
    Case("angle", given([-1.5, 1.0, 2.0]), lambda x: np.array([np.pi, 0.0, 0.0])),
    Via(
        "conj_physical",
        normal((3,), (3,)),
        lambda re, im: pairs(re, -im),
        dtypes=WIDE,
        call=after_joining,
    ),
    Case("isreal", within(1, 2, (3,)), lambda x: np.full(3, True), grad=False),
]
