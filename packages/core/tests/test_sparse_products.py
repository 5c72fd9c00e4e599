"""Products of sparse matrices, against those of the arrays that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import func
from lampas.engine.pattern import Pattern
from lampas.ops import sparse_product


def _graph(rng, n, k, counts):
    """Places of rows with the given counts of values, in random order."""
    rows = np.repeat(np.arange(n), counts)
    places = np.stack([rows, rng.integers(0, k, len(rows))])
    return places[:, rng.permutation(len(rows))]


def _whole(places, values, shape):
    matrix = np.zeros(shape)
    np.add.at(matrix, tuple(places), values)
    return matrix


@pytest.mark.parametrize("counts", [[0, 0, 0], [1, 1, 1], [0, 5, 2], [40, 0, 3]])
@pytest.mark.parametrize("width", [0, 1, 3])
@pytest.mark.parametrize("rows_at_a_time", [1, 4, 1000])
def test_products_of_rows_of_any_count(counts, width, rows_at_a_time, monkeypatch):
    """Blocks are filled, cut, and cut within a row."""
    size = rows_at_a_time * max(width, 1) * 8
    monkeypatch.setattr(sparse_product, "_BYTES", size)
    rng = np.random.default_rng(1)
    places = _graph(rng, 3, 4, counts)
    v = rng.standard_normal(places.shape[1])
    d, g = rng.standard_normal((4, width)), rng.standard_normal((3, width))
    values, dense = (lampas.tensor(a, requires_grad=True) for a in (v, d))
    y = lampas.sparse.mm(lampas.sparse_coo_tensor(places, values, (3, 4)), dense)
    whole = _whole(places, v, (3, 4))
    np.testing.assert_allclose(y.detach().numpy(), whole @ d, rtol=1e-12, atol=1e-12)
    y.backward(lampas.tensor(g))
    np.testing.assert_allclose(dense.grad.numpy(), whole.T @ g, rtol=1e-12, atol=1e-12)
    wanted = (g @ d.T)[tuple(places)]
    np.testing.assert_allclose(values.grad.numpy(), wanted, rtol=1e-12, atol=1e-12)


def test_the_parts_of_a_pattern_cover_each_value_once():
    rng = np.random.default_rng(2)
    pattern = Pattern(*_graph(rng, 4, 9, [7, 0, 2, 2]), (4, 9))
    for limit in (1, 3, 4, 100):
        batches = list(pattern.batches(limit))
        assert all(b[-1].stop - b[0].start <= limit for b in batches)
        parts = [part for batch in batches for part in batch]
        seen = [i for part in parts for i in range(part.start, part.stop)]
        assert seen == list(range(11))
        # Of rows with values, each begins once.
        assert sum(p.last - p.first for p in parts if p.begins) == 3


def test_the_order_is_found_once_for_all_steps(monkeypatch):
    found = []
    sort = Pattern._sorted
    monkeypatch.setattr(Pattern, "_sorted", lambda p: found.append(p) or sort(p))
    x = lampas.sparse_coo_tensor([[0, 1, 1], [1, 0, 1]], [1.0, 2.0, 3.0], (2, 2))
    dense = lampas.ones(2, 3, requires_grad=True)
    for _ in range(3):
        (lampas.sparse.mm(x * 2, dense) + lampas.mm(x.t(), dense)).sum().backward()
        lampas.sparse.mm(x.detach(), dense)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("dtype", "error"),
    [("float64", 1e-13), ("float32", 1e-5), ("float16", 2e-2), ("bfloat16", 1e-1)],
)
def test_products_in_each_dtype(dtype, error):
    rng = np.random.default_rng(3)
    places = _graph(rng, 5, 5, [3, 0, 9, 1, 1])
    kind = getattr(lampas, dtype)
    v = lampas.tensor(rng.standard_normal(14)).to(kind)
    d = lampas.tensor(rng.standard_normal((5, 4))).to(kind)
    y = lampas.sparse.mm(lampas.sparse_coo_tensor(places, v, (5, 5)), d)
    assert y.dtype == kind
    wanted = _whole(places, v.double().numpy(), (5, 5)) @ d.double().numpy()
    np.testing.assert_allclose(y.double().numpy(), wanted, rtol=error, atol=error)


def test_infinite_rows_reach_only_their_neighbours():
    x = lampas.sparse_coo_tensor([[0, 1], [0, 1]], [1.0, 2.0], (3, 2))
    y = lampas.sparse.mm(x, lampas.tensor([[float("inf")], [1.0]]))
    assert y.tolist() == [[float("inf")], [2.0], [0.0]]


def test_transforms_of_a_product():
    rng = np.random.default_rng(4)
    places = _graph(rng, 4, 3, [2, 0, 1, 3])
    v, d = rng.standard_normal(6), rng.standard_normal((3, 2))
    dv, dd = rng.standard_normal(6), rng.standard_normal((3, 2))

    def product(v, d):
        return lampas.sparse.mm(lampas.sparse_coo_tensor(places, v, (4, 3)), d)

    whole, step = _whole(places, v, (4, 3)), _whole(places, dv, (4, 3))
    tensors = [lampas.tensor(a) for a in (v, d, dv, dd)]
    _, slope = func.jvp(product, tuple(tensors[:2]), tuple(tensors[2:]))
    np.testing.assert_allclose(slope.numpy(), step @ d + whole @ dd, rtol=1e-12)
    many = rng.standard_normal((5, 3, 2))
    y = func.vmap(product, (None, 0))(tensors[0], lampas.tensor(many))
    np.testing.assert_allclose(y.numpy(), whole @ many, rtol=1e-12)
    several = np.stack([v, dv])
    y = func.vmap(product, (0, None))(lampas.tensor(several), tensors[1])
    np.testing.assert_allclose(y.numpy(), np.stack([whole @ d, step @ d]), rtol=1e-12)


def test_coalescing_when_places_have_no_number():
    size = (2**40, 2**40)
    x = lampas.sparse_coo_tensor([[5, 0, 5], [7, 1, 7]], [1.0, 2.0, 3.0], size)
    y = x.coalesce()
    assert y.indices().tolist() == [[0, 5], [1, 7]] and y.values().tolist() == [2, 4]
