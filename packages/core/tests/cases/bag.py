"""Cases of ``lampas.ops.bag``."""

from __future__ import annotations

import numpy as np
from case import Case, Via

F = "nn.functional."
INDEX = np.array([[1, 3, 1], [0, 4, 3]])


def _table(rng):
    return [INDEX, rng.standard_normal((5, 3))]


def _bags(mode):
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    return lambda index, table, mode: np.stack(
        [reduce(table[bag], axis=0) for bag in index]
    )


def _joined(rng):
    """Three bags, the second empty, and factors."""
    index, offsets = np.array([1, 3, 1, 0, 4]), np.array([0, 2, 2])
    return [index, rng.standard_normal((5, 3)), offsets, rng.standard_normal(5)]


def _summed(index, table, offsets, factors, mode):
    rows = table[index] * factors[:, None]
    return np.stack([rows[:2].sum(0), np.zeros(3), rows[2:].sum(0)])


CASES = [
    *(
        Case(F + "embedding_bag", _table, _bags(mode), {"mode": mode})
        for mode in ("sum", "mean", "max")
    ),
    Via(
        F + "embedding_bag",
        _joined,
        _summed,
        {"mode": "sum"},
        call=lambda op, index, table, offsets, factors, **params: op(
            index, table, offsets, per_sample_weights=factors, **params
        ),
    ),
]
