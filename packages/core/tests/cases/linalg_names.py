"""Cases of ``lampas.ops.linalg_names``: other names of what is tested elsewhere."""

from __future__ import annotations

import numpy as np
from case import Case, Via

from cases.decompose import gram_schmidt, reflections, signed
from cases.solve import WIDE, firm, gauss, inverse


def case(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="loose", dtypes=WIDE)


def via(name, inputs, oracle, call, **params):
    return Via(name, inputs, oracle, params, tol="loose", dtypes=WIDE, call=call)


CASES = [
    case("inverse", firm((3, 3)), inverse),
    case("orgqr", firm((3, 2), (2,)), lambda a, tau: reflections(a, tau)[:, :2]),
    via("qr", firm((3, 2)), gram_schmidt, signed),
    via(
        "cholesky_inverse",
        firm((3, 3)),
        lambda x, upper: inverse(np.triu(x).T @ np.triu(x)),
        lambda op, x, upper: op(x.triu(), upper),
        upper=True,
    ),
    Case(
        "triangular_solve",
        firm((3, 2), (3, 3)),
        lambda b, a, transpose: (gauss(np.triu(a).T, b), a),
        {"transpose": True},
        tol="loose",
        dtypes=WIDE,
    ),
]
