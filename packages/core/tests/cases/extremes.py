"""Cases of ``lampas.ops.extremes``."""

from __future__ import annotations

import statistics

import numpy as np
from case import Case, apart, given

X = apart((2, 3, 4))


def along(function, dim, keepdim=False):
    """An oracle that gives a function each row along a dimension, as a list."""

    def oracle(x, **params):
        result = np.apply_along_axis(lambda row: function(row.tolist()), dim, x)
        return np.expand_dims(result, dim) if keepdim else result

    return oracle


def position(choose):
    return lambda row: row.index(choose(row))


def with_position(choose, dim, keepdim=False):
    values = along(choose, dim, keepdim)
    places = along(position(choose), dim, keepdim)
    return lambda x, **params: (values(x), places(x))


def whole(function):
    return lambda x: np.array(function(x.ravel().tolist()))


def both(x, **params):
    return np.array(x.min()), np.array(x.max())


CASES = [
    *(
        Case(name, X, whole(choose), tol="tight")
        for name, choose in {
            "max": max,
            "min": min,
            "amax": max,
            "amin": min,
            "median": statistics.median_low,
        }.items()
    ),
    *(
        Case(
            name,
            X,
            with_position(choose, 1, keepdim),
            {"dim": 1, "keepdim": keepdim},
            tol="tight",
        )
        for name, choose in {
            "max": max,
            "min": min,
            "median": statistics.median_low,
        }.items()
        for keepdim in (False, True)
    ),
    Case("amax", X, along(max, 2), {"dim": -1}, tol="tight"),
    Case("amin", X, along(min, 1, True), {"dim": 1, "keepdim": True}, tol="tight"),
    Case("amax", X, lambda x, dim: x.max((0, 2)), {"dim": (0, 2)}, tol="tight"),
    Case("aminmax", X, both, tol="tight"),
    Case("argmax", X, whole(position(max)), tol="exact", grad=False),
    Case("argmin", X, whole(position(min)), tol="exact", grad=False),
    Case("argmax", X, along(position(max), 1), {"dim": 1}, tol="exact", grad=False),
    Case("argmin", X, along(position(min), 2), {"dim": -1}, tol="exact", grad=False),
    Case(
        "argmax", given([1.0, 3.0, 3.0]), lambda x: np.array(1), tol="exact", grad=False
    ),
]
