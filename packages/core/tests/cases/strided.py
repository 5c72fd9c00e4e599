"""Memory seen through any sizes and strides."""

import itertools

import numpy as np
from case import Via, normal


def seen(x, size, stride, storage_offset=0):
    """Element by element, by the definition; ``x`` is in row-major order."""
    memory, out = x.ravel(), np.empty(size)
    for place in itertools.product(*map(range, size)):
        step = sum(i * s for i, s in zip(place, stride, strict=True))
        out[place] = memory[storage_offset + step]
    return out


def replaced(x, src, size, stride, storage_offset=0):
    memory = x.copy().ravel()
    for place in itertools.product(*map(range, size)):
        step = sum(i * s for i, s in zip(place, stride, strict=True))
        memory[storage_offset + step] = src[place]
    return memory.reshape(x.shape)


def _of_rows(op, x, *rest, **params):
    """The oracle sees rows; a tensor in another order has another memory."""
    return op(x.contiguous(), *rest, **params)


def case(op, shapes, oracle, **params):
    return Via(op, normal(*shapes), oracle, params, tol="exact", call=_of_rows)


CASES = [
    case("as_strided", [(3, 3)], seen, size=(2, 2), stride=(1, 2), storage_offset=1),
    case("as_strided", [(16,)], seen, size=(2, 2, 2, 2), stride=(1, 1, 1, 1)),
    case("as_strided", [(4,)], seen, size=(3, 2), stride=(0, 1)),
    case("as_strided", [(5,)], seen, size=(), stride=(), storage_offset=4),
    case("as_strided", [(2, 3)], seen, size=(0, 3), stride=(3, 1)),
    case(
        "as_strided_scatter",
        [(3, 3), (2, 2)],
        replaced,
        size=(2, 2),
        stride=(1, 2),
        storage_offset=1,
    ),
    case("as_strided_scatter", [(5,), (2,)], replaced, size=(2,), stride=(3,)),
]
