"""Cases of ``lampas.ops.ctc``: all paths are enumerated."""

from __future__ import annotations

import itertools

import numpy as np
from case import Via

import lampas

# Two sequences over three classes; the second is shorter, in time and labels.
LABELS = np.array([[1, 1], [2, 0]])
INPUTS = np.array([4, 3])
LENGTHS = np.array([2, 1])


def collapsed(path, blank):
    """What a path says: repeats are one, then blanks go."""
    return [k for k, _ in itertools.groupby(path) if k != blank]


def losses(scores, labels, inputs, lengths, blank):
    found = []
    for n, (time, length) in enumerate(zip(inputs, lengths, strict=True)):
        x = scores[:time, n]
        p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
        total = 0.0
        for path in itertools.product(range(x.shape[1]), repeat=int(time)):
            if collapsed(path, blank) == list(labels[n][:length]):
                total += np.prod([p[t, k] for t, k in enumerate(path)])
        found.append(-np.log(total))
    return np.array(found)


def reduced(scores, reduction):
    each = losses(scores, LABELS, INPUTS, LENGTHS, blank=0)
    if reduction == "mean":
        return (each / LENGTHS).mean()
    return each.sum() if reduction == "sum" else each


def call(op, scores, **params):
    """From scores: the gradient is theirs, not that of log-probabilities."""

    given = [lampas.from_numpy(a.copy()) for a in (LABELS, INPUTS, LENGTHS)]
    return op(scores.log_softmax(2), *given, **params)


CASES = [
    Via(
        "nn.functional.ctc_loss",
        lambda rng: [rng.standard_normal((4, 2, 3))],
        reduced,
        {"reduction": reduction},
        dtypes=("float64", "float32"),
        call=call,
    )
    for reduction in ("none", "mean", "sum")
]
