"""Cases of ``lampas.ops.split``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, normal

LONG = normal((7, 2))


def parts(dim):
    def oracle(x, indices_or_sections):
        size = x.shape[dim] // indices_or_sections
        at = (slice(None),) * dim
        return tuple(
            x[(*at, slice(i * size, (i + 1) * size))]
            for i in range(indices_or_sections)
        )

    return oracle


def splitting(name, shape, dim):
    params = {"indices_or_sections": 2}
    return Case(name, normal(shape), parts(dim), params, tol="exact")


def between(x, borders, dim):
    moved = np.moveaxis(x, dim, 0)
    pairs = zip(borders, borders[1:], strict=False)
    return tuple(np.moveaxis(moved[a:b], 0, dim) for a, b in pairs)


def parting(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


CASES = [
    splitting("hsplit", (4,), 0),
    splitting("hsplit", (2, 4), 1),
    splitting("vsplit", (4, 2), 0),
    splitting("dsplit", (1, 2, 4), 2),
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
