"""Sparse gradients of embeddings, and the optimizers that take them."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lampas
from lampas import nn, optim
from lampas.nn import functional as F

INDEX = [[1, 2], [2, 5]]


def _table(rows=6, width=3, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, width))
    return lampas.tensor(values, requires_grad=True)


def _scatter(index, parts, shape):
    """The dense gradient: each part added to its row."""
    total = np.zeros(shape)
    np.add.at(total, np.asarray(index).reshape(-1), parts.reshape(-1, shape[1]))
    return total


def _factors(seed=1):
    return np.random.default_rng(seed).normal(size=(2, 2, 3))


def _backward(w, factors, index=INDEX, **how):
    rows = F.embedding(lampas.tensor(index), w, sparse=True, **how)
    (rows * lampas.tensor(factors)).sum().backward()


def test_the_gradient_lists_the_rows_in_use():
    w, c = _table(), _factors()
    _backward(w, c)
    assert w.grad.is_sparse and not w.grad.is_coalesced()
    assert w.grad._indices().tolist() == [[1, 2, 2, 5]]
    assert tuple(w.grad._values().shape) == (4, 3) and w.grad.shape == w.shape
    np.testing.assert_allclose(w.grad.to_dense().numpy(), _scatter(INDEX, c, (6, 3)))
    assert w.grad.coalesce()._nnz() == 3


def test_rows_of_padding_are_left_out():
    w, c = _table(), _factors()
    _backward(w, c, padding_idx=-4)
    assert w.grad._indices().tolist() == [[1, 5]]
    expected = _scatter(INDEX, c, (6, 3))
    expected[2] = 0
    np.testing.assert_allclose(w.grad.to_dense().numpy(), expected)


def test_several_passes_add_to_the_same_tensor():
    w, c = _table(), _factors()
    _backward(w, c)
    first = w.grad
    _backward(w, 2 * c)
    assert w.grad is first and w.grad._nnz() == 8
    np.testing.assert_allclose(first.to_dense().numpy(), 3 * _scatter(INDEX, c, (6, 3)))


def test_uses_within_one_pass_add_up():
    w, c = _table(), _factors()
    x, y = lampas.tensor(INDEX), lampas.tensor([0])
    rows = F.embedding(x, w, sparse=True) * lampas.tensor(c)
    (rows.sum() + 3 * F.embedding(y, w, sparse=True).sum()).backward()
    expected = _scatter(INDEX, c, (6, 3))
    expected[0] += 3
    assert w.grad._nnz() == 5
    np.testing.assert_allclose(w.grad.to_dense().numpy(), expected)


@pytest.mark.parametrize("order", ["sparse first", "dense first", "one pass", "twice"])
def test_a_sparse_and_a_dense_gradient_make_a_dense_one(order):
    w, c = _table(), _factors()
    x = lampas.tensor(INDEX)

    def sparse():
        return (F.embedding(x, w, sparse=True) * lampas.tensor(c)).sum()

    def dense():
        return (w * w).sum()

    times = 1
    if order == "sparse first":
        sparse().backward()
        dense().backward()
    elif order == "dense first":
        dense().backward()
        before = w.grad
        sparse().backward()
        assert w.grad is before
    elif order == "one pass":
        (dense() + sparse()).backward()
    else:
        times = 2
        (sparse() + dense() + sparse() + dense()).backward()
    assert not w.grad.is_sparse
    expected = _scatter(INDEX, c, (6, 3)) + 2 * w.detach().numpy()
    np.testing.assert_allclose(w.grad.numpy(), times * expected)


def test_zero_grad_lets_go_of_all_places():
    w, c = _table(), _factors()
    optimizer = optim.SGD([w], lr=0.1)
    _backward(w, c)
    optimizer.zero_grad(set_to_none=False)
    assert w.grad._nnz() == 0 and w.grad.shape == w.shape
    before = w.detach().clone()
    optimizer.step()
    assert (w == before).all()
    _backward(w, c)
    np.testing.assert_allclose(w.grad.to_dense().numpy(), _scatter(INDEX, c, (6, 3)))
    layer = nn.Embedding(6, 3, sparse=True)
    layer(lampas.tensor(INDEX)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.is_sparse and layer.weight.grad._nnz() == 0


def test_the_gradient_is_the_users_own():
    w = _table()
    x = lampas.tensor([1, 2])
    rows = F.embedding(x, w, sparse=True)
    g = lampas.ones(2, 3, dtype=lampas.float64)
    rows.backward(g)
    g.zero_()
    x.zero_()
    assert w.grad._indices().tolist() == [[1, 2]] and (w.grad._values() == 1).all()


def test_hooks_and_autograd_grad_get_sparse_gradients():
    w, c = _table(), _factors()
    seen = []
    w.register_hook(lambda g: seen.append(g.is_sparse))
    _backward(w, c)
    assert seen == [True] and w.grad.is_sparse
    loss = (F.embedding(lampas.tensor(INDEX), w, sparse=True) ** 2).sum()
    (g,) = lampas.autograd.grad(loss, w)
    rows = w.detach().numpy()[INDEX]
    assert g.is_sparse
    np.testing.assert_allclose(g.to_dense().numpy(), _scatter(INDEX, 2 * rows, (6, 3)))
    w.register_hook(lambda g: g.to_dense() * 2)
    w.grad = None
    _backward(w, c)
    np.testing.assert_allclose(w.grad.numpy(), 2 * _scatter(INDEX, c, (6, 3)))


@pytest.mark.parametrize("padding", [None, 2])
def test_gradients_of_sparse_gradients(padding):
    w, c = _table(), _factors()
    x = lampas.tensor(INDEX)
    for again in (1, 2):
        rows = F.embedding(x, w, padding, sparse=True)
        (rows**3 * lampas.tensor(c)).sum().backward(create_graph=True)
        assert w.grad.is_sparse and w.grad._nnz() == again * (4 - 2 * bool(padding))
    p = w.detach().numpy()
    expected = _scatter(INDEX, 3 * p[INDEX] ** 2 * c, (6, 3))
    second = _scatter(INDEX, 6 * p[INDEX] * c, (6, 3)) * expected
    if padding:
        expected[padding] = second[padding] = 0
    dense = w.grad.to_dense()
    np.testing.assert_allclose(dense.detach().numpy(), 2 * expected)
    # Half of the squared norm has the gradient H g.
    (g,) = lampas.autograd.grad((dense**2).sum() / 8, w)
    np.testing.assert_allclose(g.to_dense().numpy(), second)


def test_backward_to_chosen_inputs_adds_up():
    w, c = _table(), _factors()
    for _ in range(2):
        rows = F.embedding(lampas.tensor(INDEX), w, sparse=True)
        (rows * lampas.tensor(c)).sum().backward(inputs=[w])
    assert w.grad.is_sparse
    expected = 2 * _scatter(INDEX, c, (6, 3))
    np.testing.assert_allclose(w.grad.to_dense().numpy(), expected)


def test_models_with_sparse_gradients_are_copied_and_cast():
    layer = nn.Embedding(6, 3, sparse=True)
    layer(lampas.tensor(INDEX)).sum().backward()
    twin = copy.deepcopy(layer).weight.grad
    layer.weight.grad._values().mul_(2)
    assert twin.is_sparse and (twin._values() == 1).all()
    assert layer.double().weight.grad.dtype is lampas.float64


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_and_anomaly_detection_keep_the_layout(reentrant):
    w, c = _table(), _factors()
    x, extra = lampas.tensor(INDEX), lampas.zeros(1, requires_grad=True)

    def part(x, extra):
        rows = F.embedding(x, w, sparse=True) * lampas.tensor(c)
        return rows.sum() + extra

    checkpoint = lampas.utils.checkpoint.checkpoint
    with lampas.autograd.set_detect_anomaly(True):
        checkpoint(part, x, extra, use_reentrant=reentrant).sum().backward()
    assert w.grad.is_sparse
    np.testing.assert_allclose(w.grad.to_dense().numpy(), _scatter(INDEX, c, (6, 3)))


def test_a_table_that_is_no_leaf_passes_a_dense_gradient_on():
    w, c = _table(), _factors()
    rows = F.embedding(lampas.tensor(INDEX), w * 2, sparse=True)
    (rows * lampas.tensor(c)).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * _scatter(INDEX, c, (6, 3)))


def test_scaling_by_frequency_is_refused_before_anything_is_recorded():
    w = _table()
    x = lampas.tensor(INDEX)
    with pytest.raises(RuntimeError, match="scale_grad_by_freq"):
        F.embedding(x, w, scale_grad_by_freq=True, sparse=True)
    F.embedding(x, w.detach(), scale_grad_by_freq=True, sparse=True)
    with pytest.raises(ValueError, match="sparse"):
        F.embedding_bag(x, w, mode="max", sparse=True)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_list_the_rows_that_they_look_up(mode):
    w = _table()
    x, offsets = [1, 2, 2, 5, 3], [0, 2, 2]
    bags = F.embedding_bag(
        lampas.tensor(x), w, lampas.tensor(offsets), mode=mode, sparse=True
    )
    c = np.random.default_rng(3).normal(size=(3, 3))
    (bags * lampas.tensor(c)).sum().backward()
    owner = np.array([0, 0, 2, 2, 2])
    sizes = np.array([2, 0, 3])[owner][:, None] if mode == "mean" else 1
    assert w.grad.is_sparse and w.grad._indices().tolist() == [x]
    expected = _scatter(x, c[owner] / sizes, (6, 3))
    np.testing.assert_allclose(w.grad.to_dense().numpy(), expected)


def test_layers_take_the_option():
    x = lampas.tensor(INDEX)
    for layer in (
        nn.Embedding(6, 3, sparse=True),
        nn.EmbeddingBag(6, 3, sparse=True),
        nn.EmbeddingBag(6, 3, sparse=True, padding_idx=2),
    ):
        layer(x).sum().backward()
        assert layer.weight.grad.is_sparse
    dense = nn.Embedding(6, 3)
    dense(x).sum().backward()
    assert not dense.weight.grad.is_sparse


# ---- optimizers


def _steps(optimizer, w, batches):
    for index, c in batches:
        optimizer.zero_grad()
        rows = F.embedding(lampas.tensor(index), w, sparse=True)
        (rows * lampas.tensor(c)).sum().backward()
        optimizer.step()
    return w.detach().numpy()


def _batches(count=10):
    rng = np.random.default_rng(5)
    return [(rng.integers(0, 6, 4), rng.normal(size=(4, 3))) for _ in range(count)]


@pytest.mark.parametrize("maximize", [False, True])
def test_sparse_adam_is_adam_on_the_listed_rows(maximize):
    w = _table()
    p, m, v = w.detach().numpy().copy(), np.zeros((6, 3)), np.zeros((6, 3))
    batches = _batches()
    options = {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "maximize": maximize}
    got = _steps(optim.SparseAdam([w], **options), w, batches)
    for t, (index, c) in enumerate(batches, 1):
        g = _scatter(index, -c if maximize else c, (6, 3))
        rows = np.unique(index)
        m[rows] = 0.8 * m[rows] + 0.2 * g[rows]
        v[rows] = 0.9 * v[rows] + 0.1 * g[rows] ** 2
        size = 0.1 * np.sqrt(1 - 0.9**t) / (1 - 0.8**t)
        p[rows] -= size * m[rows] / (np.sqrt(v[rows]) + 1e-3)
    np.testing.assert_allclose(got, p, rtol=1e-10)


def test_sparse_adam_saves_its_state():
    w, twin = _table(), _table()
    batches = _batches()
    optimizer = optim.SparseAdam([w], lr=0.1)
    _steps(optimizer, w, batches[:5])
    other = optim.SparseAdam([twin], lr=0.1)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert optimizer.state_dict()["state"][0]["step"] == 5
    with lampas.no_grad():
        twin.copy_(w)
    expected = _steps(optimizer, w, batches[5:])
    np.testing.assert_array_equal(_steps(other, twin, batches[5:]), expected)


def test_a_sparse_velocity_is_loaded():
    w, twin = _table(), _table()
    batches = _batches()
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    _steps(optimizer, w, batches[:5])
    other = optim.SGD([twin], lr=0.1, momentum=0.9)
    other.load_state_dict(optimizer.state_dict())
    with lampas.no_grad():
        twin.copy_(w)
    expected = _steps(optimizer, w, batches[5:])
    np.testing.assert_array_equal(_steps(other, twin, batches[5:]), expected)


def test_sparse_adam_refuses_what_is_not_its_own():
    w, before = _table(), _table()
    optimizer = optim.SparseAdam([w, u := _table()])
    _backward(w, _factors())
    (u * 2).sum().backward()
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense grad"):
        optimizer.step()
    assert (w == before).all()
    for options in ({"lr": 0.0}, {"eps": 0.0}, {"betas": (1.0, 0.9)}):
        with pytest.raises(ValueError):
            optim.SparseAdam([w], **options)
    with pytest.raises(ValueError, match="sparse"):
        optim.SparseAdam([w.detach().to_sparse()])
    with pytest.raises(ValueError, match="complex"):
        optim.SparseAdam([lampas.zeros(2, 2, dtype=lampas.complex64)])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"lr": 0.1}),
        (optim.SGD, {"lr": 0.1, "maximize": True}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
        (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        (optim.Adagrad, {"lr": 0.1}),
        (optim.Adagrad, {"lr": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.1}),
        (optim.LBFGS, {"lr": 0.1}),
    ],
)
def test_others_change_parameters_as_the_dense_gradient_would(kind, options):
    results = []
    for sparse in (False, True):
        w = _table()
        optimizer = kind([w], **options)
        for index, c in _batches():

            def closure(w=w, optimizer=optimizer, index=index, c=c, sparse=sparse):
                optimizer.zero_grad()
                rows = F.embedding(lampas.tensor(index), w, sparse=sparse)
                loss = ((rows - lampas.tensor(c)) ** 2).sum()
                loss.backward()
                return loss

            optimizer.step(closure)
        results.append(w.detach().numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-9)


def test_momentum_goes_on_when_gradients_change_their_layout():
    c = _factors()
    g = _scatter(INDEX, c, (6, 3))
    for first in (True, False):
        w = _table()
        optimizer = optim.SGD([w], lr=0.1, momentum=0.5)
        for sparse in (first, not first):
            optimizer.zero_grad()
            rows = F.embedding(lampas.tensor(INDEX), w, sparse=sparse)
            (rows * lampas.tensor(c)).sum().backward()
            optimizer.step()
        # Velocities g and 1.5 g.
        expected = _table().detach().numpy() - 0.25 * g
        np.testing.assert_allclose(w.detach().numpy(), expected)


@pytest.mark.parametrize(
    "name",
    ["Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]
    + ["Adadelta", "ASGD", "Adafactor", "Muon"],
)
def test_all_others_refuse_before_anything_is_changed(name):
    w, u = _table(), _table()
    optimizer = getattr(optim, name)([{"params": [u]}, {"params": [w]}])
    (u * 2).sum().backward()
    _backward(w, _factors())
    with pytest.raises(RuntimeError, match=f"{name} does not support sparse"):
        optimizer.step()
    assert (u == _table()).all() and (w == _table()).all()


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adagrad])
def test_weight_decay_is_refused(kind):
    w = _table()
    _backward(w, _factors())
    with pytest.raises(RuntimeError, match="weight_decay"):
        kind([w], lr=0.1, weight_decay=0.1).step()


def test_clipping_refuses_sparse_gradients():
    w, c = _table(), _factors()
    _backward(w, c)
    with pytest.raises(NotImplementedError, match="sparse"):
        nn.utils.clip_grad_norm_([w], 1.0)
    with pytest.raises(NotImplementedError, match="sparse"):
        nn.utils.clip_grad_value_([w], 1.0)
    np.testing.assert_allclose(w.grad.to_dense().numpy(), _scatter(INDEX, c, (6, 3)))


def test_the_gradient_scaler_unscales_sparse_gradients():
    w, c = _table(), _factors()
    optimizer = optim.SGD([w], lr=1.0)
    scaler = lampas.amp.GradScaler("cpu", init_scale=8.0)
    rows = F.embedding(lampas.tensor(INDEX), w, sparse=True)
    scaler.scale((rows * lampas.tensor(c)).sum()).backward()
    scaler.step(optimizer)
    expected = _table().detach().numpy() - _scatter(INDEX, c, (6, 3))
    np.testing.assert_allclose(w.detach().numpy(), expected)
    rows = F.embedding(lampas.tensor(INDEX), w, sparse=True)
    scaler.update()
    scaler.scale((rows * float("inf")).sum()).backward()
    scaler.step(optimizer)
    np.testing.assert_allclose(w.detach().numpy(), expected)


@pytest.mark.parametrize("dtype", [lampas.float16, lampas.float32, lampas.float64])
def test_values_listed_twice_have_tangents(dtype):
    values = lampas.tensor([1.0, 2.0, 3.0], dtype=dtype)

    def dense(v):
        return lampas.sparse_coo_tensor([[0, 0, 2]], v, (4,)).coalesce().to_dense()

    result, tangent = lampas.func.jvp(dense, (values,), (lampas.ones_like(values),))
    assert result.tolist() == [3.0, 0.0, 3.0, 0.0]
    assert tangent.tolist() == [2.0, 0.0, 1.0, 0.0]
    many = lampas.func.vmap(dense)(lampas.stack([values, values * 2]))
    assert many.tolist() == [[3.0, 0.0, 3.0, 0.0], [6.0, 0.0, 6.0, 0.0]]
    slopes = lampas.func.jacrev(dense)(values)
    assert slopes.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
