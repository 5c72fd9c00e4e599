"""Cases of ``lampas.ops.grid``."""

from __future__ import annotations

import itertools

import numpy as np
from case import Case, normal


def coordinates(*vectors, indexing="ij"):
    sizes = [len(v) for v in vectors]
    out = [np.empty(sizes) for _ in vectors]
    for at in np.ndindex(*sizes):
        for i, v in enumerate(vectors):
            out[i][at] = v[at[i]]
    if indexing == "xy":
        out = [np.swapaxes(x, 0, 1) for x in out]
    return tuple(out)


def chosen(x, r=2, with_replacement=False):
    rows = itertools.product(range(len(x)), repeat=r)
    ordered = [
        row
        for row in rows
        if all(
            a < b or (with_replacement and a == b) for a, b in itertools.pairwise(row)
        )
    ]
    return np.array([[x[i] for i in row] for row in ordered]).reshape(-1, r)


CASES = [
    Case("meshgrid", normal((3,), (2,)), coordinates, tol="exact"),
    Case("meshgrid", normal((3,), (2,)), coordinates, {"indexing": "xy"}, tol="exact"),
    Case("meshgrid", normal((3,), (2,), (4,)), coordinates, {"indexing": "xy"}),
    Case(
        "cartesian_prod",
        normal((3,), (2,)),
        lambda a, b: np.array([[x, y] for x in a for y in b]),
        tol="exact",
    ),
    Case("combinations", normal((4,)), chosen, tol="exact"),
    Case("combinations", normal((4,)), chosen, {"r": 3}, tol="exact"),
    Case("combinations", normal((3,)), chosen, {"with_replacement": True}, tol="exact"),
    Case("combinations", normal((1,)), chosen, tol="exact"),
]
