"""Cases of ``lampas.ops.spectral``.

Eigenvalues of 2 by 2 matrices are the roots of a quadratic. Vectors are tested where
their signs do not matter: as projections, and in products with each other.
"""

from __future__ import annotations

import numpy as np
from case import Via, normal

import lampas
from cases.solve import WIDE, each_matrix


def hermitian(op, x, **params):
    return op(x + x.mT, **params)


def roots(a):
    """The eigenvalues of a symmetric 2 by 2 matrix, in order."""
    mean, half = (a[0, 0] + a[1, 1]) / 2, (a[0, 0] - a[1, 1]) / 2
    spread = np.hypot(half, (a[0, 1] + a[1, 0]) / 2)
    return np.array([mean - spread, mean + spread])


def doubled(x):
    return roots(x + x.T)


def projections(a):
    """Eigenvalues, and the projection on the second eigenvector."""
    values = roots(a)
    return values, (a - values[0] * np.eye(2)) / (values[1] - values[0])


def projected(op, x, **params):
    values, vectors = op(x + x.mT, **params)
    last = vectors[..., 1:]
    return values, last @ last.mT


def turning(x):
    """A matrix with the eigenvalues ``p + iq`` and ``p - iq``, from ``p, q, r``."""
    return [[x[0], -x[1] * x[2]], [x[1] / x[2], x[0]]]


def spun(op, x):
    rows = turning(x.abs() + 1)
    a = lampas.stack([lampas.stack(row) for row in rows])
    values = op(a)
    values = (
        values[0] if type(values) is tuple or hasattr(values, "_fields") else values
    )
    order = values.detach().imag.argsort()
    values = values[order]
    return values.real, values.imag


def spun_roots(x):
    p, q, _ = abs(x) + 1
    return np.array([p, p]), np.array([-q, q])


def upper_vectors(op, x):
    """The square of the second eigenvector's entries, of a triangular matrix."""
    a = lampas.stack(
        [lampas.stack([x[0], x[1]]), lampas.stack([0 * x[0], x[0] + 1 + x[2].abs()])]
    )
    _, vectors = op(a)
    return vectors[:, 1].abs().square()


def upper_squares(x):
    # (a - d, b; 0, 0) v = 0 for v = (b, d - a).
    v = np.array([x[1], 1 + abs(x[2])])
    return v**2 / (v @ v)


def singular(x):
    """Singular values: roots of the eigenvalues of the smaller Gram matrix."""
    gram = x @ x.T if len(x) < len(x.T) else x.T @ x
    return np.sqrt(np.maximum(roots(gram)[::-1], 0))


def halves(x):
    """Singular values, and the projections on the first left and right vector."""
    s = singular(x)
    left, right = x @ x.T, x.T @ x
    # Both Gram matrices have the same two eigenvalues that are not zero.
    scale = s[0] ** 2 * (s[0] ** 2 - s[1] ** 2)
    first = [g @ (g - s[1] ** 2 * np.eye(len(g))) / scale for g in (left, right)]
    return first[0], s, first[1], x


def split(op, x, **params):
    u, s, vh = op(x, **params)
    k = s.shape[-1]
    u0, v0 = u[:, :1], vh[:1]
    return u0 @ u0.mT, s, v0.mT @ v0, (u[:, :k] * s) @ vh[:k]


def via(name, inputs, oracle, call, **params):
    def without(x, **_):
        return oracle(x)

    return Via(name, inputs, without, params, tol="loose", dtypes=WIDE, call=call)


def plain(op, x):
    return op(x)


CASES = [
    via("linalg.eigvalsh", normal((2, 2)), doubled, hermitian),
    via("linalg.eigvalsh", normal((3, 2, 2)), each_matrix(doubled), hermitian),
    via("linalg.eigvalsh", normal((2, 2)), doubled, hermitian, UPLO="U"),
    via("linalg.eigh", normal((2, 2)), lambda x: projections(x + x.T), projected),
    via("linalg.eigvals", normal((3,)), spun_roots, spun),
    via("linalg.eig", normal((3,)), spun_roots, spun),
    via("linalg.eig", normal((3,)), upper_squares, upper_vectors),
    via("linalg.svdvals", normal((2, 3)), singular, plain),
    via("linalg.svdvals", normal((4, 3, 2)), each_matrix(singular), plain),
    via("linalg.svd", normal((2, 2)), halves, split),
    via("linalg.svd", normal((4, 2)), halves, split, full_matrices=False),
    via("linalg.svd", normal((2, 3)), halves, split, full_matrices=False),
    via("linalg.svd", normal((2, 4)), halves, split),
    via("linalg.svd", normal((3, 2)), halves, split),
]
