"""Cases of ``lampas.ops.sort``; oracles use Python's ``sorted``, which is stable."""

from __future__ import annotations

import numpy as np
from case import Case, Via, apart, given

import lampas


def lined(function):
    """Apply a function of a list, giving two lists, along a dimension."""

    def oracle(x, dim=-1, **params):
        rows = np.moveaxis(x, dim, -1)
        flat = [function(list(r), **params) for r in rows.reshape(-1, rows.shape[-1])]
        out = []
        for i in range(2):
            found = np.array([pair[i] for pair in flat])
            out.append(
                np.moveaxis(found.reshape(*rows.shape[:-1], *found.shape[1:]), -1, dim)
                if found.ndim > 1
                else found.reshape(rows.shape[:-1])
            )
        return tuple(out)

    return oracle


def ordered(row, descending=False):
    order = sorted(range(len(row)), key=row.__getitem__, reverse=descending)
    return [row[i] for i in order], order


def largest(row, k, largest=True):
    values, order = ordered(row, largest)
    return values[:k], order[:k]


def ranked(row, k):
    values, order = ordered(row)
    return values[k - 1], order[k - 1]


SQUARE = apart((3, 4))


def case(name, inputs, oracle, **params):
    return Case(name, inputs, oracle, params, tol="exact")


CASES = [
    case("sort", SQUARE, lined(ordered)),
    case("sort", SQUARE, lined(ordered), dim=0),
    case("sort", SQUARE, lined(ordered), descending=True),
    case("sort", apart(()), lambda x: (x, np.array(0))),
    case("sort", given([2, 1, 2, 1]), lined(ordered)),
    Case(
        "argsort",
        SQUARE,
        lambda x, dim: lined(ordered)(x, dim)[1],
        {"dim": 0},
        grad=False,
    ),
    case("msort", SQUARE, lambda x: lined(ordered)(x, 0)[0]),
    Via("sort", SQUARE, lambda x: 2 * x, call=lambda op, x: _slope(op, x)),
    case("topk", SQUARE, lined(largest), k=2),
    case("topk", SQUARE, lined(largest), k=2, dim=0, largest=False),
    case("topk", SQUARE, lined(largest), k=4),
    case("kthvalue", SQUARE, lined(ranked), k=2),
    case("kthvalue", SQUARE, lined(ranked), k=3, dim=0),
    case("unique", given([3, 1, 3, 2]), lambda x: np.array([1, 2, 3])),
    case(
        "unique",
        given([[3, 1], [3, 2]]),
        lambda x, **_: (
            np.array([1, 2, 3]),
            np.array([[2, 0], [2, 1]]),
            np.array([1, 1, 2]),
        ),
        return_inverse=True,
        return_counts=True,
    ),
    case(
        "unique",
        given([[3, 1], [0, 2], [3, 1]]),
        lambda x, dim: np.array([[0, 2], [3, 1]]),
        dim=0,
    ),
    case(
        "bincount", given([0, 2, 2]), lambda x, **_: np.array([1, 0, 2, 0]), minlength=4
    ),
    Case(
        "bincount",
        given([0, 2, 2], [1.0, 0.5, 0.25]),
        lambda x, w: np.array([1, 0, 0.75]),
        dtypes=("float64", "float32"),
        grad=False,
    ),
    case(
        "searchsorted",
        given([1, 3, 5], [[0, 3], [6, 4]]),
        lambda s, v: np.array([[0, 1], [3, 2]]),
    ),
    case(
        "searchsorted",
        given([1, 3, 5], [3]),
        lambda s, v, right: np.array([2]),
        right=True,
    ),
    Via(
        "bucketize",
        given([0, 3, 9], [1, 3, 5]),
        lambda v, b: np.array([0, 1, 3]),
        tol="exact",
    ),
]


def _slope(op, x):
    """The gradient of ``sum(sort(x) ** 2)``, with its own history."""
    return lampas.func.grad(lambda x: (op(x).values ** 2).sum())(x)
