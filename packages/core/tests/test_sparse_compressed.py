"""Compressed sparse matrices: made, checked, read, computed with, differentiated."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lampas

ROWS = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 0.0, 0.0], [4.0, 5.0, 0.0]])


def csr(**options):
    return lampas.sparse_csr_tensor(
        [0, 1, 3, 3, 5], [1, 0, 2, 0, 1], [1.0, 2.0, 3.0, 4.0, 5.0], (4, 3), **options
    )


def csc(**options):
    return lampas.sparse_csc_tensor(
        [0, 2, 4, 5], [1, 3, 0, 3, 1], [2.0, 4.0, 1.0, 5.0, 3.0], (4, 3), **options
    )


BOTH = [csr, csc]


@pytest.mark.parametrize("make", BOTH)
def test_what_is_made_is_what_is_read(make):
    x = make()
    assert np.array_equal(x.to_dense().numpy(), ROWS)
    assert (x.shape, x._nnz(), x.dtype) == ((4, 3), 5, lampas.float32)
    assert (x.sparse_dim(), x.dense_dim(), x.is_sparse) == (2, 0, False)
    y = x.to_sparse()
    assert y.layout == lampas.sparse_coo and y.is_coalesced()
    assert y.indices().tolist() == [[0, 1, 1, 3, 3], [1, 0, 2, 0, 1]]
    assert y.values().tolist() == [1, 2, 3, 4, 5]


def test_the_fields_of_rows_and_of_columns():
    x, y = csr(), csc()
    assert x.layout == lampas.sparse_csr and y.layout == lampas.sparse_csc
    assert x.is_sparse_csr and not y.is_sparse_csr
    assert x.crow_indices().tolist() == [0, 1, 3, 3, 5]
    assert x.col_indices().tolist() == [1, 0, 2, 0, 1]
    assert x.values().tolist() == [1, 2, 3, 4, 5]
    assert y.ccol_indices().tolist() == [0, 2, 4, 5]
    assert y.row_indices().tolist() == [1, 3, 0, 3, 1]
    assert y.values().tolist() == [2, 4, 1, 5, 3]
    assert x.crow_indices().dtype is lampas.int64


@pytest.mark.parametrize("make", [*BOTH, lambda: lampas.tensor(ROWS), None])
def test_layouts_turn_into_one_another(make):
    x = csr().to_sparse() if make is None else make()
    for y in (x.to_sparse_csr(), x.to_sparse_csc().to_sparse_csr()):
        assert y.crow_indices().tolist() == [0, 1, 3, 3, 5]
        assert y.col_indices().tolist() == [1, 0, 2, 0, 1]
        assert y.values().tolist() == [1, 2, 3, 4, 5]
    z = x.to_sparse_csc()
    assert z.ccol_indices().tolist() == [0, 2, 4, 5]
    assert z.values().tolist() == [2, 4, 1, 5, 3]
    assert np.array_equal(x.to_sparse_coo().to_dense().numpy(), ROWS)


def test_repeated_coordinates_are_added():
    x = lampas.sparse_coo_tensor([[1, 0, 1], [0, 1, 0]], [1.0, 2.0, 3.0], (2, 2))
    assert x.to_sparse_csr().values().tolist() == [2.0, 4.0]


def test_the_size_is_just_large_enough():
    assert lampas.sparse_csr_tensor([0, 1, 2], [1, 3], [1.0, 2.0]).shape == (2, 4)
    assert lampas.sparse_csc_tensor([0, 1, 2], [1, 3], [1.0, 2.0]).shape == (4, 2)
    layout = lampas.sparse_csc
    made = lampas.sparse_compressed_tensor([0, 1], [1], [1.0], layout=layout)
    assert (made.shape, made.layout) == ((2, 1), layout)


@pytest.mark.parametrize(
    ("starts", "columns", "values", "text"),
    [
        ([0, 1, 3], [1, 0], [1.0, 2.0], "begin with 0 and end with 2"),
        ([1, 1, 2], [1, 0], [1.0, 2.0], "begin with 0"),
        ([0, 2], [1, 2], [1.0, 2.0], "3 entries for the size"),
        ([0, 2, 2], [1, 1], [1.0, 2.0], "sorted and distinct"),
        ([0, 2, 2], [1, 0], [1.0, 2.0], "sorted and distinct"),
        ([0, 1, 2], [1, 5], [1.0, 2.0], r"\[0, 2\], got 5"),
        ([0, 1, 2], [-1, 0], [1.0, 2.0], r"\[0, 2\], got -1"),
        ([0, 1, 2], [1, 0], [1.0, 2.0, 3.0], "one for each of the 2"),
        ([0.0, 1.0, 2.0], [1, 0], [1.0, 2.0], "int64 or int32"),
        ([0, 1, 2], [[1, 0]], [1.0, 2.0], "one dimension"),
    ],
)
def test_what_is_no_matrix_is_refused(starts, columns, values, text):
    with pytest.raises(RuntimeError, match=text):
        lampas.sparse_csr_tensor(starts, columns, values, (2, 3))


def test_starts_that_decrease_are_refused():
    with pytest.raises(RuntimeError, match="must not decrease"):
        lampas.sparse_csr_tensor([0, 2, 1, 2], [0, 1], [1.0, 2.0], (3, 3))


@pytest.mark.parametrize("starts", [[0, 0, 2], [0, 2, 2], [0, 1, 2]])
def test_rows_without_values(starts):
    x = lampas.sparse_csr_tensor(starts, [1, 2], [1.0, 2.0], (2, 3))
    assert x.crow_indices().tolist() == starts
    assert float(x.to_dense().sum()) == 3.0


def test_other_layouts_and_shapes_are_refused():
    with pytest.raises(RuntimeError, match="layout must be"):
        lampas.sparse_compressed_tensor([0, 1], [0], [1.0], layout="lampas.strided")
    with pytest.raises(RuntimeError, match="must be a matrix"):
        lampas.ones(3).to_sparse_csr()
    with pytest.raises(RuntimeError, match="coordinate form"):
        csr().indices()
    with pytest.raises(RuntimeError, match="coordinate form"):
        csr().coalesce()
    with pytest.raises(RuntimeError, match="must be of layout lampas.sparse_csc"):
        csr().ccol_indices()
    with pytest.raises(RuntimeError, match="to_sparse"):
        lampas.save(csr(), "never-written.pt")


ALIKE = {
    "neg": lambda x: -x,
    "twice": lambda x: x * 2,
    "half": lambda x: x / 2,
    "abs": lambda x: abs(x),
    "sqrt": lambda x: x.sqrt(),
    "sum": lambda x: x + x,
    "difference": lambda x: x - x * 3,
    "product": lambda x: x * x,
    "clone": lambda x: x.clone(),
    "detach": lambda x: x.detach(),
    "double": lambda x: x.to(lampas.float64),
}


@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize("name", sorted(ALIKE))
def test_results_are_of_the_same_layout(make, name):
    x = make()
    y = ALIKE[name](x)
    assert y.layout == x.layout
    expected = ALIKE[name](lampas.tensor(ROWS))
    np.testing.assert_allclose(y.to_dense().numpy(), expected.numpy(), 1e-6)


@pytest.mark.parametrize("make", BOTH)
def test_products(make):
    x, rng = make(), np.random.default_rng(0)
    matrix, vector = rng.standard_normal((3, 2)), rng.standard_normal(3)
    for other in (matrix, vector):
        found = x.double() @ lampas.tensor(other)
        np.testing.assert_allclose(found.numpy(), ROWS @ other)
    left = x.double().t() @ lampas.tensor(rng.standard_normal((4, 2)))
    assert left.shape == (3, 2)
    square = x @ x.t()
    assert square.layout == x.layout
    np.testing.assert_allclose(square.to_dense().numpy(), ROWS @ ROWS.T)
    added = lampas.addmm(lampas.ones(4, 2), x, lampas.ones(3, 2))
    np.testing.assert_allclose(added.numpy(), 1 + ROWS @ np.ones((3, 2)))
    assert float(x.sum()) == 15.0


@pytest.mark.parametrize("make", BOTH)
def test_the_transpose_is_compressed_the_other_way(make):
    x = make()
    y = x.t()
    assert {x.layout, y.layout} == {lampas.sparse_csr, lampas.sparse_csc}
    assert np.array_equal(y.to_dense().numpy(), ROWS.T)
    assert y.t().layout == x.layout


@pytest.mark.parametrize("make", BOTH)
def test_gradients_are_those_of_the_dense_product(make):
    x = make(dtype=lampas.float64, requires_grad=True)
    rng = np.random.default_rng(1)
    other, g = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    d = lampas.tensor(other, requires_grad=True)
    (x @ d).backward(lampas.tensor(g))
    np.testing.assert_allclose(d.grad.numpy(), ROWS.T @ g)
    assert x.grad.layout == x.layout
    # At the places of the matrix alone, as in coordinate form.
    expected = np.where(ROWS != 0, g @ other.T, 0.0)
    np.testing.assert_allclose(x.grad.to_dense().numpy(), expected)


def test_values_with_a_history_get_their_gradient():
    v = lampas.tensor([1.0, 2.0], requires_grad=True)
    x = lampas.sparse_csr_tensor([0, 1, 2], [1, 0], v, (2, 2))
    (x @ lampas.tensor([[3.0], [4.0]])).sum().backward()
    assert v.grad.tolist() == [4.0, 3.0]


@pytest.mark.parametrize("make", BOTH)
def test_copies(make):
    for copied in (copy.deepcopy(make()), pickle.loads(pickle.dumps(make()))):
        assert copied.layout == make().layout
        assert np.array_equal(copied.to_dense().numpy(), ROWS)


def test_printing():
    assert repr(csr()) == (
        "tensor(crow_indices=tensor([0, 1, 3, 3, 5]),\n"
        "       col_indices=tensor([1, 0, 2, 0, 1]),\n"
        "       values=tensor([1., 2., 3., 4., 5.]), size=(4, 3), nnz=5,\n"
        "       layout=lampas.sparse_csr)"
    )
    assert repr(csc()).startswith(
        "tensor(ccol_indices=tensor([0, 2, 4, 5]),\n       row_indices=tensor([1, 3,"
    )


def test_a_matrix_without_values():
    x = lampas.zeros(2, 3).to_sparse_csr()
    assert x.crow_indices().tolist() == [0, 0, 0]
    assert (x @ lampas.ones(3, 1)).tolist() == [[0.0], [0.0]]
