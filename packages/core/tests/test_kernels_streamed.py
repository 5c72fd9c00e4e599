"""Results larger than the caches, which are written past them, against NumPy's."""

from __future__ import annotations

import os

import numpy as np
import pytest

from lampas.backend import native
from lampas.ops import arithmetic, convert, piecewise

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)


def _least():
    """Bytes from which on results are streamed, where any are."""
    known = "SC_LEVEL3_CACHE_SIZE" in os.sysconf_names
    return max(32 << 20, os.sysconf("SC_LEVEL3_CACHE_SIZE") if known else 0)


COLUMNS = 1003  # rows begin anywhere in a line
ROWS = _least() // (4 * COLUMNS) + 2
HOSTS = {
    r.name: r.on_host
    for r in (piecewise._relu, arithmetic._add, convert._clone, convert._cast)
}


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((ROWS, COLUMNS), np.float32)


def taken(name, *arrays, **params):
    before = native.extension.report()[name][0]
    y = HOSTS[name](*arrays, **params)
    assert native.extension.report()[name][0] == before + 1
    return y


def test_one_operand(path, x):
    np.testing.assert_array_equal(taken("relu", x), np.maximum(x, 0))


def test_two_operands(path, x):
    np.testing.assert_array_equal(taken("add", x, x[::-1].copy()), x + x[::-1])
    np.testing.assert_array_equal(taken("add", x, 2.0), x + np.float32(2))


def test_rows(path, x):
    np.testing.assert_array_equal(taken("add", x, x[1]), x + x[1])
    strided = x[:, 1:]
    np.testing.assert_array_equal(taken("add", strided, strided), strided * 2)


def test_runs_begin_anywhere_in_a_line_and_hold_whole_pages(path, x):
    width = 20 * 1024
    long = np.resize(x, (_least() // (4 * width) + 2, width))[:, 3:]
    assert long.nbytes > _least()
    np.testing.assert_array_equal(taken("add", long, long), long * 2)


def _left(*arrays):
    raise AssertionError("the kernel left the call to its reference")


FUNCTIONS = """
    neg abs square sqrt rsqrt reciprocal relu sgn hardsigmoid hardswish exp expm1 log
    log1p tanh sigmoid erf silu mish gelu gelu_tanh logsigmoid sin cos
""".split()
PAIRS = "add sub mul div maximum minimum".split()


@pytest.fixture(scope="module")
def edges(x):
    """x wider, and with what an arithmetic meets rarely at a few places far apart."""
    y = (x * np.float32(8)).reshape(-1)
    rare = (0.0, -0.0, np.nan, np.inf, -np.inf, 1e5, -3e38, 1e-40, 9000.0)
    y[np.arange(len(rare)) * (y.size // 10) + 5000] = rare
    return y


def same_in_pieces(apply, *arrays):
    """Bit for bit as in pieces that are too small to be streamed."""
    y = apply(*arrays).view(np.int32)
    for first in range(0, y.size, 1 << 20):
        piece = slice(first, first + (1 << 20))
        part = apply(*(a[piece] for a in arrays))
        assert np.array_equal(y[piece], part.view(np.int32)), first


@pytest.mark.parametrize("name", FUNCTIONS)
def test_is_what_pieces_give(path, edges, name):
    same_in_pieces(native.bind(name, _left), edges)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_what_pieces_give(path, edges, name):
    apply = native.bind(name, _left)
    same_in_pieces(apply, edges, edges[::-1].copy())
    same_in_pieces(lambda a: apply(a, 3.0), edges)
    same_in_pieces(lambda a: apply(3.0, a), edges)


def test_copies(path, x):
    np.testing.assert_array_equal(taken("clone", x), x)
    wide = taken("cast", x, dtype=np.dtype(np.float64))
    np.testing.assert_array_equal(wide, x.astype(np.float64))
