"""What memory held before costs nothing: lanes that count for nothing are zero.

An FMA of subnormal numbers takes a hundred times as long, and integers that are small,
such as max_pool2d's indices, are subnormal numbers when they are read as floats.
"""

from __future__ import annotations

import time

import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.nn import functional as F

pytestmark = [
    pytest.mark.budget,
    pytest.mark.skipif(native.extension is None, reason="the kernels were not built"),
]


def convolution(*sizes, **how):
    image, weight = sizes
    x, w = lampas.randn(*image), lampas.randn(*weight)
    return lambda: F.conv2d(x, w, **how)


def attention():
    q, k, v = (lampas.randn(2, 8, 131, 61) for _ in range(3))
    return lambda: F.scaled_dot_product_attention(q, k, v)


def product():
    a, b = lampas.randn(301, 307), lampas.randn(307, 309)
    return lambda: a @ b


def recurrence():
    net, x = lampas.nn.LSTM(61, 67), lampas.randn(20, 9, 61)
    return lambda: net(x)


PROGRAMS = {
    "points": lambda: convolution((4, 256, 7, 7), (256, 256, 1, 1)),
    "strides": lambda: convolution((4, 64, 28, 28), (64, 64, 3, 3), stride=2),
    "tiles": lambda: convolution((4, 64, 56, 56), (64, 64, 3, 3), padding=1),
    "places": lambda: convolution((4, 256, 14, 14), (256, 256, 3, 3), padding=1),
    "channels": lambda: convolution((4, 64, 29, 29), (64, 1, 3, 3), groups=64),
    "attention": attention,
    "product": product,
    "recurrence": recurrence,
}


def time_after(value, run):
    """The best of some runs that get memory full of a value."""
    times = []
    for _ in range(7):
        kernels.trim_memory()
        left = lampas.ones(1 << 22) * value
        assert bool((left[::4096] == value).all())
        del left
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("name", PROGRAMS)
def test_subnormal_numbers_left_in_memory_cost_nothing(name):
    with lampas.no_grad():
        run = PROGRAMS[name]()
        run()
        assert time_after(1e-40, run) < 2 * time_after(1.0, run)
