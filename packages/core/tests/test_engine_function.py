"""``autograd.Function``: gradients that users write."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import lampas


class Cube(lampas.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


class Scale(lampas.autograd.Function):
    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.factor = inputs

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


class Split(lampas.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, first, second):
        return first * 2 + second * 3


def leaf(value):
    return lampas.tensor(value, requires_grad=True)


def test_its_backward_is_used():
    x = leaf(2.0)
    Cube.apply(x).backward()
    assert x.grad.item() == 12.0


def test_it_can_be_differentiated_twice():
    x = leaf(2.0)
    (g,) = lampas.autograd.grad(Cube.apply(x), x, create_graph=True)
    (h,) = lampas.autograd.grad(g, x)
    assert h.item() == 12.0


def test_arguments_that_are_no_tensors_get_none():
    x = leaf(2.0)
    Scale.apply(x, 5.0).backward()
    assert x.grad.item() == 5.0


def test_an_output_that_was_not_used_gives_zeros():
    x = leaf(1.0)
    first, _ = Split.apply(x)
    first.backward()
    assert x.grad.item() == 2.0


def test_a_wrong_number_of_gradients_is_an_error():
    class Wrong(Scale):
        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="expected 2 gradients"):
        Wrong.apply(leaf(1.0), 2.0).backward()


def test_saved_tensors_notice_a_change():
    x = leaf(2.0)
    y = x * 1
    z = Cube.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        z.backward()


def test_forward_is_not_recorded():
    class Watch(Cube):
        @staticmethod
        def forward(ctx, x):
            assert not (x * 2).requires_grad
            return Cube.forward(ctx, x)

    assert Watch.apply(leaf(2.0)).requires_grad


def test_without_backward_it_is_refused():
    class Half(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

    with pytest.raises(TypeError, match="forward and backward"):
        Half.apply(leaf(1.0))


def test_an_input_returned_as_it_is_becomes_another_tensor():
    class Pass(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 7

    x = leaf(1.0)
    y = Pass.apply(x)
    y.backward()
    assert y is not x and x.grad.item() == 7.0


def test_marked_outputs_have_no_gradient():
    class Signs(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            sign = x.sign()
            ctx.mark_non_differentiable(sign)
            return x * 1, sign

        @staticmethod
        def backward(ctx, g, _):
            return g

    values, signs = Signs.apply(leaf(-2.0))
    assert values.requires_grad and not signs.requires_grad


def test_once_differentiable_stops_there():
    class Once(Cube):
        @staticmethod
        @lampas.autograd.once_differentiable
        def backward(ctx, g):
            return Cube.backward(ctx, g)

    x = leaf(2.0)
    (g,) = lampas.autograd.grad(Once.apply(x), x, create_graph=True)
    assert g.item() == 12.0 and not g.requires_grad


class SavesItsOutput(lampas.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def test_a_saved_output_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = lampas.ones(3, requires_grad=True)
        y = SavesItsOutput.apply(x)
        alive = weakref.ref(y)
        del y
        assert alive() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_gradients_through_a_saved_output_go_on():
    x = lampas.tensor([0.5, -1.0], dtype=lampas.float64, requires_grad=True)
    (first,) = lampas.autograd.grad(SavesItsOutput.apply(x).sum(), x, create_graph=True)
    (second,) = lampas.autograd.grad(first.sum(), x)
    expected = np.exp([0.5, -1.0])
    np.testing.assert_allclose(first.detach().numpy(), expected)
    np.testing.assert_allclose(second.numpy(), expected)


def test_a_gradient_without_dimensions_reaches_backward_as_an_array():
    class Total(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sum()

        @staticmethod
        def backward(ctx, g):
            return lampas.ones(2, dtype=g.dtype) * g

    x = lampas.ones(2, requires_grad=True)
    (Total.apply(x) / 4.0).backward()
    assert x.grad.tolist() == [0.25, 0.25]
