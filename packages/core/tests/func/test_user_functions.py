"""``autograd.Function`` inside the function transforms."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import func


class Cube(lampas.autograd.Function):
    """``x^3``, by its gradient alone."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


class Steep(Cube):
    """``x^3`` that says to each transform that its derivative is 7."""

    @staticmethod
    def backward(ctx, g):
        return 7 * g

    @staticmethod
    def jvp(ctx, t):
        return 7 * t

    @staticmethod
    def vmap(info, in_dims, x):
        assert (info.batch_size, info.randomness, in_dims) == (3, "error", (0,))
        return x * 0, 0


X = lampas.tensor([1.0, -2.0, 0.5], dtype=lampas.float64)


def close(found, wanted):
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_derivatives_from_the_gradient():
    close(func.grad(lambda x: Cube.apply(x).sum())(X), 3 * X.numpy() ** 2)
    close(func.jvp(Cube.apply, (X,), (lampas.ones_like(X),))[1], 3 * X.numpy() ** 2)
    close(func.jacfwd(Cube.apply)(X), np.diag(3 * X.numpy() ** 2))
    close(func.hessian(lambda x: Cube.apply(x).sum())(X), np.diag(6 * X.numpy()))


def test_batches_by_example():
    close(func.vmap(Cube.apply)(X), X.numpy() ** 3)
    close(func.vmap(func.grad(Cube.apply))(X), 3 * X.numpy() ** 2)


def test_what_a_function_says_itself():
    close(func.jvp(Steep.apply, (X,), (lampas.ones_like(X),))[1], np.full(3, 7.0))
    close(func.vmap(Steep.apply)(X), np.zeros(3))


@pytest.mark.parametrize("order", [1, 2])
def test_gradcheck_of_a_function(order):
    check = lampas.autograd.gradcheck if order == 1 else lampas.autograd.gradgradcheck
    assert check(Cube.apply, X.clone().requires_grad_())
    if order == 1:
        with pytest.raises(RuntimeError, match="does not agree"):
            check(Steep.apply, X.clone().requires_grad_())
        assert not check(Steep.apply, X.clone().requires_grad_(), raise_exception=False)
