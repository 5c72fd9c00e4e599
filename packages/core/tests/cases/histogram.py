"""Cases of ``lampas.ops.histogram``: each element is put into its bin by hand."""

from __future__ import annotations

import itertools

import numpy as np
from case import Case, Via, given, normal


def edges_of(values, bins, limits=None, grow=0.5):
    low, high = (min(values), max(values)) if limits is None else limits
    if low == high:
        low, high = low - grow, high + grow
    return [*(low + (high - low) * i / bins for i in range(bins)), high]


def bin_of(value, edges):
    """The bin's number, or None outside; the last bin has its right edge too."""
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        if low <= value < high or (value == high == edges[-1]):
            return i
    return None


def counts(x, bins, min=0, max=0):
    values = x.ravel().tolist()
    edges = edges_of(values, bins, None if min == max else (min, max), 1)
    found = [0] * bins
    for value in values:
        at = bin_of(value, edges)
        if at is not None:
            found[at] += 1
    return np.array(found, float)


def grid(points, edges, weight, density):
    hist = np.zeros([len(e) - 1 for e in edges])
    for point, w in zip(points, weight):
        at = tuple(bin_of(v, e) for v, e in zip(point, edges))
        if None not in at:
            hist[at] += w
    if density:
        hist /= hist.sum()
        for at in np.ndindex(*hist.shape):
            hist[at] /= np.prod([e[i + 1] - e[i] for i, e in zip(at, edges)])
    return hist


def line(x, edges=None, *, bins=None, range=None, density=False):
    values = x.ravel()
    edges = edges_of(values, bins, range) if edges is None else edges
    hist = grid(values[:, None], [edges], np.ones(values.size), density)
    return hist, np.array(edges)


def points(x, weight=None, *, bins, range=None, density=False):
    x = x.reshape(-1, x.shape[-1])
    weight = np.ones(len(x)) if weight is None else weight.ravel()
    edges = [
        edges_of(x[:, d], n, None if range is None else range[2 * d : 2 * d + 2])
        for d, n in enumerate(bins)
    ]
    return grid(x, edges, weight, density), *map(np.array, edges)


def flat(op, *tensors, **params):
    if len(tensors) == 2:
        params["weight"] = tensors[1]
    hist, edges = op(tensors[0], **params)
    return hist, *edges


X = normal((5, 7))
WIDE = ("float64", "float32")
PLAIN = {"dtypes": WIDE, "grad": False}

CASES = [
    Case("histc", X, counts, {"bins": 6, "min": -1, "max": 2}, grad=False),
    Case("histc", X, counts, {"bins": 3}, dtypes=WIDE, grad=False),
    Case("histc", given([2.0, 2.0]), counts, {"bins": 4}, grad=False),
    Case("histogram", X, line, {"bins": 4}, **PLAIN),
    Case("histogram", X, line, {"bins": 5, "range": (-1.0, 1.0)}, **PLAIN),
    Case("histogram", given([1.0, 1.0]), line, {"bins": 2, "density": True}, **PLAIN),
    Case("histogram", given([0.0, 1.0, 1.5, 3.0, 4.0], [0.0, 1.0, 3.0]), line, **PLAIN),
    Via("histogramdd", normal((6, 2)), points, {"bins": [2, 3]}, call=flat, **PLAIN),
    Via(
        "histogramdd",
        normal((3, 2, 2), (3, 2)),
        points,
        {"bins": [2, 2], "range": [-2.0, 2.0, -1.0, 3.0], "density": True},
        call=flat,
        **PLAIN,
    ),
]
