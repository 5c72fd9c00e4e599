"""Cases of ``lampas.ops.least_squares``; oracles solve the normal equations."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

from cases.solve import WIDE, each_matrix, gauss, inverse


def pseudo(x, **_):
    if len(x) < len(x.T):
        return x.T @ inverse(x @ x.T)
    return inverse(x.T @ x) @ x.T


def thin(x):
    """The pseudo-inverse of ``v v^T``, for a vector v."""
    return np.outer(x, x) / (x @ x) ** 2


def fitted(a, b, **_):
    x = gauss(a.T @ a, a.T @ b)
    return x, ((a @ x - b) ** 2).sum(0)


def case(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="loose", dtypes=WIDE)


def via(name, inputs, oracle, call, **params):
    return Via(name, inputs, oracle, params, tol="loose", dtypes=WIDE, call=call)


CASES = [
    case("linalg.pinv", normal((4, 2)), pseudo),
    case("linalg.pinv", normal((2, 4)), pseudo),
    case("linalg.pinv", normal((3, 3, 2)), each_matrix(pseudo), atol=1e-4),
    case("pinverse", normal((3, 3)), pseudo),
    via(
        "linalg.pinv",
        normal((3,)),
        thin,
        lambda op, x: op(x.unsqueeze(0) * x.unsqueeze(1), rtol=1e-3),
    ),
    via(
        "linalg.pinv",
        normal((3,)),
        lambda x, hermitian: thin(x),
        lambda op, x, hermitian: op(
            x.unsqueeze(0) * x.unsqueeze(1), rtol=1e-3, hermitian=hermitian
        ),
        hermitian=True,
    ),
    via(
        "linalg.lstsq",
        normal((5, 2), (5, 3)),
        fitted,
        lambda op, a, b, driver: op(a, b, driver=driver)[:2],
        driver="gels",
    ),
    via(
        "linalg.lstsq",
        normal((2, 4), (2, 1)),
        lambda a, b: pseudo(a) @ b,
        lambda op, a, b: op(a, b).solution,
    ),
    via(
        "linalg.lstsq",
        normal((4, 2), (4,)),
        lambda a, b: fitted(a, b[:, None])[0][:, 0],
        lambda op, a, b: op(a, b).solution,
    ),
    Case(
        "linalg.matrix_rank",
        normal((2, 4, 3)),
        lambda x: np.array([3, 3]),
        tol="exact",
        dtypes=WIDE,
        grad=False,
    ),
]
