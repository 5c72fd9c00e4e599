"""Cases of ``lampas.ops.decompose``: the textbook's algorithms, entry by entry."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

import lampas
from cases.solve import WIDE, each_matrix, firm, inverse


def positive(x):
    """A symmetric positive-definite matrix from any."""
    return x @ x.mT + 2 * lampas.eye(x.shape[-1], dtype=x.dtype)


def factor(x):
    a = x @ x.T + 2 * np.eye(len(x))
    low = np.zeros_like(a)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - sum(low[i, k] * low[j, k] for k in range(j))
            low[i, j] = rest**0.5 if i == j else rest / low[j, j]
    return low


def gram_schmidt(x):
    """Q and R with a positive diagonal of R."""
    m, n = x.shape
    q, r = np.zeros((m, min(m, n))), np.zeros((min(m, n), n))
    for j in range(n):
        rest = x[:, j].copy()
        for i in range(min(j, m)):
            r[i, j] = q[:, i] @ x[:, j]
            rest -= r[i, j] * q[:, i]
        if j < m:
            r[j, j] = np.sqrt(rest @ rest)
            q[:, j] = rest / r[j, j]
    return q, r


def signed(op, x, **params):
    """Q and R with the signs that make the diagonal of R positive."""
    q, r = op(x, **params)
    signs = lampas.sgn(r.diagonal(0, -2, -1))
    return q * signs.unsqueeze(-2), r * signs.unsqueeze(-1)


def reflections(a, tau):
    q = np.eye(len(a))
    for j in range(len(tau)):
        v = np.concatenate([np.zeros(j), [1.0], a[j + 1 :, j]])
        q = q @ (np.eye(len(a)) - tau[j] * np.outer(v, v))
    return q


def unpacked(op, x):
    """The product of the reflections with R, which is the input again."""
    a, tau = op(x)
    m, n = x.shape
    return lampas.ormqr(a, tau, a.triu())


def via(name, inputs, oracle, call, **params):
    return Via(name, inputs, oracle, params, tol="loose", dtypes=WIDE, call=call)


def symmetric(op, x, **params):
    return op(positive(x), **params)


CASES = [
    via("linalg.cholesky", normal((3, 3)), factor, symmetric),
    via("linalg.cholesky", normal((2, 4, 4)), each_matrix(factor), symmetric),
    via(
        "linalg.cholesky",
        normal((3, 3)),
        lambda x, upper: factor(x).T,
        symmetric,
        upper=True,
    ),
    via(
        "linalg.cholesky_ex",
        normal((3, 3)),
        lambda x: (factor(x), np.array(0)),
        symmetric,
    ),
    via(
        "cholesky_solve",
        firm((3, 3), (2, 3, 2)),
        lambda a, b: inverse(np.tril(a) @ np.tril(a).T) @ b,
        lambda op, a, b: op(b, a.tril()),
    ),
    via("linalg.qr", normal((4, 3)), gram_schmidt, signed),
    via("linalg.qr", normal((3, 3)), gram_schmidt, signed),
    via("linalg.qr", normal((2, 4)), gram_schmidt, signed),
    via(
        "linalg.qr",
        normal((2, 4)),
        lambda x, mode: gram_schmidt(x),
        signed,
        mode="complete",
    ),
    Via(
        "geqrf",
        normal((4, 3)),
        lambda x: x,
        tol="loose",
        dtypes=WIDE,
        grad=False,
        call=unpacked,
    ),
    Case(
        "linalg.householder_product",
        normal((4, 3), (2,)),
        lambda a, tau: reflections(a, tau)[:, :3],
        tol="loose",
        dtypes=WIDE,
    ),
    Case(
        "ormqr",
        normal((4, 3), (3,), (2, 4)),
        lambda a, tau, c, left, transpose: c @ reflections(a, tau).T,
        {"left": False, "transpose": True},
        tol="loose",
        dtypes=WIDE,
    ),
]
