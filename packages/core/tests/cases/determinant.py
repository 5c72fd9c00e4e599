"""Cases of ``lampas.ops.determinant``; the oracle expands by the first row."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

from cases.solve import WIDE, each_matrix


def expanded(x):
    if len(x) == 0:
        return 1.0
    minors = [np.delete(x[1:], j, 1) for j in range(len(x))]
    return sum((-1) ** j * x[0, j] * expanded(m) for j, m in enumerate(minors))


def sign_and_log(x):
    value = expanded(x)
    return np.sign(value), np.log(abs(value))


def case(name, inputs, oracle):
    return Case(name, inputs, oracle, tol="loose", dtypes=WIDE)


CASES = [
    case("linalg.det", normal((3, 3)), expanded),
    case("det", normal((2, 4, 4)), each_matrix(expanded)),
    case("linalg.det", normal((1, 1)), expanded),
    case("linalg.slogdet", normal((3, 3)), sign_and_log),
    Via(
        "logdet",
        normal((3, 3)),
        lambda x: np.log(expanded(x @ x.T + np.eye(3))),
        tol="loose",
        dtypes=WIDE,
        call=lambda op, x: op(x @ x.mT + x.new_tensor(np.eye(3))),
    ),
]
