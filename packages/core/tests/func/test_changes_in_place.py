"""Changes in place inside function transforms: what they reach and what they don't."""

import warnings

import numpy as np
import pytest

import lampas
from lampas import func, tensor
from lampas.engine.modes import mode

X = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])


def ones():
    return lampas.ones(3, dtype=lampas.float64)


CHANGES = {
    "add_": lambda b, x: b.add_(x),
    "mul_": lambda b, x: b.mul_(x),
    "copy_": lambda b, x: b.copy_(x),
    "an entry": lambda b, x: b.__setitem__(1, x[0]),
    "a view": lambda b, x: b[1:].add_(x[1:]),
    "a view of a view": lambda b, x: b.view(3, 1)[1:].t().sub_(x[1:]),
}

TRANSFORMS = {
    "vmap": lambda f: func.vmap(f)(tensor(X)),
    "jvp": lambda f: func.jvp(f, (tensor(X[0]),), (tensor(X[1]),)),
    "jacfwd": lambda f: func.jacfwd(f)(tensor(X[0])),
    "vmap of grad": lambda f: func.vmap(func.grad(lambda x: f(x).sum()))(tensor(X)),
    "vmap of jacrev": lambda f: func.vmap(func.jacrev(f))(tensor(X)),
    "grad in jvp": lambda f: func.jvp(
        func.grad(lambda x: f(x).sum()), (tensor(X[0]),), (tensor(X[1]),)
    ),
}


@pytest.mark.parametrize("returned", [False, True])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_tensor_from_outside_is_refused_and_left_as_it_was(
    change, transform, returned
):
    outside = ones()
    view = outside[:2]

    def function(x):
        CHANGES[change](outside, x)
        return outside if returned else x * 2

    with pytest.raises(RuntimeError, match="from outside of the function"):
        TRANSFORMS[transform](function)
    assert type(outside) is type(view) is lampas.Tensor
    assert not outside.requires_grad
    assert (outside + 1).tolist() == [2.0, 2.0, 2.0]
    outside[0] = 5.0
    assert view.tolist() == [5.0, 1.0]
    assert mode.levels == ()


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_tensor_from_inside_may_be_changed(change, transform):
    def function(x):
        own = ones()
        CHANGES[change](own, x)
        return own

    def plainly(x):
        own = CHANGES_OUT[change](x)
        return own

    TRANSFORMS[transform](function)
    found = func.vmap(function)(tensor(X)).numpy()
    np.testing.assert_allclose(found, np.stack([plainly(x) for x in X]))


CHANGES_OUT = {
    "add_": lambda x: 1 + x,
    "mul_": lambda x: x,
    "copy_": lambda x: x,
    "an entry": lambda x: np.array([1, x[0], 1]),
    "a view": lambda x: np.array([1, 1 + x[1], 1 + x[2]]),
    "a view of a view": lambda x: np.array([1, 1 - x[1], 1 - x[2]]),
}


def test_an_error_in_the_function_leaves_tensors_from_outside_alone():
    outside = ones()

    def function(x):
        outside.add_(x)
        raise KeyError("from the function")

    with pytest.raises(KeyError):
        func.vmap(function)(tensor(X))
    assert type(outside) is lampas.Tensor
    assert outside.tolist() == [1.0, 1.0, 1.0]
    assert mode.levels == ()


@pytest.mark.parametrize("transform", [*TRANSFORMS, "grad"])
@pytest.mark.parametrize(
    "store",
    [
        lambda y, c: y.copy_(c),
        lambda y, c: y.__setitem__(slice(None), c),
        lambda y, c: y.zero_().add_(c),
    ],
    ids=["copy_", "setitem", "add_"],
)
def test_a_tensor_that_was_stored_does_not_follow(transform, store):
    """``y`` takes the values of ``c``; what happens to ``y`` then is no matter of c."""
    constant = ones()

    def function(x):
        y = x.clone()
        store(y, constant)
        y.add_(1).mul_(3)
        return y * x

    if transform == "grad":
        func.grad(lambda x: function(x).sum())(tensor(X[0]))
    else:
        TRANSFORMS[transform](function)
    assert constant.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(func.vmap(function)(tensor(X)).numpy(), 6 * X)
    jacobian = func.vmap(func.jacrev(function))(tensor(X)).numpy()
    np.testing.assert_allclose(jacobian, np.broadcast_to(6 * np.eye(3), (2, 3, 3)))


def test_mapped_arguments_are_changed():
    x, columns = tensor(X), tensor(X.T.copy())
    func.vmap(lambda a: a.mul_(2))(x)
    np.testing.assert_array_equal(x.numpy(), 2 * X)
    func.vmap(lambda a: a[1:].zero_(), in_dims=1)(columns)
    np.testing.assert_array_equal(columns.numpy(), X.T * [[1.0], [0.0], [0.0]])
    parts = tensor(X)
    func.vmap(lambda a: a.add_(1), chunk_size=1)(parts)
    np.testing.assert_array_equal(parts.numpy(), X + 1)


def test_a_change_happens_once_where_the_function_is_run_a_second_time():
    """The first try meets a question that a batch can't answer."""

    def function(x):
        x.mul_(2)
        own = lampas.zeros(3, dtype=lampas.float64)
        own.add_(x)
        return own if float(x.sum()) > 0 else -own

    x = tensor(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = func.vmap(function)(x).numpy()
    signs = np.where(X.sum(1, keepdims=True) > 0, 1, -1)
    np.testing.assert_array_equal(found, 2 * X * signs)
    np.testing.assert_array_equal(x.numpy(), 2 * X)


@pytest.mark.parametrize(
    "change",
    [lambda x: x.mul_(2), lambda x: x[0].zero_(), lambda x: x.__setitem__(0, 1.0)],
)
def test_the_argument_of_grad_is_a_leaf_at_every_level(change):
    def function(x):
        change(x)
        return x.sum()

    for transform in (func.grad, lambda f: func.vmap(func.grad(f))):
        x = tensor(X) if transform is not func.grad else tensor(X[0])
        with pytest.raises(RuntimeError, match="leaf"):
            transform(function)(x)


@pytest.mark.parametrize("wrapped", ["grad", "vmap", "jvp", "nested"])
def test_an_argument_of_grad_changed_under_no_grad_stays_the_argument(wrapped):
    def function(x):
        before = x * 2
        with lampas.no_grad():
            x[0] = 0.0
            x[1:].mul_(3)
        return (before + x**3).sum()

    changed = X * [[0.0, 3.0, 3.0]]
    wanted = 2 + 3 * changed**2
    gradient = func.grad(function)
    if wrapped == "grad":
        found = lampas.stack([gradient(tensor(x)) for x in X])
    elif wrapped == "vmap":
        found = func.vmap(gradient)(tensor(X))
    elif wrapped == "jvp":
        found = func.vmap(lambda x: func.jvp(gradient, (x,), (x * 0,))[0])(tensor(X))
    else:
        found = func.vmap(lambda x: func.vjp(gradient, x)[0])(tensor(X))
    np.testing.assert_allclose(found.numpy(), wanted)
