"""``vmap``: dimensions, randomness, chunks, nesting and refusals."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest

import lampas
from lampas import func

RNG = np.random.default_rng(1)
A = RNG.standard_normal((4, 3, 5))
B = RNG.standard_normal((5, 4))


def tensor(array):
    return lampas.from_numpy(np.array(array))


def equal(found, wanted):
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)


def test_dimensions_of_inputs_and_outputs():
    f = lambda x, y: x @ y  # noqa: E731
    wanted = np.einsum("bij,jb->bi", A, B)
    equal(func.vmap(f, (0, 1))(tensor(A), tensor(B)), wanted)
    equal(func.vmap(f, (0, -1), 1)(tensor(A), tensor(B)), wanted.T)
    equal(func.vmap(f, (0, -1), -1)(tensor(A), tensor(B)), wanted.T)
    shared = func.vmap(f, (None, 1))(tensor(A[0]), tensor(B))
    equal(shared, np.einsum("ij,jb->bi", A[0], B))


def test_nested_arguments_and_results():
    def f(pair, scale):
        return {"sum": pair["a"] + pair["b"][0], "scaled": pair["a"] * scale}

    a, b = RNG.standard_normal((3, 2)), RNG.standard_normal((2, 3))
    dims = ({"a": 0, "b": [1]}, None)
    out = {"sum": 1, "scaled": 0}
    found = func.vmap(f, dims, out)({"a": tensor(a), "b": [tensor(b)]}, 2.0)
    equal(found["sum"], (a + b.T).T)
    equal(found["scaled"], 2 * a)


def test_nested_batches():
    f = func.vmap(func.vmap(lambda x, y: x * y, (None, 0)), (0, None))
    x, y = RNG.standard_normal(3), RNG.standard_normal(4)
    equal(f(tensor(x), tensor(y)), np.outer(x, y))


def test_a_result_that_does_not_depend_on_the_example():
    ones = lampas.ones(2)
    equal(func.vmap(lambda x: ones)(lampas.zeros(3)), np.ones((3, 2)))
    equal(func.vmap(lambda x: ones, out_dims=None)(lampas.zeros(3)), np.ones(2))


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 10])
def test_chunks(chunk):
    f = func.vmap(lambda x, y: x @ y, (0, 1), 1, chunk_size=chunk)
    equal(f(tensor(A), tensor(B)), np.einsum("bij,jb->ib", A, B))


def test_promotion_is_that_of_an_example():
    """0-d double beside a float vector: weak in each example, so in the batch."""
    doubles = lampas.ones(3, dtype=lampas.float64)
    found = func.vmap(lambda s, v: s * v, (0, None))(doubles, lampas.ones(2))
    assert found.dtype == lampas.float32


def draws(randomness):
    lampas.manual_seed(0)
    f = lambda x: x + lampas.rand(4)  # noqa: E731
    return func.vmap(f, randomness=randomness)(lampas.zeros(3, 4)).numpy()


def test_random_numbers_for_each_or_for_all():
    same, different = draws("same"), draws("different")
    assert (same[0] == same[1]).all()
    assert len({tuple(row) for row in different}) == 3
    with pytest.raises(RuntimeError, match="randomness"):
        draws("error")


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout"])
def test_dropout_draws_for_each_example(name):
    drop = functools.partial(getattr(lampas.nn.functional, name), p=0.5, training=True)
    lampas.manual_seed(0)
    found = func.vmap(drop, randomness="different")(lampas.ones(4, 9))
    assert len({tuple(row) for row in found.numpy()}) == 4
    found = func.vmap(drop, randomness="same")(lampas.ones(4, 9))
    assert len({tuple(row) for row in found.numpy()}) == 1


INDEX = np.array([[0, 2], [1, 1], [2, 0]])
ROWS = RNG.standard_normal((3, 4))


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda x, i: x[i], [r[i] for r, i in zip(ROWS, INDEX, strict=True)]),
        (
            lambda x, i: lampas.gather(x, 0, i),
            [r[i] for r, i in zip(ROWS, INDEX, strict=True)],
        ),
        (
            lambda x, i: x.index_select(0, i),
            [r[i] for r, i in zip(ROWS, INDEX, strict=True)],
        ),
        (
            lambda x, i: x.index_fill(0, i, 0.0),
            [
                np.where(np.isin(np.arange(4), i), 0, r)
                for r, i in zip(ROWS, INDEX, strict=True)
            ],
        ),
    ],
    ids=["getitem", "gather", "index_select", "index_fill"],
)
def test_each_example_has_its_own_index(function, wanted):
    equal(func.vmap(function)(tensor(ROWS), tensor(INDEX)), np.stack(wanted))


def test_masks_of_each_example():
    found = func.vmap(lambda x: x.masked_fill(x > 0, 0.0))(tensor(ROWS))
    equal(found, np.minimum(ROWS, 0))


def test_a_function_that_looks_at_values_goes_on_by_example():
    f = func.vmap(lambda x: x if x.sum() > 0 else -x)
    with pytest.warns(RuntimeWarning, match="example by example"):
        found = f(tensor(ROWS))
    equal(found, ROWS * np.sign(ROWS.sum(1, keepdims=True)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: func.vmap(len, randomness="x"), ValueError, "randomness"),
        (lambda: func.vmap(len, chunk_size=0), ValueError, "chunk_size"),
        (
            lambda: func.vmap(lampas.add, (0,))(tensor(A), tensor(A)),
            ValueError,
            "1 ent",
        ),
        (
            lambda: func.vmap(lampas.sin, 3)(tensor(A)),
            ValueError,
            r"in_dims must be in \[-3, 2\] .* got 3",
        ),
        (
            lambda: func.vmap(lampas.sin, out_dims=-4)(tensor(A)),
            IndexError,
            r"out_dims must be in \[-3, 2\] .* got -4",
        ),
        (lambda: func.vmap(lampas.sin, None)(tensor(A)), ValueError, "in_dims"),
        (lambda: func.vmap(lampas.sin, (None,))(tensor(A)), ValueError, "at least one"),
        (lambda: func.vmap(lampas.sin)(tensor(1.0)), ValueError, "0-d"),
        (lambda: func.vmap(lampas.sin)(2.0), ValueError, "no tensor"),
        (
            lambda: func.vmap(lampas.add)(tensor(A), tensor(A[:2])),
            ValueError,
            "sizes 2, 4",
        ),
        (lambda: func.vmap(lambda x: 1)(tensor(A)), TypeError, "return tensors"),
        (
            lambda: func.vmap(lampas.sin, out_dims=None)(tensor(A)),
            ValueError,
            "out_dims",
        ),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    "function",
    [
        lampas.sin,
        lampas.Tensor.sum,
        lambda x: x.sort(dim=-1)[1],
        lambda x: lampas.cat([x, x]),
        lambda x: x[x.argmax(dim=0)],
        lambda x: x.gather(1, x.argsort(dim=1)),
        lambda x: x if float(x.sum()) > 0 else -x,
        func.grad(lambda x: (x[0] * x).sum()),
        func.hessian(lambda x: x.pow(3).sum()),
        func.vmap(lambda x: x.cumsum(0)),
        lambda x: func.jvp(lampas.sin, (x,), (x,))[1],
    ],
)
def test_a_batch_of_nothing_has_results_of_the_right_shape(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        one, none = (func.vmap(function)(tensor(A[:n])) for n in (1, 0))
    assert none.shape == (0, *one.shape[1:])
    assert none.dtype == one.dtype


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians_by_and_of_nothing(jacobian):
    assert jacobian(lampas.sin)(lampas.zeros(0, 2)).shape == (0, 2, 0, 2)
    assert jacobian(lambda x: x[:0])(lampas.zeros(3)).shape == (0, 3)


DRAWS = {
    "rrelu": lambda x: lampas.nn.functional.rrelu(-x, training=True),
    "gumbel_softmax": lampas.nn.functional.gumbel_softmax,
    "attention": lambda x: lampas.nn.functional.scaled_dot_product_attention(
        x, x, x, dropout_p=0.5
    ),
    "fractional_max_pool2d": lambda x: lampas.nn.functional.fractional_max_pool2d(
        (x * lampas.arange(64.0))[None], 2, output_size=9
    ),
    "fractional_max_pool3d": lambda x: lampas.nn.functional.fractional_max_pool3d(
        (x * lampas.arange(64.0)).reshape(1, 16, 16, 16), 2, output_size=5
    ),
    **{
        name: lambda x, name=name: getattr(lampas.nn.init, name)(lampas.zeros(9, 9))
        for name in ("uniform_", "normal_", "trunc_normal_", "orthogonal_")
    },
    "a layer made inside": lambda x: lampas.nn.Linear(64, 3, dtype=x.dtype)(x),
    "randperm": lambda x: lampas.randperm(30),
    "normal_": lambda x: x.clone().normal_(),
    "bernoulli": lambda x: lampas.bernoulli(x / 2),
    "multinomial": lambda x: lampas.multinomial(x[0], 9),
}


@pytest.mark.parametrize("name", DRAWS)
def test_whatever_draws_obeys_randomness(name):
    x = lampas.ones(4, 64, 64)
    with pytest.raises(RuntimeError, match="randomness="):
        func.vmap(DRAWS[name])(x)
    same = func.vmap(DRAWS[name], randomness="same")(x)
    assert (same == same[0]).all()
    different = func.vmap(DRAWS[name], randomness="different")(x)
    assert not (different == different[0]).all()


def decided(w, x):
    """What depends on the values of both."""
    y = (w * x).sum()
    return y**2 if float(y) > 0 else y.sin()


@pytest.mark.parametrize(
    "form",
    [
        lambda f: f,
        lambda f: func.grad(f),
        lambda f: func.hessian(f),
        lambda f: lambda w, x: func.jvp(lambda w: f(w, x), (w,), (w,))[1],
    ],
    ids=["value", "grad", "hessian", "jvp"],
)
@pytest.mark.parametrize("captured", [False, True])
def test_values_of_several_levels_are_looked_at(form, captured):
    whole = form(decided)
    w, x = tensor(A[:2, 0]), tensor(A[1:, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        if captured:
            found = func.vmap(lambda a: func.vmap(lambda b: whole(a, b))(x))(w)
        else:
            found = func.vmap(func.vmap(whole, (None, 0)), (0, None))(w, x)
    wanted = [[whole(a, b).numpy() for b in x] for a in w]
    equal(found, np.array(wanted))
