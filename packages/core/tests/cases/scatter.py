"""Cases of ``lampas.ops.scatter`` that combine; plain ones stand with ``gather``."""

from __future__ import annotations

import numpy as np
from case import Via, apart, normal

PLACES = np.array([[0, 2, 0], [3, 2, 0], [0, 1, 0]])
VECTOR = np.array([2, 0, 2])


def combined(x, index, src, dim, reduce, include_self=True):
    found: dict = {}
    for at in np.ndindex(*index.shape):
        target = list(at)
        target[dim] = index[at]
        found.setdefault(tuple(target), []).append(src[at])
    out = x.copy()
    for target, values in found.items():
        values = ([x[target]] if include_self else []) + values
        out[target] = {
            "sum": np.sum,
            "prod": np.prod,
            "mean": np.mean,
            "amax": np.max,
            "amin": np.min,
        }[reduce](values)
    return out


def by_rows(x, index, source, dim, reduce, include_self=True):
    shape = [-1 if d == dim else 1 for d in range(x.ndim)]
    wide = np.broadcast_to(index.reshape(shape), source.shape)
    return combined(x, wide, source, dim, reduce, include_self)


def reducing(name, oracle, index, x, source, dim, reduce, include_self=True):
    def inputs(rng):
        # Products are smooth only where no factor is 0.
        make = normal if reduce == "prod" else apart
        first, second = make(x, source)(rng)
        return [first, index, second]

    params = {"dim": dim, "reduce": reduce, "include_self": include_self}
    return Via(
        name,
        inputs,
        oracle,
        params,
        call=lambda op, x, index, source, dim, reduce, include_self: op(
            x, dim, index, source, reduce, include_self=include_self
        ),
    )


def with_zeros(rng):
    return [np.array([2.0, 0.0, 3.0]), np.array([0, 0, 1]), np.array([0.0, 5.0, 4.0])]


CASES = [
    Via(
        "scatter_reduce",
        with_zeros,
        combined,
        {"dim": 0, "reduce": "prod"},
        second=False,
        call=lambda op, x, index, source, dim, reduce: op(
            x, dim, index, source, reduce
        ),
    ),
    *(
        reducing("scatter_reduce", combined, PLACES, (4, 3), (3, 3), 0, kind, own)
        for kind in ("sum", "prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
    reducing("scatter_reduce", combined, PLACES.T, (3, 4), (3, 4), 1, "amax"),
    *(
        reducing("index_reduce", by_rows, VECTOR, (4, 3), (3, 3), 0, kind, own)
        for kind in ("prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
]
