"""Values of the function transforms, from formulas, and how they nest."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import func
from lampas.engine.modes import mode

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 3))
X = RNG.standard_normal(3)


def tensor(array):
    return lampas.from_numpy(np.array(array))


def close(found, wanted, error=1e-12):
    np.testing.assert_allclose(found.numpy(), wanted, rtol=error, atol=error)


def quadratic(x):
    """``x^T A x``: gradient ``(A + A^T) x``, Hessian ``A + A^T``."""
    return x @ tensor(A) @ x


def test_gradient_of_a_quadratic_form():
    close(func.grad(quadratic)(tensor(X)), (A + A.T) @ X)


@pytest.mark.parametrize(
    "hessian",
    [
        func.hessian,
        lambda f: func.jacrev(func.grad(f)),
        lambda f: func.jacfwd(func.grad(f)),
        lambda f: func.jacrev(func.jacrev(f)),
        lambda f: func.jacrev(func.jacfwd(f)),
        lambda f: func.jacfwd(func.jacfwd(f)),
    ],
    ids=["hessian", "rev-grad", "fwd-grad", "rev-rev", "rev-fwd", "fwd-fwd"],
)
def test_hessian_by_every_pair_of_modes(hessian):
    close(hessian(quadratic)(tensor(X)), A + A.T)


def test_third_derivative_of_a_monomial():
    third = func.grad(func.grad(func.grad(lambda x: x**5)))
    close(third(tensor(2.0)), 60 * 2.0**2)


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobian_of_several_inputs_and_outputs(jacobian):
    def f(x, y):
        return {"product": x * y, "sine": x.sin()}

    x, y = tensor([0.5, 2.0]), tensor([3.0, -1.0])
    found = jacobian(f, (0, 1))(x, y)
    close(found["product"][0], np.diag([3.0, -1.0]))
    close(found["product"][1], np.diag([0.5, 2.0]))
    close(found["sine"][0], np.diag(np.cos([0.5, 2.0])))
    close(found["sine"][1], np.zeros((2, 2)))


def test_jacobians_in_chunks_are_the_same():
    f = lambda x: (tensor(A) @ x).tanh()  # noqa: E731
    whole = func.jacrev(f)(tensor(X)).numpy()
    close(func.jacrev(f, chunk_size=2)(tensor(X)), whole)
    close(func.jacfwd(f, chunk_size=1)(tensor(X)), whole)


def test_per_sample_gradients():
    """Of ``(w . x - t)^2``: ``2 (w . x - t) x`` for each sample."""
    x, t, w = RNG.standard_normal((5, 3)), RNG.standard_normal(5), X

    def loss(w, x, t):
        return (w @ x - t) ** 2

    found = func.vmap(func.grad(loss), (None, 0, 0))(*map(tensor, (w, x, t)))
    close(found, 2 * (x @ w - t)[:, None] * x)


def test_gradient_of_a_batched_function_adds_up():
    x = RNG.standard_normal((4, 3))
    f = lambda w: func.vmap(lambda x: (w * x).sum() ** 2)(tensor(x)).sum()  # noqa: E731
    close(func.grad(f)(tensor(X)), 2 * (x @ X) @ x)


def test_a_captured_tensor_is_differentiated_from_outside():
    w = tensor(2.0).requires_grad_()
    g = func.grad(lambda x: w * x**3)(tensor(3.0))
    g.backward()
    close(g.detach(), 2 * 3 * 9.0)
    close(w.grad, 27.0)


def test_an_input_that_requires_grad_is_differentiated_from_outside():
    x = tensor(3.0).requires_grad_()
    func.grad(lambda x: x**3)(x).backward()
    close(x.grad, 18.0)


def test_results_do_not_require_grad_where_nothing_outside_does():
    value, pull = func.vjp(lambda x: x * x, tensor(3.0))
    assert not value.requires_grad
    assert not pull(tensor(1.0))[0].requires_grad
    gradient, value = func.grad_and_value(lambda x: x * x)(tensor(3.0))
    assert not gradient.requires_grad
    assert not value.requires_grad


def test_perturbations_are_kept_apart():
    """The classic: d/dx (x * d/dy (x + y)) = 1, not 2."""

    def derivative(f):
        return lambda x: func.jvp(f, (x,), (lampas.ones_like(x),))[1]

    f = lambda x: x * derivative(lambda y: x + y)(tensor(1.0))  # noqa: E731
    close(derivative(f)(tensor(1.0)), 1.0)
    g = lambda x: x * func.grad(lambda y: x + y)(tensor(1.0))  # noqa: E731
    close(func.grad(g)(tensor(1.0)), 1.0)


def test_has_aux_hands_on_what_the_function_says():
    f = lambda x: (x * x, x + 1)  # noqa: E731
    gradient, aux = func.grad(f, has_aux=True)(tensor(3.0))
    close(gradient, 6.0)
    close(aux, 4.0)
    _, moved, aux = func.jvp(f, (tensor(3.0),), (tensor(1.0),), has_aux=True)
    close(moved, 6.0)
    close(aux, 4.0)
    jacobian, aux = func.jacrev(f, has_aux=True)(tensor(3.0))
    close(jacobian, 6.0)
    close(aux, 4.0)
    assert not aux.requires_grad


def test_aux_is_differentiated_from_outside():
    x = tensor(3.0).requires_grad_()
    _, aux = func.grad(lambda x: (x**3, x**2), has_aux=True)(x)
    aux.backward()
    close(x.grad, 6.0)


def test_complex_derivatives():
    """Of a holomorphic function forward mode gives ``f'(z) v``."""
    z, v = np.array(0.3 + 0.4j), np.array(1.0 - 2.0j)
    _, moved = func.jvp(lambda z: z.exp() * z, (tensor(z),), (tensor(v),))
    close(moved, np.exp(z) * (1 + z) * v)
    _, moved = func.jvp(lambda z: z.abs(), (tensor(z),), (tensor(v),))
    close(moved, (z.conjugate() * v).real / abs(z))


