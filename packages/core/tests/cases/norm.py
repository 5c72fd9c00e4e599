"""Cases of ``lampas.ops.norm``."""

from __future__ import annotations

import dataclasses

import numpy as np
from case import Case, normal, within

F = "nn.functional."


@dataclasses.dataclass(frozen=True)
class Affine(Case):
    """A case whose tensors after the first are ``weight`` and ``bias``."""

    def __call__(self, x, *affine):
        """Call the op."""
        names = dict(zip(("weight", "bias"), affine, strict=False))
        return self.function(x, **names, **self.params)


def standard(x, axes, eps=1e-5):
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def layer_norm(x, *affine, normalized_shape):
    y = standard(x, tuple(range(-len(normalized_shape), 0)))
    y = y * affine[0] if affine else y
    return y + affine[1] if len(affine) > 1 else y


def rms_norm(x, *weight, normalized_shape, eps):
    axes = tuple(range(-len(normalized_shape), 0))
    y = x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps)
    return y * weight[0] if weight else y


def _channels(v, x):
    return v.reshape(1, -1, *(1,) * (x.ndim - 2))


def group_norm(x, weight, bias, num_groups):
    grouped = x.reshape(x.shape[0], num_groups, -1)
    y = standard(grouped, (2,)).reshape(x.shape)
    return y * _channels(weight, x) + _channels(bias, x)


def instance_norm(x, weight, bias):
    y = standard(x, tuple(range(2, x.ndim)))
    return y * _channels(weight, x) + _channels(bias, x)


def of_the_batch(x, weight, bias, **params):
    y = standard(x, (0, *range(2, x.ndim)))
    return y * _channels(weight, x) + _channels(bias, x)


def batch_norm(x, mean, var, weight, bias):
    y = (x - _channels(mean, x)) / np.sqrt(_channels(var, x) + 1e-5)
    return y * _channels(weight, x) + _channels(bias, x)


def plain_batch_norm(x, mean, var):
    return (x - _channels(mean, x)) / np.sqrt(_channels(var, x) + 1e-5)


def local_response_norm(x, size, alpha, beta, k):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        y[:, c] = x[:, c] / (k + alpha * (near**2).sum(axis=1) / size) ** beta
    return y


def normalize(x, p, dim):
    return x / (np.abs(x) ** p).sum(axis=dim, keepdims=True) ** (1 / p)


BATCH = within(0.5, 1.5, (4, 3, 2), (3,), (3,), (3,), (3,))

PLAIN_BATCH = within(0.5, 1.5, (4, 3), (3,), (3,))

PARAMETERS = normal((2, 4, 3), (4,), (4,))
TRAINING = {"running_mean": None, "running_var": None, "training": True}

CASES = [
    Case("layer_norm", normal((3, 5)), layer_norm, {"normalized_shape": (5,)}),
    Affine("layer_norm", normal((3, 5), (5,)), layer_norm, {"normalized_shape": (5,)}),
    Affine(
        "layer_norm",
        normal((3, 2, 5), (2, 5), (2, 5)),
        layer_norm,
        {"normalized_shape": (2, 5)},
        tol="loose",
    ),
    Affine(
        "rms_norm",
        normal((3, 5), (5,)),
        rms_norm,
        {"normalized_shape": (5,), "eps": 1e-3},
    ),
    Affine("group_norm", PARAMETERS, group_norm, {"num_groups": 2}, tol="loose"),
    Affine(F + "instance_norm", PARAMETERS, instance_norm, tol="loose"),
    Affine(F + "batch_norm", PARAMETERS, of_the_batch, TRAINING, tol="loose"),
    Case(F + "batch_norm", BATCH, batch_norm, tol="loose"),
    Case(F + "batch_norm", PLAIN_BATCH, plain_batch_norm, tol="loose"),
    Case(
        F + "local_response_norm",
        normal((2, 5, 3)),
        local_response_norm,
        {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 1.5},
    ),
    Case(F + "normalize", normal((3, 4)), normalize, {"p": 2.0, "dim": 1}),
]
