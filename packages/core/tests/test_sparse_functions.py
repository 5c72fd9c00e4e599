"""Functions of sparse tensors, against what they are of the dense arrays."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import lampas
from lampas import sparse

# Two places are listed twice; some rows and columns have no value.
PLACES = np.array([[0, 2, 0, 1, 2, 0, 2], [1, 3, 1, 0, 1, 3, 3]])
SHAPE = (4, 5)
LISTED = np.zeros(SHAPE, bool)
LISTED[tuple(PLACES)] = True


def _values(*dense, seed=0):
    values = np.random.default_rng(seed).uniform(0.2, 0.9, (7, *dense))
    return lampas.tensor(values, requires_grad=True)


def _made(values, dense=()):
    return lampas.sparse_coo_tensor(PLACES, values, (*SHAPE, *dense))


def _whole(values):
    array = values.detach().numpy()
    whole = np.zeros((*SHAPE, *array.shape[1:]))
    np.add.at(whole, tuple(PLACES), array)
    return whole


def _dense(y):
    return y.to_dense() if y.is_sparse else y


def _softmax(a, axis):
    scores = np.where(LISTED, a, -np.inf)
    weights = np.exp(scores)
    totals = weights.sum(axis, keepdims=True)
    return np.divide(weights, totals, out=np.zeros_like(a), where=totals != 0)


OTHER = np.random.default_rng(5).uniform(0.5, 1.0, SHAPE)
D = lampas.tensor(OTHER)
TALL = np.random.default_rng(6).uniform(0.5, 1.0, (5, 3))
T = lampas.tensor(TALL)
TURNED = lampas.tensor(np.where(LISTED, OTHER, 0).T).to_sparse()


def _log_softmax(a, axis):
    return np.log(_softmax(a, axis), out=np.zeros_like(a), where=LISTED)


FUNCTIONS = {
    "sum": (sparse.sum, np.sum),
    "sum0": (lambda x: sparse.sum(x, 0), lambda a: a.sum(0)),
    "sum-1": (lambda x: sparse.sum(x, -1), lambda a: a.sum(-1)),
    "sum01": (lambda x: sparse.sum(x, (0, 1)), np.sum),
    "sum of none": (lambda x: sparse.sum(x, []), lambda a: a),
    "x.sum": (lambda x: x.sum(1, keepdim=True), lambda a: a.sum(1, keepdims=True)),
    "x.sum all": (lambda x: x.sum(), np.sum),
    "softmax0": (lambda x: sparse.softmax(x, 0), lambda a: _softmax(a, 0)),
    "softmax1": (lambda x: sparse.softmax(x, -1), lambda a: _softmax(a, 1)),
    "log_softmax0": (lambda x: sparse.log_softmax(x, 0), lambda a: _log_softmax(a, 0)),
    "log_softmax1": (lambda x: sparse.log_softmax(x, 1), lambda a: _log_softmax(a, 1)),
    "mul dense": (lambda x: x * D, lambda a: a * OTHER),
    "mul row": (lambda x: D[0] * x, lambda a: OTHER[0] * a),
    "mul sparse": (lambda x: x * TURNED.t(), lambda a: a * np.where(LISTED, OTHER, 0)),
    "mul itself": (lambda x: x * x, lambda a: a * a),
    "mul coalesced": (lambda x: x.coalesce() * x.coalesce(), lambda a: a * a),
    "mul both": (lambda x: x.coalesce() * x, lambda a: a * a),
    "mul 0-d": (lambda x: x * lampas.tensor(3.0), lambda a: a * 3),
    "div 0-d": (lambda x: x / lampas.tensor(4.0), lambda a: a / 4),
    "transpose": (lambda x: x.transpose(0, 1), np.transpose),
    "T": (lambda x: x.T, np.transpose),
    "mT": (lambda x: x.mT, np.transpose),
    "mm": (lambda x: sparse.mm(x, TURNED), lambda a: a @ np.where(LISTED, OTHER, 0).T),
    "mm left": (lambda x: TURNED @ x, lambda a: np.where(LISTED, OTHER, 0).T @ a),
    "mm itself": (lambda x: x @ x.t(), lambda a: a @ a.T),
    "addmm": (
        lambda x: sparse.addmm(D[:, :3], x, T, beta=2, alpha=3),
        lambda a: 2 * OTHER[:, :3] + 3 * a @ TALL,
    ),
    "hspmm": (lambda x: lampas.hspmm(x, T), lambda a: a @ TALL),
    "smm": (lambda x: lampas.smm(x, T), lambda a: a @ TALL),
    "sspaddmm": (
        lambda x: (x @ TURNED).sspaddmm(x, T @ T[:4].t(), beta=2, alpha=3),
        lambda a: 2 * a @ np.where(LISTED, OTHER, 0).T + 3 * a @ TALL @ TALL[:4].T,
    ),
    "linear": (
        lambda x: lampas.nn.functional.linear(x, T.t(), T[0]),
        lambda a: a @ TALL + TALL[0],
    ),
    "mask": (lambda x: x.sparse_mask(TURNED.t()), lambda a: a),
    "dense mask": (lambda x: (x + D).sparse_mask(x), lambda a: _counted(a + OTHER)),
    "cat": (lambda x: lampas.cat([x, x * 2]), lambda a: np.concatenate([a, a * 2])),
    "cat1": (
        lambda x: lampas.cat([x, x.coalesce(), x], 1),
        lambda a: np.concatenate([a] * 3, 1),
    ),
    "pow": (lambda x: x**3, lambda a: a**3),
    "square": (lambda x: x.square(), np.square),
}


def _counted(a):
    counts = np.zeros(SHAPE)
    np.add.at(counts, tuple(PLACES), 1)
    return a * counts


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_those_of_the_dense_array(name):
    ours, theirs = FUNCTIONS[name]
    values = _values()
    y = _dense(ours(_made(values)))
    wanted = theirs(_whole(values))
    assert y.shape == np.shape(wanted)
    np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_functions_are_their_slopes(name):
    def function(values):
        return _dense(FUNCTIONS[name][0](_made(values)))

    values = _values()
    assert lampas.autograd.gradcheck(function, (values,))
    assert lampas.autograd.gradgradcheck(function, (values,))


def test_the_dense_factor_has_a_gradient_too():
    d = lampas.tensor(OTHER, requires_grad=True)
    values = _values().detach()
    (_made(values) * d * lampas.tensor(OTHER)).sum().backward()
    np.testing.assert_allclose(d.grad.numpy(), _whole(values) * OTHER)


ZERO_AT_ZERO = {
    "abs": np.abs,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "deg2rad": np.deg2rad,
    "expm1": np.expm1,
    "floor": np.floor,
    "frac": lambda a: a - np.trunc(a),
    "isinf": np.isinf,
    "isnan": np.isnan,
    "log1p": np.log1p,
    "nan_to_num": np.nan_to_num,
    "neg": np.negative,
    "rad2deg": np.rad2deg,
    "relu": lambda a: np.maximum(a, 0),
    "round": np.round,
    "sgn": np.sign,
    "sign": np.sign,
    "signbit": np.signbit,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
    "trunc": np.trunc,
}


@pytest.mark.parametrize("name", ZERO_AT_ZERO)
def test_what_is_zero_at_zero_is_taken_of_the_sums(name):
    values = _values() * 0.5
    y = getattr(_made(values), name)()
    assert y.is_sparse
    wanted = ZERO_AT_ZERO[name](_whole(values))
    assert y.to_dense().detach().numpy().dtype == wanted.dtype
    np.testing.assert_allclose(y.to_dense().detach().numpy(), wanted, rtol=1e-12)
    if y.requires_grad:
        shifted = (values.detach() + 0.01).requires_grad_()
        assert lampas.autograd.gradcheck(
            lambda v: getattr(_made(v), name)().to_dense(), (shifted,)
        )


@pytest.mark.parametrize("name", ["exp", "cos", "sigmoid", "reciprocal"])
def test_what_is_not_zero_at_zero_is_refused(name):
    with pytest.raises(NotImplementedError):
        getattr(_made(_values()), name)()


HYBRID = {
    "sum of sparse": (lambda x: sparse.sum(x, (0, 1)), lambda a: a.sum((0, 1))),
    "sum of dense": (lambda x: sparse.sum(x, 2), lambda a: a.sum(2)),
    "sum of both": (lambda x: sparse.sum(x, (1, 3)), lambda a: a.sum((1, 3))),
    "kept": (
        lambda x: x.sum((0, 1), keepdim=True),
        lambda a: a.sum((0, 1), keepdims=True),
    ),
    "transpose": (lambda x: x.transpose(0, 1), lambda a: a.swapaxes(0, 1)),
    "permute": (lambda x: x.permute(1, 0, 3, 2), lambda a: a.transpose(1, 0, 3, 2)),
    "mT": (lambda x: x.mT, lambda a: a.swapaxes(2, 3)),
    "mul": (lambda x: x * x, lambda a: a * a),
    "softmax of dense": (
        lambda x: sparse.softmax(x, 3),
        lambda a: (
            np.exp(a) / np.exp(a).sum(3, keepdims=True) * LISTED[:, :, None, None]
        ),
    ),
    "mask": (lambda x: x.to_dense().sparse_mask(x.coalesce()), lambda a: a),
}


@pytest.mark.parametrize("name", HYBRID)
def test_functions_of_tensors_with_dense_dimensions(name):
    ours, theirs = HYBRID[name]
    values = _values(2, 3)
    wanted = theirs(_whole(values))

    def function(values):
        return _dense(ours(_made(values, (2, 3))))

    np.testing.assert_allclose(function(values).detach().numpy(), wanted, rtol=1e-12)
    assert lampas.autograd.gradcheck(function, (values,))


def test_softmax_keeps_lines_of_dense_dimensions_apart():
    x = lampas.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 2.0]], (3, 2))
    y = sparse.softmax(x.double(), 0).values().numpy()
    e = np.exp(2.0)
    np.testing.assert_allclose(y, [[1 / (1 + e), 0.5], [e / (1 + e), 0.5]], rtol=1e-12)


def test_softmax_of_large_scores():
    x = lampas.sparse_coo_tensor([[0, 0], [0, 1]], [1000.0, 1000.0], (1, 2))
    assert sparse.softmax(x, 1).values().tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: sparse.sum(x, 0),
        lambda x: sparse.softmax(x, 0),
        lambda x: sparse.log_softmax(x, 1),
        lambda x: x * x,
        lambda x: x @ x.t(),
        lambda x: x.sqrt(),
        lambda x: x.coalesce(),
        lambda x: lampas.smm(x, lampas.ones(3, 2)),
        lambda x: lampas.hspmm(x, lampas.ones(3, 2)),
        lambda x: lampas.ones(2, 3).sparse_mask(x),
        lambda x: lampas.eye(3)[:2].to_sparse().sparse_mask(x),
    ],
)
def test_functions_of_no_values(function):
    y = function(lampas.sparse_coo_tensor(size=(2, 3)))
    assert y.is_sparse and y._nnz() == 0 and not y.to_dense().any()


def test_dtypes_of_sums_and_softmax():
    x = _made(_values().detach().float())
    assert sparse.sum(x, 0, dtype=lampas.float64).dtype == lampas.float64
    assert sparse.sum(x, dtype=lampas.float64).dtype == lampas.float64
    assert sparse.softmax(x, 0, dtype=lampas.float64).dtype == lampas.float64
    half = sparse.softmax(x.half(), 1)
    assert half.dtype == lampas.float16
    wanted = sparse.softmax(x, 1).to_dense().numpy()
    np.testing.assert_allclose(half.to_dense().float().numpy(), wanted, atol=2e-3)


def test_products_list_what_pytorch_lists():
    x = lampas.sparse_coo_tensor([[2, 0, 2], [0, 1, 0]], [1.0, 2.0, 3.0], (4, 2))
    d = lampas.ones(2, 2)
    assert lampas.hspmm(x, d).indices().tolist() == [[0, 2]]
    assert lampas.hspmm(x, d).values().tolist() == [[2.0, 2.0], [4.0, 4.0]]
    assert lampas.smm(x, d).indices().tolist() == [[0, 0, 2, 2], [0, 1, 0, 1]]
    assert (x @ d[:, :2].to_sparse()).is_coalesced()
    assert (x.coalesce() * x.coalesce())._nnz() == 2 and (x * x)._nnz() == 3


def test_spdiags():
    d = np.arange(9.0).reshape(3, 3)
    for shape in [(3, 3), (2, 4), (5, 2)]:
        wanted = np.zeros(shape)
        for i, k in enumerate((0, -1, 2)):
            for j in range(min(shape[1], 3)):
                if 0 <= j - k < shape[0]:
                    wanted[j - k, j] = d[i, j]
        offsets = lampas.tensor([0, -1, 2])
        y = sparse.spdiags(lampas.tensor(d), offsets, shape)
        np.testing.assert_array_equal(y.to_dense().numpy(), wanted)
    one = sparse.spdiags(lampas.tensor([1.0, 2.0, 3.0]), lampas.tensor(1), (3, 3))
    assert one._values().tolist() == [2.0, 3.0]
    leaf = lampas.ones(2, 3, requires_grad=True)
    sparse.spdiags(leaf, lampas.tensor([1, -1]), (3, 3)).to_dense().sum().backward()
    assert leaf.grad.tolist() == [[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]


def test_resizing_in_place():
    x = lampas.sparse_coo_tensor([[0, 2]], [[1.0, 2.0], [3.0, 4.0]], (3, 2))
    assert x.sparse_resize_((4, 3), 1, 1) is x and x.shape == (4, 3)
    wanted = [[1.0, 2.0, 0.0], [0.0] * 3, [3.0, 4.0, 0.0], [0.0] * 3]
    assert x.to_dense().tolist() == wanted
    for size, sparse_dim, dense_dim in [
        ((2, 3), 1, 1),
        ((4, 3, 1), 2, 1),
        ((4, 3, 1), 1, 2),
        ((4, 2), 1, 1),
    ]:
        with pytest.raises(RuntimeError, match="sparse_resize_"):
            x.sparse_resize_(size, sparse_dim, dense_dim)
    assert x.to_dense().tolist() == wanted
    assert x.sparse_resize_and_clear_((5, 6, 2), 2, 1) is x
    assert x.shape == (5, 6, 2) and x._nnz() == 0 and x.dense_dim() == 1
    x.sparse_resize_((3,), 1, 0)
    assert x.to_dense().tolist() == [0.0] * 3
    leaf = lampas.sparse_coo_tensor([[0]], [1.0], (2,), requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        leaf.sparse_resize_((3,), 1, 0)


def test_coalesced_places_are_taken_at_their_word_if_it_is_true():
    ordered = [[0, 0, 1], [1, 2, 0]]
    x = lampas.sparse_coo_tensor(
        ordered, [1.0, 2.0, 3.0], (2, 3), is_coalesced=True, check_invariants=True
    )
    assert x.is_coalesced() and x.values().tolist() == [1.0, 2.0, 3.0]
    for places in ([[0, 1, 0], [1, 2, 0]], [[0, 0, 1], [1, 1, 0]]):
        with pytest.raises(RuntimeError, match="is_coalesced"):
            lampas.sparse_coo_tensor(places, [1.0] * 3, (2, 3), is_coalesced=True)


def test_a_size_alone_makes_a_tensor_without_values():
    for x in (lampas.sparse_coo_tensor((2, 3)), lampas.sparse_coo_tensor(size=(2, 3))):
        assert x.shape == (2, 3) and x._nnz() == 0 and x.dtype == lampas.float32
    assert lampas.sparse_coo_tensor((2,), dtype=lampas.int64).dtype == lampas.int64


def test_sums_of_small_integers_are_of_int64():
    places = [[0, 1], [1, 1]]
    x = lampas.sparse_coo_tensor(places, [200, 255], (2, 2), dtype=lampas.uint8)
    assert x.sum().item() == 455
    assert x.sum(0).to_dense().tolist() == [0, 455]
    assert x.sum(0).dtype is lampas.int64


X = functools.partial(lampas.sparse_coo_tensor, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("use", "error", "text"),
    [
        (lambda x, d: sparse.sum(d), RuntimeError, "sum: input must be a sparse"),
        (lambda x, d: sparse.sum(x, 5), IndexError, "5"),
        (lambda x, d: sparse.sum(x, (0, 0)), RuntimeError, "twice"),
        (lambda x, d: sparse.softmax(d, 0), NotImplementedError, "sparse"),
        (lambda x, d: sparse.softmax(x, 7), IndexError, "7"),
        (
            lambda x, d: sparse.softmax(x.long(), 0),
            NotImplementedError,
            "must be floating",
        ),
        (lambda x, d: sparse.addmm(x, x, d), RuntimeError, "input must be dense"),
        (lambda x, d: sparse.mm(x, lampas.ones(3, 2)), RuntimeError, "inner|equal"),
        (lambda x, d: sparse.mm(x, d.double()), RuntimeError, "one dtype"),
        (lambda x, d: lampas.hspmm(d, d), NotImplementedError, "mat1 must be"),
        (lambda x, d: lampas.smm(x, lampas.ones(3, 2)), RuntimeError, "inner sizes"),
        (lambda x, d: lampas.sspaddmm(d, x, d), RuntimeError, "input must be"),
        (lambda x, d: d.sparse_mask(d), NotImplementedError, "mask must be"),
        (lambda x, d: lampas.ones(3, 3).sparse_mask(x), RuntimeError, "shape"),
        (lambda x, d: x * X([1.0, 1.0], (3, 3)), RuntimeError, "one shape"),
        (lambda x, d: x * lampas.ones(1, 2, 2), RuntimeError, "broadcast"),
        (lambda x, d: x / d, RuntimeError, "single number"),
        (lambda x, d: lampas.cat([x, d]), RuntimeError, "all tensors must be sparse"),
        (
            lambda x, d: lampas.cat([x, X([1.0, 1.0], (3, 3))]),
            RuntimeError,
            "except in dimension 0",
        ),
        (lambda x, d: x**0, RuntimeError, "power 0"),
        (lambda x, d: x.to_sparse(1), RuntimeError, "2 sparse dimensions, not 1"),
        (lambda x, d: d.to_sparse(3), RuntimeError, "sparse_dim"),
        (lambda x, d: d.sparse_resize_((2, 2), 2, 0), RuntimeError, "sparse tensor"),
        (
            lambda x, d: x.sparse_resize_and_clear_((2, 2), 2, 1),
            RuntimeError,
            "must have sparse_dim",
        ),
        (
            lambda x, d: lampas.ones(2, 2, 2).to_sparse(1).transpose(0, 1),
            RuntimeError,
            "first 1 dimensions",
        ),
        (
            lambda x, d: sparse.spdiags(d, lampas.tensor([1, 1]), (2, 2)),
            RuntimeError,
            "differ",
        ),
        (
            lambda x, d: sparse.spdiags(d, lampas.tensor([1, 0, 2]), (2, 2)),
            RuntimeError,
            "3 offsets",
        ),
        (
            lambda x, d: sparse.spdiags(d, lampas.tensor([1.0, 2.0]), (2, 2)),
            RuntimeError,
            "int64",
        ),
    ],
)
def test_wrong_arguments_are_refused(use, error, text):
    with pytest.raises(error, match=text):
        use(X([3.0, 4.0], (2, 2)), lampas.ones(2, 2))


def test_changes_in_place():
    values = lampas.tensor([1.0, 2.0, 4.0])
    x = lampas.sparse_coo_tensor([[0, 1, 1], [1, 0, 0]], values, (2, 2))
    kept = x._values()
    assert x.mul_(2) is x and kept.tolist() == [2.0, 4.0, 8.0]
    x.div_(4).neg_()
    assert kept.tolist() == [-0.5, -1.0, -2.0]
    x.add_(lampas.eye(2).to_sparse())
    assert x.to_dense().tolist() == [[1.0, -0.5], [-3.0, 1.0]]
    x.abs_()
    assert x.is_coalesced() and x.values().tolist() == [1.0, 0.5, 3.0, 1.0]
    for change in (lambda: x.add_(1), lambda: x.add_(lampas.ones(2, 2))):
        with pytest.raises(RuntimeError):
            change()
    assert x.values().tolist() == [1.0, 0.5, 3.0, 1.0]


def test_changes_in_place_are_recorded():
    values = lampas.tensor([1.0, 2.0, 4.0], requires_grad=True)
    x = lampas.sparse_coo_tensor([[0, 1, 1], [1, 0, 0]], values, (2, 2)) * 1
    x.mul_(3).pow_(2)
    x.to_dense().sum().backward()
    assert values.grad.tolist() == [18.0, 108.0, 108.0]
    leaf = lampas.sparse_coo_tensor([[0], [1]], [3.0], (2, 2), requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.mul_(2)
    with lampas.no_grad():
        leaf.mul_(2)
    assert leaf._values().tolist() == [6.0] and leaf.requires_grad and leaf.is_leaf
