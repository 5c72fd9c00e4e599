"""Sparse tensors in coordinate form, against the dense arrays that they stand for."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lampas

rng = np.random.default_rng(7)


def _listed(n, m, nnz, *dense):
    """Random places (some twice), values, and the array that they make."""
    places = np.stack([rng.integers(0, n, nnz), rng.integers(0, m, nnz)])
    values = rng.standard_normal((nnz, *dense))
    whole = np.zeros((n, m, *dense))
    np.add.at(whole, tuple(places), values)
    return places, values, whole


def test_a_dense_tensor_takes_a_sparse_one_in_place():
    x = lampas.sparse_coo_tensor([[0, 0], [1, 1]], [3.0, 4.0], (2, 2))
    dense = lampas.ones(2, 2)
    view = dense[0]
    assert dense.add_(x) is dense
    assert view.tolist() == [1.0, 8.0]
    assert dense.tolist() == [[1.0, 8.0], [1.0, 1.0]]


@pytest.mark.parametrize("dense", [(), (3,)])
@pytest.mark.parametrize("nnz", [0, 1, 30])
def test_to_dense_and_coalesce_add_what_is_listed_twice(nnz, dense):
    places, values, whole = _listed(4, 5, nnz, *dense)
    x = lampas.sparse_coo_tensor(places, values, whole.shape)
    assert (
        isinstance(x, lampas.Tensor) and x.is_sparse and x.layout == lampas.sparse_coo
    )
    assert (x._nnz(), x.sparse_dim(), x.dense_dim()) == (nnz, 2, len(dense))
    np.testing.assert_allclose(x.to_dense().numpy(), whole, rtol=1e-12, atol=1e-12)
    y = x.coalesce()
    np.testing.assert_allclose(y.to_dense().numpy(), whole, rtol=1e-12, atol=1e-12)
    assert y.is_coalesced() and not x.is_coalesced()
    flat = np.ravel_multi_index(tuple(y.indices().numpy()), (4, 5))
    assert (np.diff(flat) > 0).all()


def test_to_sparse_lists_what_is_not_zero():
    x = lampas.tensor([[0.0, 2.0], [3.0, 0.0]], requires_grad=True)
    y = x.to_sparse()
    assert y.indices().tolist() == [[0, 1], [1, 0]] and y.values().tolist() == [
        2.0,
        3.0,
    ]
    (y.to_dense() * lampas.tensor([[1.0, 5.0], [7.0, 1.0]])).sum().backward()
    assert x.grad.tolist() == [[0.0, 5.0], [7.0, 0.0]]
    assert x.to_sparse(1).values().shape == (2, 2)


def test_products_and_their_gradients_are_the_dense_ones():
    places, values, whole = _listed(6, 5, 12)
    v = lampas.tensor(values, requires_grad=True)
    d = lampas.tensor(rng.standard_normal((5, 3)), requires_grad=True)
    g = rng.standard_normal((6, 3))
    x = lampas.sparse_coo_tensor(places, v, (6, 5))
    for product in (lampas.sparse.mm, lampas.mm, lampas.matmul, lambda a, b: a @ b):
        np.testing.assert_allclose(
            product(x, d).detach().numpy(), whole @ d.detach().numpy()
        )
    (lampas.sparse.mm(x, d) * lampas.tensor(g)).sum().backward()
    np.testing.assert_allclose(d.grad.numpy(), whole.T @ g)
    full = g @ d.detach().numpy().T
    np.testing.assert_allclose(v.grad.numpy(), full[tuple(places)])
    vector = lampas.tensor(rng.standard_normal(5))
    np.testing.assert_allclose((x @ vector).detach().numpy(), whole @ vector.numpy())
    left = lampas.tensor(rng.standard_normal((2, 6)))
    np.testing.assert_allclose((left @ x).detach().numpy(), left.numpy() @ whole)


def test_gradients_of_gradients_of_a_product():
    places, values, _ = _listed(4, 3, 6)
    v = lampas.tensor(values, requires_grad=True)
    d = lampas.tensor(rng.standard_normal((3, 2)), requires_grad=True)

    def product(v, d):
        return lampas.sparse.mm(lampas.sparse_coo_tensor(places, v, (4, 3)), d)

    assert lampas.autograd.gradcheck(product, (v, d))
    assert lampas.autograd.gradgradcheck(product, (v, d))


def test_the_gradient_of_a_sparse_leaf_has_its_places():
    x = lampas.sparse_coo_tensor(
        [[0, 1], [1, 0]], [3.0, 4.0], (2, 2), requires_grad=True
    )
    lampas.sparse.mm(x, lampas.tensor([[1.0], [2.0]])).sum().backward()
    assert x.grad.is_sparse and x.grad._values().tolist() == [2.0, 1.0]
    x.grad = None
    assert x.grad is None and x.data.is_sparse and x.detach().requires_grad is False


@pytest.mark.parametrize(
    ("sparse", "dense"),
    [
        (lambda x: -x, lambda a: -a),
        (lambda x: x * 3, lambda a: a * 3),
        (lambda x: 2.5 * x, lambda a: a * 2.5),
        (lambda x: x / 4, lambda a: a / 4),
        (lambda x: x + x * 2, lambda a: a * 3),
        (lambda x: x - x / 2, lambda a: a / 2),
        (lambda x: x + lampas.ones(4, 4), lambda a: a + 1),
        (lambda x: lampas.ones(4, 4) - x, lambda a: 1 - a),
        (lambda x: x.t(), lambda a: a.T),
        (lambda x: x.clone(), lambda a: a),
        (lambda x: x.float(), lambda a: a),
        (lambda x: copy.deepcopy(x.coalesce().detach()), lambda a: a),
    ],
)
def test_arithmetic_is_that_of_the_dense_array(sparse, dense):
    places, values, whole = _listed(4, 4, 9)
    v = lampas.tensor(values, requires_grad=True)
    y = sparse(lampas.sparse_coo_tensor(places, v, (4, 4))).to_dense()
    np.testing.assert_allclose(y.detach().numpy(), dense(whole), rtol=1e-5, atol=1e-6)
    if y.requires_grad:
        y.sum().backward()
        slope = (dense(np.ones((4, 4))) - dense(np.zeros((4, 4))))[0, 0]
        np.testing.assert_allclose(v.grad.numpy(), np.full(9, slope))


def test_sparse_tensors_of_other_shapes_are_not_added():
    x = lampas.sparse_coo_tensor([[0], [1]], [3.0], (2, 2))
    with pytest.raises(RuntimeError, match="one shape"):
        x + lampas.sparse_coo_tensor([[0], [1]], [3.0], (2, 3))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x + 1,
        lambda x: x.exp(),
        lambda x: x[0],
        lambda x: x.add_(1),
        lambda x: lampas.ones(2, 2).copy_(x),
        lambda x: lampas.cat([x, lampas.ones(2, 2)]),
        lambda x: lampas.stack([x, x]),
        lambda x: lampas.where(x, x, x),
        lambda x: lampas.allclose(x, lampas.ones(2, 2)),
        lambda x: lampas.ones(2, 2)[x],
        lambda x: x.numpy(),
        lambda x: x.tolist(),
        lambda x: x.reshape(4),
        lambda x: x.item(),
        lambda x: bool((x == x).all()),
        lambda x: lampas.equal(x, x),
    ],
)
def test_what_does_not_know_the_layout_refuses(use):
    x = lampas.sparse_coo_tensor([[0], [1]], [3.0], (2, 2))
    with pytest.raises((RuntimeError, TypeError, IndexError)):
        use(x)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([[0], [5]], [1.0], (2, 2)), "index 5 along dimension 1"),
        (([[0, 1]], [1.0], (2,)), "one entry for each of the 2"),
        (([[0.5]], [1.0], (2,)), "integers"),
        (([0], [1.0], (2,)), "sparse dimensions, nnz"),
        (([[0]], [1.0], (2, 2)), "must have 1 sparse dimensions"),
    ],
)
def test_wrong_arguments_are_named(arguments, text):
    with pytest.raises(RuntimeError, match=text):
        lampas.sparse_coo_tensor(*arguments)


def test_the_text_shows_places_values_and_size():
    x = lampas.sparse_coo_tensor([[0], [1]], [3.0], (2, 2))
    assert "values=tensor([3.])" in repr(x) and "size=(2, 2), nnz=1" in repr(x)
