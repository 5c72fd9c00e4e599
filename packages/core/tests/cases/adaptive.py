"""Cases of ``lampas.ops.adaptive``; shares start and end as PyTorch's formula says."""

from __future__ import annotations

import itertools

import numpy as np
from case import Case, apart, normal

F = "nn.functional."


def shares(n, reduce):
    def oracle(x, output_size):
        sizes = output_size if isinstance(output_size, tuple) else (output_size,) * n
        sizes = [x.shape[i - n] if s is None else s for i, s in enumerate(sizes)]
        y = np.zeros((*x.shape[:-n], *sizes))
        for at in itertools.product(*map(range, sizes)):
            part = tuple(
                slice(int(np.floor(i * s / o)), int(np.ceil((i + 1) * s / o)))
                for i, s, o in zip(at, x.shape[-n:], sizes, strict=True)
            )
            window = x[(..., *part)].reshape(*x.shape[:-n], -1)
            y[(..., *at)] = reduce(window)
        return y

    return oracle


def mean(window):
    return window.mean(axis=-1)


def largest(window):
    return window.max(axis=-1)


SIZES = [
    (1, (2, 3, 8), 4),
    (1, (3, 7), 3),
    (2, (2, 3, 6, 8), (2, 4)),
    (2, (2, 5, 7), (3, None)),
    (3, (1, 2, 4, 5, 6), (2, 3, 1)),
]

CASES = [
    *(
        Case(
            f"{F}adaptive_avg_pool{n}d",
            normal(shape),
            shares(n, mean),
            {"output_size": size},
        )
        for n, shape, size in SIZES
    ),
    *(
        Case(
            f"{F}adaptive_max_pool{n}d",
            apart(shape),
            shares(n, largest),
            {"output_size": size},
        )
        for n, shape, size in SIZES
    ),
]