def test_changes_in_place_inside():
    def f(x):
        y = lampas.zeros(3, dtype=lampas.float64)
        y[0] = x[1] ** 2
        y[1:] += x[0]
        y.mul_(2)
        x = x.clone()
        x[x > 0] = 5.0
        return y, x

    x = tensor([3.0, -2.0])
    jacobian = np.array([[0.0, -8.0], [2.0, 0.0], [2.0, 0.0]])
    for transform in (func.jacrev, func.jacfwd):
        found = transform(f)(x)
        close(found[0], jacobian)
        close(found[1], np.diag([0.0, 1.0]))
    close(x, [3.0, -2.0])
    batch = tensor([[3.0, -2.0], [-1.0, 4.0]])
    found = func.vmap(f)(batch)
    close(found[0], [[8.0, 6.0, 6.0], [32.0, -2.0, -2.0]])
    close(found[1], [[5.0, -2.0], [-1.0, 5.0]])


def test_models_run_as_one():
    models = [lampas.nn.Linear(3, 2) for _ in range(4)]
    params, buffers = func.stack_module_state(models)
    x = lampas.randn(5, 3)

    def call(params, buffers):
        return func.functional_call(models[0], (params, buffers), (x,))

    found = func.vmap(call)(params, buffers)
    wanted = np.stack([m(x).detach().numpy() for m in models])
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: func.grad(lambda x: x)(tensor(X)), RuntimeError, "0-d tensor"),
        (lambda: func.grad(lambda x: x, 1)(tensor(1.0)), RuntimeError, "argnums"),
        (lambda: func.grad(lambda x: x)(1.0), TypeError, "tensors"),
        (lambda: func.grad(lambda x: x)(lampas.tensor(1)), RuntimeError, "floating"),
        (lambda: func.vjp(lambda x: x, tensor(X))[1](tensor(1.0)), RuntimeError, "sh"),
        (lambda: func.jvp(lambda x: x, tensor(X), tensor(X)), TypeError, "tuple"),
        (
            lambda: func.jvp(lambda x: x, (tensor(X),), (tensor(1.0),)),
            RuntimeError,
            "tangents must have shape",
        ),
        (
            lambda: func.grad(lambda x: x.requires_grad_().sum())(tensor(X)),
            None,
            "",
        ),
        (
            lambda: func.vmap(lambda x: x.requires_grad_())(tensor(X)),
            RuntimeError,
            "requires_grad_",
        ),
        (
            lambda: func.vmap(lambda x: x.sum().backward())(tensor(A)),
            RuntimeError,
            "backward",
        ),
    ],
)
def test_refusals(call, error, text):
    if error is None:
        call()
        return
    with pytest.raises(error, match=text):
        call()


