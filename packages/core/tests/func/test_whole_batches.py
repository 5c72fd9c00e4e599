"""Ops that ``vmap`` runs on whole batches: right at every level, never by example."""

import numpy as np
import pytest

import lampas
from lampas import func
from lampas.nn import functional as F
from lampas.transform.batch import BatchLevel

SIZE = 4


def floats(*shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return lampas.from_numpy(rng.standard_normal((SIZE, *shape)))


def places(high, *shape, low=0, seed=0):
    rng = np.random.default_rng([seed, high, *shape])
    return lampas.from_numpy(rng.integers(low, high, (SIZE, *shape)))


def masks(*shape):
    return floats(*shape, seed=9) > 0


WEIGHT = lampas.from_numpy(np.array([0.5, 1.0, 2.0, 0.25, 1.5]))


def ce(**how):
    return lambda x, i: F.cross_entropy(x, i, **how)


def nll(**how):
    return lambda x, i: F.nll_loss(x.log_softmax(min(1, x.ndim - 1)), i, **how)


def _stored(x, index, value):
    y = x.clone()
    y[index] = value
    return y


# Function of a floating tensor and one of integers (or bools); batches of both.
CASES = {
    "embedding": (lambda x, i: F.embedding(i, x), floats(5, 3), places(5, 2, 4)),
    "embedding of one": (lambda x, i: F.embedding(i, x), floats(5, 3), places(5)),
    "embedding with padding": (
        lambda x, i: F.embedding(i, x, padding_idx=-2),
        floats(5, 3),
        places(5, 7),
    ),
    "embedding by count": (
        lambda x, i: F.embedding(i, x, 1, scale_grad_by_freq=True),
        floats(5, 3),
        places(5, 7),
    ),
    "cross_entropy": (ce(), floats(3, 5), places(5, 3)),
    "cross_entropy of one": (ce(), floats(5), places(5)),
    "cross_entropy of pixels": (ce(), floats(2, 5, 3), places(5, 2, 3)),
    "cross_entropy none": (ce(reduction="none"), floats(2, 5, 3), places(5, 2, 3)),
    "cross_entropy sum": (ce(reduction="sum"), floats(3, 5), places(5, 3)),
    "cross_entropy weighed": (
        ce(weight=WEIGHT, label_smoothing=0.1, ignore_index=3),
        floats(6, 5),
        places(5, 6),
    ),
    "cross_entropy by place": (
        lambda x, i: F.cross_entropy(x, i, None, None, -1, None, "mean", 0.2),
        floats(6, 5),
        places(5, 6, low=-1),
    ),
    "nll_loss": (nll(), floats(3, 5), places(5, 3)),
    "nll_loss weighed": (nll(weight=WEIGHT), floats(2, 5, 3), places(5, 2, 3)),
    "nll_loss with ignored": (nll(ignore_index=-1), floats(6, 5), places(5, 6, low=-1)),
    "gather": (lambda x, i: x.gather(1, i), floats(3, 5), places(5, 2, 4)),
    "gather from the back": (
        lambda x, i: lampas.gather(x, dim=-2, index=i),
        floats(3, 5),
        places(3, 6, 5),
    ),
    "take_along_dim": (
        lambda x, i: lampas.take_along_dim(x, i, 1),
        floats(3, 5),
        places(5, 1, 2),
    ),
    "scatter": (
        lambda x, i: lampas.zeros(3, 7, dtype=x.dtype).scatter(1, i, x * x),
        floats(3, 2),
        places(7, 3, 2).sort(2)[0] * 0 + lampas.tensor([5, 2]),
    ),
    "scatter_add": (
        lambda x, i: x.scatter_add(0, i, x.sin()),
        floats(3, 2),
        places(3, 3, 2),
    ),
    "index_select": (lambda x, i: x.index_select(1, i), floats(3, 5, 2), places(5, 4)),
    "x[i]": (lambda x, i: x[i], floats(5, 3), places(5, low=-5)),
    "x[i], i of two dimensions": (lambda x, i: x[i], floats(5, 3), places(5, 2, 2)),
    "x[:, i]": (lambda x, i: x[:, i], floats(3, 5, 2), places(5, 4)),
    "x[1:, i, 0:1]": (lambda x, i: x[1:, i, 0:1], floats(3, 5, 2), places(5, 2, 4)),
    "x[i, j]": (lambda x, i: x[i, i[:1]], floats(5, 5, 2), places(5, 4)),
    "x[:, i, j]": (lambda x, i: x[:, i[0], i], floats(2, 5, 5), places(5, 4)),
    "x[i] = v": (
        lambda x, i: _stored(x, i, x[0].cos()),
        floats(5, 3),
        places(5).reshape(SIZE),
    ),
    "x[i, j] = v": (
        lambda x, i: _stored(x, (i[0], i[1, :1]), x[:1, 0].cos()),
        floats(5, 3),
        places(3, 2, 4) * 0 + lampas.tensor([[0, 1, 2, 4], [1, 1, 2, 2]]),
    ),
    "x[i] = 2": (lambda x, i: _stored(x, i, 2.0), floats(5, 3), places(5, 2)),
    "index_put": (
        lambda x, i: x.index_put((i,), x[:2].sin(), accumulate=True),
        floats(5, 3),
        places(5, 2),
    ),
    "masked_fill": (lambda x, m: x.masked_fill(m, 2.0), floats(3, 5), masks(5)),
    "masked_fill of ints": (
        lambda x, m: x * m.long().masked_fill(m[:1], 7),
        floats(3, 5),
        masks(5),
    ),
}
# Of floating tensors alone.
FLOATING = {
    "mul": (lambda x, y: x * y, floats(3, 5), floats(5)),
    "einsum": (
        lambda x, y: lampas.einsum("ij,jk->ki", x, y),
        floats(3, 5),
        floats(5, 2),
    ),
    "einsum of three": (
        lambda x, y: lampas.einsum("ij,jk,k->", x, y, y[0]),
        floats(3, 5),
        floats(5, 2),
    ),
    "einsum with dots": (
        lambda x, y: lampas.einsum("...ij,...kj->...ik", x, y),
        floats(2, 3, 5),
        floats(2, 4, 5),
    ),
    "einsum of a diagonal": (
        lambda x, y: lampas.einsum("ii,j->ij", x, y),
        floats(3, 3),
        floats(5),
    ),
    "layer_norm": (
        lambda x, y: F.layer_norm(x, (2, 5), y, y * 2),
        floats(3, 2, 5),
        floats(2, 5),
    ),
    "rms_norm": (lambda x, y: F.rms_norm(x, (5,), y), floats(3, 2, 5), floats(5)),
    "group_norm": (lambda x, y: F.group_norm(x, 2, y, y), floats(3, 4, 5), floats(4)),
    "batch_norm": (
        lambda x, y: F.batch_norm(x, None, None, y, y, True),
        floats(6, 3),
        floats(3),
    ),
    "tril": (lambda x, y: x.tril(1) * y.triu(), floats(3, 5), floats(3, 5)),
    "interpolate": (
        lambda x, y: F.interpolate(x, 7, mode="linear") * y,
        floats(2, 3, 5),
        floats(1),
    ),
    "adaptive_avg_pool": (
        lambda x, y: F.adaptive_avg_pool2d(x, 3) * y,
        floats(2, 4, 5),
        floats(3),
    ),
    "unfold": (
        lambda x, y: F.unfold(x, 2, padding=1) * y.sum(),
        floats(2, 3, 4, 5),
        floats(3),
    ),
    "fold": (
        lambda x, y: F.fold(x, (4, 5), 2) * y,
        floats(2, 8, 12),
        floats(1),
    ),
    "x[i] = y": (
        lambda x, y: x.index_put((lampas.tensor([2, 0]),), y),
        floats(3, 5),
        floats(5),
    ),
    "x[:, i] = y": (
        lambda x, y: (
            lampas.index_fill(x, 1, lampas.tensor([1, 1]), 0.0)
            + x.index_copy(1, lampas.tensor([0, 2]), y)
        ),
        floats(3, 5),
        floats(3, 2),
    ),
}


def slope(function):
    """A function whose value depends on all the results, so that it can be derived."""
    return lambda x, i: function(x, i).sin().sum()


def twice(function, argnums=0):
    gradient = func.grad(slope(function), argnums)
    return func.grad(lambda x, i: gradient(x, i).pow(2).sum(), argnums)


def along(function):
    return lambda x, i: func.jvp(lambda x: function(x, i), (x,), (x.cos(),))[1]


FORMS = {
    "value": lambda f: f,
    "grad": lambda f: func.grad(slope(f)),
    "grad of grad": twice,
    "jvp": along,
    "jvp of grad": lambda f: along(func.grad(slope(f))),
    "grad of jvp": lambda f: func.grad(slope(along(f))),
    "jacrev": lambda f: func.jacrev(f),
}


@pytest.fixture
def unrolled(monkeypatch):
    """The functions that were run by example."""
    found = []
    before = BatchLevel.unroll

    def unroll(self, function, args, kwargs):
        found.append(function)
        return before(self, function, args, kwargs)

    monkeypatch.setattr(BatchLevel, "unroll", unroll)
    return found


def check(function, operands, mapped, unrolled, form):
    whole = FORMS[form](function)
    dims = tuple(0 if k in mapped else None for k in range(2))
    given = [x if k in mapped else x[0] for k, x in enumerate(operands)]
    found = func.vmap(whole, dims)(*given)
    assert not unrolled
    rows = [
        whole(*(x[n] if k in mapped else x[0] for k, x in enumerate(operands)))
        for n in range(SIZE)
    ]
    wanted = lampas.stack(rows)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mapped", [(0, 1), (0,), (1,)])
@pytest.mark.parametrize("name", [*CASES, *FLOATING])
def test_whole_batches_at_every_level(name, mapped, form, unrolled):
    function, *operands = CASES.get(name) or FLOATING[name]
    check(function, operands, mapped, unrolled, form)


@pytest.mark.parametrize("name", [*CASES, *FLOATING])
def test_batches_of_batches(name, unrolled):
    """Each operand has a batch of its own, and a third level differentiates."""
    function, x, i = CASES.get(name) or FLOATING[name]
    inner = func.grad(slope(function))
    for outer, within in (((0, None), (None, 0)), ((None, 0), (0, None))):
        found = func.vmap(func.vmap(inner, within), outer)(x, i)
        pairs = [(a, b) for a in range(SIZE) for b in range(SIZE)]
        if outer[0] is None:
            pairs = [(b, a) for a, b in pairs]
        wanted = lampas.stack([inner(x[a], i[b]) for a, b in pairs])
        np.testing.assert_allclose(
            found.numpy(), wanted.reshape(found.shape).numpy(), rtol=1e-10, atol=1e-12
        )
    assert not unrolled


@pytest.mark.parametrize("name", [*CASES, *FLOATING])
def test_gradients_through_batches(name):
    """What all examples share gathers the gradients of all."""
    function, x, i = CASES.get(name) or FLOATING[name]
    whole = func.grad(lambda x: func.vmap(slope(function), (None, 0))(x, i).sum())
    wanted = sum(func.grad(slope(function))(x[0], i[n]) for n in range(SIZE))
    np.testing.assert_allclose(whole(x[0]).numpy(), wanted.numpy(), atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_errors_are_those_of_one_example(name):
    function, x, i = CASES[name]
    if i.dtype is lampas.bool:
        return
    with pytest.raises(IndexError) as one:
        function(x[0], i[0] + 100)
    with pytest.raises(IndexError) as batch:
        func.vmap(function)(x, i + 100)
    assert str(one.value).split("1")[0] == str(batch.value).split("1")[0]
