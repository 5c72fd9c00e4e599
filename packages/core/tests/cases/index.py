"""Cases of ``lampas.ops.index``; more forms stand in ``test_indexing.py``."""

from __future__ import annotations

import numpy as np
from case import Case, Via, given, normal

CUBE = normal((4, 3, 2))
ROWS = [[0, 3], [-1, 0]]


def looked_up(x, index):
    return np.array([[x[i] for i in row] for row in ROWS])


def put(x, values, index, accumulate):
    out = x.copy()
    flat = np.broadcast_to(values, (len(index), *x.shape[1:]))
    for i, value in zip(index, flat, strict=True):
        out[i] = out[i] + value if accumulate else value
    return out


def _put(name, inputs, index, accumulate):
    params = {"index": index, "accumulate": accumulate}
    return Via(
        name,
        inputs,
        put,
        params,
        call=lambda op, x, values, index, accumulate: op(
            x, (np.array(index),), values, accumulate
        ),
    )


def got(index, oracle, inputs=CUBE):
    return Case("Tensor.__getitem__", inputs, oracle, {"index": index}, tol="exact")


CASES = [
    got((1, slice(0, 3, 2)), lambda x, index: np.array([x[1, 0], x[1, 2]])),
    got((Ellipsis, None, 0), lambda x, index: x[:, :, 0].reshape(4, 3, 1)),
    got(2, lambda x, index: x[2], normal((3,))),
    got(ROWS, looked_up),
    got((ROWS, 1), lambda x, index: looked_up(x[:, 1], index)),
    got(
        ([0, 2], slice(None), [1, 0]),
        lambda x, index: np.stack([x[0, :, 1], x[2, :, 0]]),
    ),
    got((slice(1, 3), [2, 2]), lambda x, index: np.stack([x[1:3, 2]] * 2, 1)),
    got(np.array([True, False, True, False]), lambda x, index: np.stack([x[0], x[2]])),
    got((slice(0, 0), [0]), lambda x, index: np.zeros((0, 1, 2))),
    _put("index_put", normal((4, 3), (2, 3)), [3, 1], False),
    _put("index_put", normal((4, 3), ()), [3, 1], False),
    _put("index_put", normal((4, 3), (3, 1)), [3, 1, 3], True),
    Via(
        "Tensor.__setitem__",
        normal((4, 3), (3,)),
        lambda x, v: np.stack([x[0], v, x[2], v]),
        tol="exact",
        call=lambda op, x, v: _assigned(x, v),
    ),
    Via(
        "Tensor.__setitem__",
        given([1.0, 2.0, 3.0], 5.0),
        lambda x, v: np.array([5.0, 2.0, 5.0]),
        tol="exact",
        call=lambda op, x, v: _assigned_at(x, v),
    ),
]


def _assigned(x, value):
    out = x.clone()
    out[1::2] = value
    return out


def _assigned_at(x, value):
    out = x.clone()
    out[[0, 2]] = value
    return out