def test_a_kept_tensor_of_a_transform_that_has_ended():
    kept = []
    func.vmap(lambda x: kept.append(x) or x)(tensor(X))
    with pytest.raises(RuntimeError, match="after the transform has ended"):
        kept[0] + 1


@pytest.mark.parametrize(
    "inside",
    [
        lambda f: func.vmap(f)(lampas.ones(2, 3)),
        lambda f: func.vmap(func.grad(f))(lampas.ones(2, 3)),
        lambda f: func.jvp(func.grad(f), (lampas.ones(3),), (lampas.ones(3),)),
        lambda f: func.vmap(func.jacrev(f))(lampas.ones(2, 3)),
    ],
    ids=["vmap", "vmap of grad", "jvp of grad", "vmap of jacrev"],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda x: x * 2,
        lambda x: x * 2.0,
        lambda x: x.sum(),
        lambda x: x + lampas.ones(3, dtype=lampas.float64),
        lambda x: lampas.stack([x, x]),
        lambda x: x[0],
        lambda x: x.mul_(2),
        lambda x: lampas.ones(3) * x,
        lambda x: x.numpy(),
        lambda x: func.vmap(lampas.sin)(x),
    ],
)
def test_whatever_kept_tensors_are_used_for_is_refused(inside, use):
    kept = []

    def function(x):
        kept.append(x.sin())
        return x.sum()

    inside(function)
    with pytest.raises(RuntimeError):
        use(kept[0])
    assert mode.levels == ()


@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
@pytest.mark.parametrize("how", [{"padding_idx": 1}, {"scale_grad_by_freq": True}])
def test_second_derivatives_of_embeddings_keep_the_dtype(kind, how):
    table = lampas.randn(4, 3).to(getattr(lampas, kind))
    index = lampas.tensor([1, 0, 1, 3])

    def loss(table):
        return lampas.nn.functional.embedding(index, table, **how).pow(3).sum()

    gradient = func.grad(loss)
    assert gradient(table).dtype == table.dtype
    assert func.jvp(gradient, (table,), (table,))[1].dtype == table.dtype
    twice = func.grad(lambda x: gradient(x).pow(2).sum())(table)
    assert twice.dtype == table.dtype
    if kind == "float64" and "padding_idx" in how:
        x = table.numpy()
        wanted = 36 * x**3 * np.array([1.0, 0.0, 0.0, 1.0])[:, None]
        np.testing.assert_allclose(twice.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    "product",
    [lambda x, w: (x * w).sum(), lambda x, w: lampas.einsum("i,i->", x, w)],
    ids=["mul", "einsum"],
)
def test_a_captured_tensor_changed_before_the_pullback_is_noticed(product):
    """By ops of a fixed number of operands and by those that take any number."""
    w = tensor([1.0, 2.0, 3.0])

    def pulled(x):
        _, pull = func.vjp(lambda x: product(x, w), x)
        w.mul_(2)
        return pull(tensor(1.0))[0]

    with pytest.raises(RuntimeError, match="changed in place"):
        func.vmap(pulled)(tensor(A))
