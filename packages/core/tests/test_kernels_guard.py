"""Kernels read nothing behind their arrays: whole vectors end where memory does.

Each array is laid against a page that may not be touched, where a read of one byte too
many ends the program.
"""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest

import lampas
from lampas.backend import native
from lampas.nn import functional as F

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)

PAGE = mmap.PAGESIZE


def at_the_end(*shape):
    """Random numbers, behind the last of which lies a page without any rights."""
    values = np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)
    size = -(-values.nbytes // PAGE) * PAGE
    memory = mmap.mmap(-1, size + PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    guard = ctypes.c_void_p(address + size)
    assert ctypes.CDLL(None).mprotect(guard, ctypes.c_size_t(PAGE), 0) == 0
    array = np.frombuffer(memory, np.float32, values.size, size - values.nbytes)
    array = array.reshape(shape)
    array[...] = values
    tensor = lampas.from_numpy(array)
    assert tensor.data_ptr() == array.ctypes.data
    return tensor


@pytest.mark.parametrize("stride, padding, size", [(1, 0, 1), (2, 0, 1), (1, 1, 3)])
@pytest.mark.parametrize(
    "batch, channels, height, width, outs",
    [(2, 16, 7, 7, 32), (3, 33, 5, 3, 20), (2, 8, 1, 1, 70), (1, 5, 17, 1, 7)]
    + [(2, 64, 14, 14, 64), (2, 64, 13, 11, 48), (5, 130, 2, 2, 33)],
)
def test_convolutions(
    path, batch, channels, height, width, outs, stride, padding, size
):
    x = at_the_end(batch, channels, height, width).requires_grad_()
    w = at_the_end(outs, channels, size, size).requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=padding)
    y.backward(at_the_end(*y.shape))
    exact = F.conv2d(x.double(), w.double(), stride=stride, padding=padding)
    assert (y - exact).abs().max() < 1e-4


@pytest.mark.parametrize(
    "rows, columns, inner",
    [(1, 5, 3), (33, 70, 17), (64, 256, 784), (300, 130, 65), (20, 33, 5)]
    + [(7, 1000, 64), (250, 65, 33), (9, 16, 40)],
)
def test_products(path, rows, columns, inner):
    for a, b in (
        (at_the_end(rows, inner), at_the_end(inner, columns)),
        (at_the_end(inner, rows).T, at_the_end(columns, inner).T),
    ):
        exact = a.double().numpy() @ b.double().numpy()
        assert np.abs((a @ b).numpy() - exact).max() < 1e-3


@pytest.mark.parametrize("length, width", [(33, 20), (17, 129), (5, 7)])
def test_attention(path, length, width):
    q, k, v = (at_the_end(2, 3, length, width).requires_grad_() for _ in range(3))
    y = F.scaled_dot_product_attention(q, k, v)
    y.backward(at_the_end(*y.shape))
    exact = F.scaled_dot_product_attention(q.double(), k.double(), v.double())
    assert (y - exact).abs().max() < 1e-4
