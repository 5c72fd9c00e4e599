"""Cases of ``lampas.ops.loss``."""

from __future__ import annotations

import numpy as np
from case import Case, normal, within

F = "nn.functional."
PAIR = normal((3, 4), (3, 4))
SHARES = within(0.1, 0.9, (3, 4), (3, 4))


def mean(function):
    return lambda *arrays, **params: function(*arrays, **params).mean()


def huber(x, y, delta):
    d = np.abs(x - y)
    return np.where(d < delta, d * d / 2, delta * (d - delta / 2))


def bce(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cosine(a, b, axis):
    dot = (a * b).sum(axis=axis)
    return dot / np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))


def triplet(a, p, n, margin):
    near = np.sqrt(((a - p + 1e-6) ** 2).sum(axis=1))
    far = np.sqrt(((a - n + 1e-6) ** 2).sum(axis=1))
    return np.maximum(near - far + margin, 0)


CASES = [
    Case(F + "mse_loss", PAIR, mean(lambda x, y: (x - y) ** 2)),
    Case(F + "l1_loss", PAIR, mean(lambda x, y: np.abs(x - y))),
    Case(F + "huber_loss", PAIR, mean(huber), {"delta": 0.7}),
    Case(
        F + "smooth_l1_loss",
        PAIR,
        mean(lambda x, y, beta: huber(x, y, beta) / beta),
        {"beta": 0.7},
    ),
    Case(F + "binary_cross_entropy", SHARES, mean(bce), tol="loose"),
    Case(
        F + "binary_cross_entropy_with_logits",
        PAIR,
        mean(lambda x, t: bce(sigmoid(x), t)),
        tol="loose",
    ),
    Case(F + "kl_div", SHARES, mean(lambda x, t: t * (np.log(t) - x))),
    Case(F + "poisson_nll_loss", SHARES, mean(lambda x, t: np.exp(x) - t * x)),
    Case(
        F + "gaussian_nll_loss",
        within(0.5, 2.0, (3, 4), (3, 4), (3, 4)),
        mean(lambda x, t, v: (np.log(v) + (x - t) ** 2 / v) / 2),
    ),
    Case(F + "soft_margin_loss", PAIR, mean(lambda x, t: np.log1p(np.exp(-t * x)))),
    Case(
        F + "multilabel_soft_margin_loss",
        SHARES,
        mean(lambda x, t: bce(sigmoid(x), t)),
        tol="loose",
    ),
    Case(
        F + "margin_ranking_loss",
        normal((5,), (5,), (5,)),
        mean(lambda a, b, t, margin: np.maximum(-t * (a - b) + margin, 0)),
        {"margin": 0.5},
    ),
    Case(
        F + "triplet_margin_loss",
        normal((4, 3), (4, 3), (4, 3)),
        mean(triplet),
        {"margin": 1.5},
        tol="loose",
    ),
    Case(
        "cosine_similarity",
        normal((3, 4), (3, 4)),
        lambda a, b, dim: cosine(a, b, dim),
        {"dim": 1},
    ),
    Case(
        "pairwise_distance",
        normal((3, 4), (3, 4)),
        lambda a, b: np.sqrt(((a - b + 1e-6) ** 2).sum(axis=-1)),
        tol="loose",
    ),
]
