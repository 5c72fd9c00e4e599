"""Cases of ``lampas.ops.fold``."""

from __future__ import annotations

import numpy as np
from case import Case, normal

F = "nn.functional."


def unfold(x, kernel_size):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size,) * 2, (2, 3))
    columns = windows.transpose(0, 1, 4, 5, 2, 3)
    return columns.reshape(x.shape[0], x.shape[1] * kernel_size**2, -1)


def fold(x, output_size, kernel_size):
    n = output_size - kernel_size + 1
    y = np.zeros((x.shape[0], x.shape[1] // kernel_size**2, output_size, output_size))
    columns = x.reshape(x.shape[0], -1, kernel_size, kernel_size, n, n)
    for i in range(kernel_size):
        for j in range(kernel_size):
            y[:, :, i : i + n, j : j + n] += columns[:, :, i, j]
    return y


CASES = [
    Case(F + "unfold", normal((2, 3, 4, 5)), unfold, {"kernel_size": 2}),
    Case(F + "fold", normal((1, 8, 9)), fold, {"output_size": 4, "kernel_size": 2}),
]
