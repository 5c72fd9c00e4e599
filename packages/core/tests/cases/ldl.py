"""Cases of ``lampas.ops.ldl``: decompositions solve the systems they stand for."""

from __future__ import annotations

import numpy as np
from case import Via, given, normal

import lampas
from cases.solve import WIDE, solved


def symmetric(x):
    """A symmetric matrix with a small diagonal, which needs blocks of two rows."""
    return (x + x.swapaxes(-1, -2)) * (1 - 0.9 * np.eye(x.shape[-1]))


def answer(op, x, b, **params):
    a = lampas.from_numpy(symmetric(x.numpy().astype(np.float64))).to(x.dtype)
    return op(*lampas.linalg.ldl_factor(a.tril(), **params), b, **params)


CASES = [
    Via(
        "linalg.ldl_solve",
        normal((6, 6), (6, 2)),
        lambda x, b: solved(symmetric(x), b),
        tol="loose",
        dtypes=WIDE,
        grad=False,
        call=answer,
    ),
    Via(
        "linalg.ldl_solve",
        normal((2, 1, 4, 4), (3, 4, 1)),
        lambda x, b, hermitian: solved(symmetric(x), b),
        {"hermitian": True},
        tol="loose",
        dtypes=WIDE,
        grad=False,
        call=answer,
    ),
    # The last row comes first; then no more rows are swapped.
    Via(
        "linalg.ldl_factor_ex",
        given([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [3.0, 4.0, 5.0]]),
        lambda x: (
            np.array([[5.0, 0, 0], [0.8, -3.2, 0], [0.6, 0.125, -1.75]]),
            np.array([3, 2, 3]),
            np.array(0),
        ),
        tol="loose",
        dtypes=WIDE,
        grad=False,
    ),
]
