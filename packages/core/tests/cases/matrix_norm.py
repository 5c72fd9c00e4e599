"""Cases of ``lampas.ops.matrix_norm``; singular values come from ``A^T A``."""

from __future__ import annotations

import math

import numpy as np
from case import Case, normal

INF = math.inf
WIDE = ("float64", "float32")


def singular(m):
    """Roots of the eigenvalues of the smaller Gram matrix."""
    gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    return np.sqrt(np.linalg.eigvalsh(gram))


def size(m, ord):
    if ord == "fro":
        return math.sqrt((m**2).sum())
    if ord == "nuc":
        return singular(m).sum()
    if abs(ord) == 2:
        values = singular(m)
    else:
        values = np.abs(m).sum(0 if abs(ord) == 1 else 1)
    return values.max() if ord > 0 else values.min()


def of_matrices(A, ord="fro", dim=(-2, -1), keepdim=False):
    moved = np.moveaxis(A, dim, (-2, -1))
    lead = moved.shape[:-2]
    found = [size(m, ord) for m in moved.reshape(-1, *moved.shape[-2:])]
    result = np.array(found).reshape(lead)
    dims = sorted(d % A.ndim for d in dim)
    return np.expand_dims(result, dims) if keepdim else result


def either(A, ord=None, dim=None, keepdim=False):
    """``linalg.norm`` where it is a norm of matrices."""
    return of_matrices(A, "fro" if ord is None else ord, dim or (0, 1), keepdim)


def condition(A, p=None):
    def one(m):
        if p in (None, 2):
            return size(m, 2) / size(m, -2)
        return size(m, -2) / size(m, 2) if p == -2 else size(m, p) * size(inverse(m), p)

    return np.array([one(m) for m in A.reshape(-1, *A.shape[-2:])]).reshape(
        A.shape[:-2]
    )


def inverse(m):
    """By the adjugate."""
    n = len(m)
    minors = [
        [
            (-1) ** (i + j)
            * np.linalg.det(np.delete(np.delete(m, j, 0), i, 1).reshape(n - 1, n - 1))
            for j in range(n)
        ]
        for i in range(n)
    ]
    return np.array(minors) / np.linalg.det(m)


NORMS = ("fro", "nuc", 1, -1, 2, -2, INF, -INF)
X = normal((2, 3, 4))

CASES = [
    *(
        Case("linalg.matrix_norm", X, of_matrices, {"ord": o}, "loose", WIDE)
        for o in NORMS
    ),
    *(
        Case(
            "linalg.matrix_norm",
            X,
            of_matrices,
            {"ord": o, "dim": (2, 0), "keepdim": True},
            "loose",
            WIDE,
        )
        for o in NORMS
    ),
    Case("linalg.matrix_norm", X, of_matrices, {"ord": 1}),
    Case("linalg.norm", normal((3, 4)), either, {"ord": "nuc"}, "loose", WIDE),
    Case("linalg.norm", normal((3, 4)), either),
    Case("linalg.norm", X, either, {"ord": INF, "dim": (0, 2)}),
    Case(
        "linalg.norm", X, lambda A, ord, dim: np.abs(A).max(1), {"ord": INF, "dim": 1}
    ),
    Case("linalg.norm", normal((4,)), lambda A, ord: np.abs(A).sum(), {"ord": 1}),
    Case("norm", normal((3, 4)), lambda A, p: size(A, p), {"p": "nuc"}, "loose", WIDE),
    *(
        Case("linalg.cond", normal((2, 3, 3)), condition, {"p": p}, "loose", WIDE)
        for p in (None, -2, 1, INF, "fro", "nuc")
    ),
    Case("linalg.cond", X, condition, {}, "loose", WIDE),
]
