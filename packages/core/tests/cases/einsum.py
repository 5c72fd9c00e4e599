"""Cases of ``lampas.ops.einsum``; the oracle loops over every letter."""

from __future__ import annotations

import itertools

import numpy as np
from case import Via, normal


def summed(*xs, equation):
    """``out[letters] += product`` for all values of all letters."""
    left, right = equation.split("->")
    terms = left.split(",")
    sizes = {}
    for x, term in zip(xs, terms, strict=True):
        sizes.update(zip(term, x.shape, strict=True))
    letters = list(sizes)
    out = np.zeros([sizes[c] for c in right])
    for values in itertools.product(*(range(sizes[c]) for c in letters)):
        at = dict(zip(letters, values, strict=True))
        pairs = zip(xs, terms, strict=True)
        factors = [x[tuple(at[c] for c in term)] for x, term in pairs]
        out[tuple(at[c] for c in right)] += np.prod(factors)
    return out


def case(equation, *shapes, as_written=None):
    def call(op, *tensors, equation):
        return op(as_written or equation, *tensors)

    params = {"equation": equation}
    return Via("einsum", normal(*shapes), summed, params, call=call)


CASES = [
    case("ij->ji", (2, 3)),
    case("ij->j", (2, 3)),
    case("ij->", (2, 3)),
    case("ii->i", (3, 3)),
    case("ii->", (3, 3)),
    case("iij->j", (3, 3, 2)),
    case("ij,jk->ik", (2, 3), (3, 4)),
    case("i,j->ij", (2,), (3,)),
    case("ij,ij->", (2, 3), (2, 3)),
    case("ij,j,j->i", (2, 3), (3,), (3,)),
    case("ij,jk->ik", (2, 3), (3, 4), as_written="ij,jk"),
    case("zij,zjk->zik", (2, 2, 3), (2, 3, 4), as_written="...ij,...jk->...ik"),
    case("bhqd,bhkd->bhqk", (2, 2, 3, 2), (2, 2, 4, 2)),
    case("ab,cd->ac", (2, 3), (2, 2)),
    Via(
        "tensordot",
        normal((2, 3, 4), (3, 4, 5)),
        lambda a, b: summed(a, b, equation="ijk,jkl->il"),
    ),
    Via(
        "tensordot",
        normal((2, 3), (4, 2)),
        lambda a, b, dims: summed(a, b, equation="ij,ki->jk"),
        {"dims": ([0], [1])},
    ),
]
