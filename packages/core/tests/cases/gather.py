"""Cases of ``lampas.ops.gather``; oracles loop over single elements."""

from __future__ import annotations

import numpy as np
from case import Via

PLACES = np.array([[0, 2, 1], [3, 3, 0]])
VECTOR = np.array([2, 0, 2])


def gathered(x, index, dim):
    out = np.empty(index.shape)
    for at in np.ndindex(*index.shape):
        source = list(at)
        source[dim] = index[at]
        out[at] = x[tuple(source)]
    return out


def scattered(x, index, src, dim, add=False):
    out = x.copy()
    for at in np.ndindex(*index.shape):
        target = list(at)
        target[dim] = index[at]
        value = src[at] if np.ndim(src) else src
        out[tuple(target)] = out[tuple(target)] + value if add else value
    return out


def placed(x, index, source, dim, combine):
    out = np.moveaxis(x.copy(), dim, 0)
    rows = np.moveaxis(source, dim, 0)
    for i, row in zip(index, rows, strict=True):
        out[i] = combine(out[i], row)
    return np.moveaxis(out, 0, dim)


def with_index(index, *shapes):
    def make(rng):
        first, *rest = (rng.standard_normal(s) for s in shapes)
        return [first, index, *rest]

    return make


def along(name, inputs, oracle, dim, **params):
    """The dimension stands second in these functions."""

    def call(op, x, *rest, dim, **others):
        return op(x, dim, *rest, **others)

    return Via(name, inputs, oracle, {"dim": dim, **params}, call=call)


UNIQUE = np.array([[0, 2, 1], [3, 1, 0]])

CASES = [
    along("gather", with_index(PLACES, (4, 3)), gathered, 0),
    along("gather", with_index(PLACES.T, (3, 4)), gathered, 1),
    along("gather", with_index(np.array(0), ()), lambda x, i, dim: x, 0),
    along("gather", with_index(np.zeros((0, 3), int), (4, 3)), gathered, 0),
    Via(
        "take_along_dim",
        with_index(np.array([[0], [2]]), (2, 3)),
        lambda x, i: np.array([[x[0, 0]], [x[1, 2]]]),
        call=lambda op, x, i: op(x, i, 1),
    ),
    Via(
        "take_along_dim",
        with_index(np.array([5, 0]), (2, 3)),
        lambda x, i: np.array([x[1, 2], x[0, 0]]),
        call=lambda op, x, i: op(x, i),
    ),
    Via(
        "take",
        with_index(np.array([[5, 0]]), (2, 3)),
        lambda x, i: np.array([[x[1, 2], x[0, 0]]]),
        call=lambda op, x, i: op(x, i),
    ),
    along("index_select", with_index(VECTOR, (3, 2)), lambda x, i, dim: x[i], 0),
    along(
        "index_select",
        with_index(VECTOR, (2, 3)),
        lambda x, i, dim: np.stack([x[:, k] for k in i], 1),
        1,
    ),
    along("scatter", with_index(UNIQUE, (4, 3), (2, 3)), scattered, 0),
    along("scatter", with_index(UNIQUE.T, (3, 4), (3, 5)), scattered, 1),
    along(
        "scatter",
        with_index(UNIQUE, (4, 3)),
        lambda x, i, dim, value: scattered(x, i, value, dim),
        0,
        value=2.5,
    ),
    along(
        "scatter",
        with_index(PLACES, (4, 3), (2, 3)),
        lambda x, i, s, dim, reduce: scattered(x, i, s, dim, add=True),
        0,
        reduce="add",
    ),
    along(
        "scatter_add",
        with_index(PLACES, (4, 3), (2, 3)),
        lambda x, i, s, dim: scattered(x, i, s, dim, add=True),
        0,
    ),
    along(
        "index_add",
        with_index(VECTOR, (3, 2), (3, 2)),
        lambda x, i, s, dim: placed(x, i, s, dim, lambda a, b: a + b),
        0,
    ),
    along(
        "index_add",
        with_index(VECTOR, (2, 3), (2, 3)),
        lambda x, i, s, dim, alpha: placed(x, i, s, dim, lambda a, b: a + 2 * b),
        1,
        alpha=2,
    ),
    along(
        "index_copy",
        with_index(np.array([2, 0]), (3, 2), (2, 2)),
        lambda x, i, s, dim: placed(x, i, s, dim, lambda a, b: b),
        0,
    ),
    along(
        "index_fill",
        with_index(VECTOR, (3, 2)),
        lambda x, i, dim, value: np.stack([[value] * 2, x[1], [value] * 2]),
        0,
        value=7.5,
    ),
]
