"""Cases of ``lampas.ops.convert``."""

from __future__ import annotations

from case import Case, given, normal

import lampas

X = normal((3, 4))

CASES = [
    Case("clone", X, lambda x: x, tol="tight"),
    Case("Tensor.contiguous", X, lambda x: x, tol="tight"),
    Case("Tensor.double", X, lambda x: x, tol="tight"),
    Case("Tensor.to", X, lambda x, device: x, {"device": "cpu"}, tol="tight"),
    Case("Tensor.to", X, lambda x, device: x, {"device": "sim"}, grad=False),
    Case(
        "Tensor.long",
        given([1.75, -1.75]),
        lambda x: x.astype(int),
        tol="exact",
        grad=False,
    ),
    Case("Tensor.to", X, lambda x, dtype: x, {"dtype": lampas.float64}, tol="tight"),
]
