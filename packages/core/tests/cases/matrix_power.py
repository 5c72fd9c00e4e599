"""Cases of ``lampas.ops.matrix_power``; oracles multiply one after another."""

from __future__ import annotations

import functools

import numpy as np
from case import Case, Via, normal

WIDE = ("float64", "float32")


def power(A, n):
    unit = np.broadcast_to(np.eye(A.shape[-1]), A.shape)
    return functools.reduce(np.matmul, [inverse(A) if n < 0 else A] * abs(n), unit)


def inverse(A):
    """By the formula for two rows and two columns."""
    (a, b), (c, d) = A
    return np.array([[d, -b], [-c, a]]) / (a * d - b * c)


def chain(*matrices):
    return functools.reduce(np.matmul, matrices)


def listed(op, *tensors):
    return op(tensors)


CASES = [
    *(
        Case("matrix_power", normal((2, 3, 3)), power, {"n": n}, "loose", WIDE)
        for n in (1, 2, 3, 5, 6)
    ),
    Case("matrix_power", normal((2, 3, 3)), power, {"n": 0}, dtypes=WIDE, second=False),
    Case("matrix_power", normal((2, 2)), power, {"n": -3}, "loose", WIDE),
    Via("linalg.multi_dot", normal((2, 9), (9, 3), (3, 4)), chain, call=listed),
    Via("linalg.multi_dot", normal((3,), (3, 4), (4, 2), (2,)), chain, call=listed),
    Case("chain_matmul", normal((2, 3), (3, 2), (2, 4), (4, 1)), chain),
    Case("chain_matmul", normal((2, 3)), chain),
]
