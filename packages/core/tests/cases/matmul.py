"""Cases of ``lampas.ops.matmul``; the oracle sums products one by one."""

from __future__ import annotations

import numpy as np
from case import Case, normal


def product(x, other):
    """``sum_k x[..., i, k] * other[..., k, j]`` by loops over i and j."""
    left = x[None, :] if x.ndim == 1 else x
    right = other[:, None] if other.ndim == 1 else other
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    out = np.zeros((*batch, left.shape[-2], right.shape[-1]))
    for i in range(out.shape[-2]):
        for j in range(out.shape[-1]):
            out[..., i, j] = (left[..., i, :] * right[..., :, j]).sum(-1)
    if x.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if other.ndim == 1 else out


def affine(x, weight, bias=0.0):
    return product(x, weight.T) + bias


def combined(x, a, b, beta=1, alpha=1):
    return beta * x + alpha * product(a, b)


MATRICES = normal((3, 4), (4, 2))

CASES = [
    Case("matmul", MATRICES, product),
    Case("matmul", normal((4,), (4,)), product),
    Case("matmul", normal((4,), (4, 2)), product),
    Case("matmul", normal((3, 4), (4,)), product),
    Case("matmul", normal((5, 3, 4), (4,)), product),
    Case("matmul", normal((4,), (5, 4, 2)), product),
    Case("matmul", normal((5, 3, 4), (5, 4, 2)), product),
    Case("matmul", normal((5, 3, 4), (4, 2)), product),
    Case("matmul", normal((3, 4), (5, 4, 2)), product),
    Case("matmul", normal((2, 1, 3, 4), (5, 4, 2)), product),
    Case("matmul", normal((3, 0), (0, 2)), product),
    Case("matmul", normal((0, 3), (3, 2)), product),
    Case("mm", MATRICES, product),
    Case("bmm", normal((5, 3, 4), (5, 4, 2)), product),
    Case("mv", normal((3, 4), (4,)), product),
    Case("dot", normal((4,), (4,)), product),
    Case("outer", normal((3,), (4,)), lambda x, y: x[:, None] * y[None, :]),
    Case("addmm", normal((3, 2), (3, 4), (4, 2)), combined),
    Case(
        "addmm",
        normal((2,), (3, 4), (4, 2)),
        combined,
        {"beta": 0.5, "alpha": 3},
    ),
    Case("addmm", normal((2,), (3, 4), (4, 2)), combined, {"beta": 0}),
    Case("baddbmm", normal((5, 3, 2), (5, 3, 4), (5, 4, 2)), combined, {"alpha": 2}),
    Case("nn.functional.linear", normal((3, 4), (2, 4)), affine),
    Case("nn.functional.linear", normal((3, 4), (2, 4), (2,)), affine),
    Case("nn.functional.linear", normal((4,), (2, 4), (2,)), affine),
    Case("nn.functional.linear", normal((5, 3, 4), (2, 4)), affine),
    Case("nn.functional.linear", normal((5, 3, 4), (2, 4), (2,)), affine),
    Case("nn.functional.linear", normal((0, 4), (2, 4), (2,)), affine),
]
