"""gradcheck, forward_ad and functional of ``lampas.autograd``."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import autograd
from lampas.autograd import forward_ad, functional

RNG = np.random.default_rng(2)


def tensor(array, grad=False):
    made = lampas.from_numpy(np.array(array))
    return made.requires_grad_() if grad else made


def close(found, wanted):
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)


def test_gradcheck_takes_what_is_right():
    x, y = tensor(RNG.standard_normal((2, 3)), True), tensor(RNG.random(3) + 1, True)
    function = lambda x, y: (x * y.log(), (x @ y).tanh())  # noqa: E731
    assert autograd.gradcheck(
        function, (x, y), check_forward_ad=True, check_batched_grad=True
    )
    assert autograd.gradgradcheck(
        function, (x, y), check_fwd_over_rev=True, check_batched_grad=True
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda z: z.exp() * z,
        lambda z: z.abs(),
        lambda z: z * z.conj(),
        lambda z: (z.real * z.imag, z.angle()),
    ],
)
def test_gradcheck_of_complex_functions(function):
    z = tensor(RNG.standard_normal(3) + 1j * RNG.standard_normal(3), True)
    assert autograd.gradcheck(
        function, z, check_forward_ad=True, check_batched_grad=True
    )
    assert autograd.gradgradcheck(function, z)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * x.detach(),
        lambda x: (x * x).detach(),
        lambda x: x.round() + x.detach(),
    ],
    ids=["half of it", "none of it", "zero"],
)
def test_gradcheck_refuses_what_is_wrong(function):
    x = tensor([0.3, 1.2], True)
    with pytest.raises(RuntimeError, match="gradcheck"):
        autograd.gradcheck(function, x)
    assert not autograd.gradcheck(function, x, raise_exception=False)


def test_gradgradcheck_refuses_a_gradient_that_is_constant():
    class Frozen(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @autograd.once_differentiable
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

    x = tensor([0.3, 1.2], True)
    assert autograd.gradcheck(Frozen.apply, x)
    assert not autograd.gradgradcheck(Frozen.apply, x, raise_exception=False)


def test_gradcheck_needs_an_input_that_requires_grad():
    with pytest.raises(ValueError, match="requires grad"):
        autograd.gradcheck(lampas.sin, tensor([1.0]))


def test_dual_tensors():
    x, t = tensor([1.0, 2.0]), tensor([3.0, 5.0])
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, t)
        value, moved = forward_ad.unpack_dual(dual.sin() * dual)
        assert forward_ad.unpack_dual(x).tangent is None
    close(value, np.sin([1.0, 2.0]) * [1.0, 2.0])
    close(
        moved,
        (np.cos([1.0, 2.0]) * [1.0, 2.0] + np.sin([1.0, 2.0])) * np.array([3.0, 5.0]),
    )


def test_dual_tensors_outside_or_of_other_shapes():
    x = tensor([1.0])
    with pytest.raises(RuntimeError, match="inside of dual_level"):
        forward_ad.make_dual(x, x)
    assert forward_ad.unpack_dual(x) == (x, None)
    with forward_ad.dual_level(), pytest.raises(RuntimeError, match="shape"):
        forward_ad.make_dual(x, tensor([1.0, 2.0]))
    whole = lampas.ones(1, dtype=lampas.int64)
    for pair, name in (((whole, x), "tensor"), ((x, whole), "tangent")):
        with (
            forward_ad.dual_level(),
            pytest.raises(ValueError, match=f"{name} must be floating or complex"),
        ):
            forward_ad.make_dual(*pair)


def test_dual_levels_by_hand():
    level = forward_ad.enter_dual_level()
    inner = forward_ad.enter_dual_level()
    with pytest.raises(RuntimeError, match=f"entered last, {inner}, got {level}"):
        forward_ad.exit_dual_level(level=level)
    forward_ad.exit_dual_level(level=inner)
    x = forward_ad.make_dual(tensor([3.0]), tensor([1.0]))
    np.testing.assert_array_equal(forward_ad.unpack_dual(x * x).tangent.numpy(), [6.0])
    forward_ad.exit_dual_level()
    with pytest.raises(RuntimeError, match="enter_dual_level"):
        forward_ad.exit_dual_level()
    with pytest.raises(RuntimeError, match="inside of dual_level"):
        forward_ad.make_dual(tensor([3.0]), tensor([1.0]))


def test_grads_of_a_batch_of_cotangents():
    x = tensor([1.0, 2.0, 3.0]).requires_grad_()
    unused = tensor([1.0]).requires_grad_()
    y = x**2 * x.sum()
    v = np.arange(6.0).reshape(2, 3)
    jacobian = np.diag([12.0, 24.0, 36.0]) + np.array([[1.0], [4.0], [9.0]])
    found, nothing = lampas.autograd.grad(
        y, [x, unused], tensor(v), None, True, True, True, is_grads_batched=True
    )
    np.testing.assert_allclose(found.detach().numpy(), v @ jacobian)
    assert nothing is None
    mapped = lampas.func.vmap(
        lambda g: lampas.autograd.grad(y, x, g, retain_graph=True)[0]
    )(tensor(v))
    np.testing.assert_allclose(mapped.numpy(), v @ jacobian)
    (second,) = lampas.autograd.grad(found.sum(), x, retain_graph=True)
    (plain,) = lampas.autograd.grad(y, x, tensor(v.sum(0)), create_graph=True)
    wanted = lampas.autograd.grad(plain.sum(), x, retain_graph=True)[0].numpy()
    np.testing.assert_allclose(second.numpy(), wanted)
    with pytest.raises(RuntimeError, match="grad_outputs must have one size"):
        lampas.autograd.grad(y, x, tensor(1.0), is_grads_batched=True)


A = RNG.standard_normal((3, 3))
X = RNG.standard_normal(3)
V = RNG.standard_normal(3)


def quadratic(x):
    return x @ tensor(A) @ x


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_jacobian(strategy):
    function = lambda x: tensor(A) @ x  # noqa: E731
    close(functional.jacobian(function, tensor(X), strategy=strategy), A)
    pair = functional.jacobian(
        lambda x, y: (x * y, x + y), (tensor(X), tensor(V)), strategy=strategy
    )
    close(pair[0][0], np.diag(V))
    close(pair[0][1], np.diag(X))
    close(pair[1][1], np.eye(3))


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_hessian_and_products(strategy):
    found = functional.hessian(quadratic, tensor(X), outer_jacobian_strategy=strategy)
    close(found, A + A.T)
    for product in (functional.hvp, functional.vhp):
        value, moved = product(quadratic, tensor(X), tensor(V))
        close(value, X @ A @ X)
        close(moved, (A + A.T) @ V)
    pair = functional.hessian(lambda x, y: (x * y).sum(), (tensor(X), tensor(V)))
    close(pair[0][1], np.eye(3))
    close(pair[0][0], np.zeros((3, 3)))


def test_products_with_the_jacobian():
    function = lambda x: (tensor(A) @ x) ** 2  # noqa: E731
    jacobian = 2 * (A @ X)[:, None] * A
    close(functional.jvp(function, tensor(X), tensor(V))[1], jacobian @ V)
    close(functional.vjp(function, tensor(X), tensor(V))[1], V @ jacobian)
    close(functional.vjp(quadratic, tensor(X))[1], (A + A.T) @ X)


def test_results_can_be_differentiated_further():
    x = tensor(2.0, True)
    cube = lambda x: x**3  # noqa: E731
    second = functional.hessian(cube, x, create_graph=True)
    second.backward()
    close(x.grad, 6.0)
    assert not functional.hessian(cube, x).requires_grad


@pytest.mark.parametrize("product", [functional.hvp, functional.vhp])
def test_the_value_beside_a_product_keeps_its_history(product):
    x = tensor(2.0, True)
    value, moved = product(lambda x: x**3, x, tensor(1.0), create_graph=True)
    (value + moved).backward()
    close(x.grad, 3 * 4.0 + 6.0)
    value, moved = product(lambda x: x**3, x, tensor(1.0))
    assert not value.requires_grad
    assert not moved.requires_grad


@pytest.mark.parametrize("product", [functional.hvp, functional.vhp])
def test_a_product_calls_the_function_once(product):
    calls = []
    product(lambda x: calls.append(1) or (x**3).sum(), tensor(X), tensor(V))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: functional.hessian(lambda x: x, tensor(X)), "single element"),
        (lambda: functional.vjp(lambda x: x, tensor(X)), "v is needed"),
        (lambda: functional.jvp(lambda x: x, tensor(X)), "v is needed"),
        (lambda: functional.hvp(lambda x: x, tensor(X), tensor(V)), "single element"),
        (lambda: functional.vjp(lambda x: x, tensor(X), tensor(1.0)), "shape"),
    ],
)
def test_refusals_of_products(call, text):
    with pytest.raises(RuntimeError, match=text):
        call()
