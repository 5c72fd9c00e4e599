"""Cases of ``lampas.ops.mask``."""

from __future__ import annotations

import numpy as np
from case import Case, given, normal

MASK = np.array([[True, False, True], [False, False, True]])


def with_mask(mask, *shapes):
    def make(rng):
        first, *rest = (rng.standard_normal(s) for s in shapes)
        return [first, mask, *rest]

    return make


def filled(x, mask, value):
    pairs = zip(x.flat, np.broadcast_to(mask, x.shape).flat, strict=True)
    return np.array([value if m else v for v, m in pairs]).reshape(x.shape)


def triangle(upper):
    def oracle(x, diagonal=0):
        out = np.zeros_like(x)
        for i in range(x.shape[-2]):
            for j in range(x.shape[-1]):
                keep = j - i >= diagonal if upper else j - i <= diagonal
                out[..., i, j] = x[..., i, j] if keep else 0
        return out

    return oracle


def exact(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


CUBE = normal((2, 3, 4))

CASES = [
    exact("masked_fill", with_mask(MASK, (2, 3)), filled, value=0.5),
    Case(
        "masked_fill",
        with_mask(MASK[0], (2, 3)),
        filled,
        {"value": float("-inf")},
        grad=False,
    ),
    exact("masked_fill", with_mask(MASK, (2, 3), ()), filled),
    exact(
        "masked_fill",
        with_mask(MASK, (3,)),
        lambda x, m, value: filled(np.stack([x, x]), m, value),
        value=0.0,
    ),
    exact(
        "masked_select",
        with_mask(MASK, (2, 3)),
        lambda x, m: np.array([x[0, 0], x[0, 2], x[1, 2]]),
    ),
    exact(
        "masked_scatter",
        with_mask(MASK, (2, 3), (4,)),
        lambda x, m, s: np.array([[s[0], x[0, 1], s[1]], [x[1, 0], x[1, 1], s[2]]]),
    ),
    exact("nonzero", given([[0, 2], [3, 0]]), lambda x: np.array([[0, 1], [1, 0]])),
    exact("argwhere", given([0, 0, 4]), lambda x: np.array([[2]])),
    exact("tril", CUBE, triangle(upper=False)),
    exact("tril", CUBE, triangle(upper=False), diagonal=1),
    exact("triu", CUBE, triangle(upper=True)),
    exact("triu", CUBE, triangle(upper=True), diagonal=-1),
]
