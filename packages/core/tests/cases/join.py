"""Cases of ``lampas.ops.join``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal


def joined(xs, dim=0):
    rows = [row for x in xs for row in np.moveaxis(x, dim, 0)]
    return np.moveaxis(np.array(rows), 0, dim)


def stacked(xs, dim=0):
    return np.moveaxis(np.array(list(xs)), 0, dim)


def between(x, borders, dim):
    moved = np.moveaxis(x, dim, 0)
    pairs = zip(borders, borders[1:], strict=False)
    return tuple(np.moveaxis(moved[a:b], 0, dim) for a, b in pairs)


def joining(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact", listed=True)


def parting(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


LONG = normal((7, 2))

CASES = [
    joining("cat", normal((2, 3), (1, 3), (4, 3)), joined),
    joining("cat", normal((2, 3), (2, 1)), joined, dim=-1),
    joining("cat", normal((2, 3)), joined),
    joining("cat", normal((0,), (2, 3)), lambda xs: xs[1]),
    joining("concat", normal((2,), (3,)), joined),
    joining("stack", normal((2, 3), (2, 3)), stacked),
    joining("stack", normal((2, 3), (2, 3)), stacked, dim=-1),
    joining("stack", normal((), ()), stacked),
    joining("hstack", normal((2,), ()), lambda xs: np.array([*xs[0], xs[1]])),
    joining("hstack", normal((2, 1), (2, 3)), lambda xs: joined(xs, 1)),
    joining("vstack", normal((2,), (3, 2)), lambda xs: np.array([xs[0], *xs[1]])),
    joining("dstack", normal((2,), (2,)), lambda xs: np.array([list(zip(*xs))])),
    parting("unbind", normal((3, 2)), lambda x: (x[0], x[1], x[2])),
    parting("unbind", normal((3, 2)), lambda x, dim: (x[:, 0], x[:, 1]), dim=1),
    Via("unbind", normal((3, 2)), lambda x: x[1], call=lambda op, x: op(x)[1]),
    parting("unbind", normal((2,)), lambda x: (x[0], x[1])),
    parting(
        "split",
        LONG,
        lambda x, split_size_or_sections: between(x, (0, 3, 6, 7), 0),
        split_size_or_sections=3,
    ),
    parting(
        "split",
        LONG,
        lambda x, split_size_or_sections: between(x, (0, 2, 2, 7), 0),
        split_size_or_sections=[2, 0, 5],
    ),
    parting("chunk", LONG, lambda x, chunks: between(x, (0, 3, 6, 7), 0), chunks=3),
    parting("chunk", LONG, lambda x, **_: between(x, (0, 1, 2), 1), chunks=5, dim=1),
    parting(
        "tensor_split",
        LONG,
        lambda x, indices_or_sections: between(x, (0, 3, 5, 7), 0),
        indices_or_sections=3,
    ),
    parting(
        "tensor_split",
        LONG,
        lambda x, indices_or_sections: between(x, (0, 1, 6, 7), 0),
        indices_or_sections=[1, -1],
    ),
]
