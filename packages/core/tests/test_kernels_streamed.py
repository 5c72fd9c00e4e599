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


def test_copies(path, x):
    np.testing.assert_array_equal(taken("clone", x), x)
    wide = taken("cast", x, dtype=np.dtype(np.float64))
    np.testing.assert_array_equal(wide, x.astype(np.float64))
