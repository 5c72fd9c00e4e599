"""Cases of ``lampas.ops.cross_entropy``."""

from __future__ import annotations

import numpy as np
from case import Case

F = "nn.functional."
TARGET = np.array([2, 0, 1, 2])


def _scores(rng):
    return [rng.standard_normal((4, 3)), TARGET]


def _planes(rng):
    return [rng.standard_normal((2, 3, 4)), rng.integers(0, 3, (2, 4))]


def _probabilities(rng):
    target = rng.uniform(0.1, 1.0, (4, 3))
    return [rng.standard_normal((4, 3)), target / target.sum(axis=1, keepdims=True)]


def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def _reduced(losses, reduction, weights=None):
    if reduction == "mean":
        return losses.mean() if weights is None else losses.sum() / weights.sum()
    return losses.sum() if reduction == "sum" else losses


def nll(logs, target, reduction="mean", ignore_index=-100):
    picked = np.take_along_axis(logs, np.expand_dims(target, 1), axis=1)
    counts = target != ignore_index
    return _reduced(-picked.squeeze(1) * counts, reduction, counts)


def cross_entropy(x, target, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    logs = log_softmax(x)
    counts = target != ignore_index
    even = -logs.mean(axis=1) * counts
    losses = (1 - label_smoothing) * nll(logs, target, "none", ignore_index)
    return _reduced(losses + label_smoothing * even, reduction, counts)


def soft(x, target, reduction="mean", label_smoothing=0.0):
    target = target * (1 - label_smoothing) + label_smoothing / x.shape[1]
    return _reduced(-(target * log_softmax(x)).sum(axis=1), reduction)


CASES = [
    Case(F + "cross_entropy", _scores, cross_entropy),
    Case(F + "cross_entropy", _scores, cross_entropy, {"reduction": "none"}),
    Case(F + "cross_entropy", _scores, cross_entropy, {"reduction": "sum"}),
    Case(F + "cross_entropy", _scores, cross_entropy, {"ignore_index": 2}),
    Case(F + "cross_entropy", _scores, cross_entropy, {"label_smoothing": 0.2}),
    Case(
        F + "cross_entropy",
        _planes,
        cross_entropy,
        {"label_smoothing": 0.2, "ignore_index": 1},
    ),
    Case(F + "cross_entropy", _probabilities, soft, {"label_smoothing": 0.1}),
    Case(F + "nll_loss", _scores, nll),
    Case(F + "nll_loss", _planes, nll, {"reduction": "none", "ignore_index": 1}),
]
