"""The tape: backward, grad, hooks, modes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import lampas


def leaf(*values):
    return lampas.tensor(values, dtype=lampas.float64, requires_grad=True)


def test_gradients_of_two_backwards_add_up():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_tensor_used_twice_gets_both_gradients():
    x = leaf(3.0)
    y = x * 2
    (y * y + y).sum().backward()
    assert x.grad.tolist() == [26.0]


def test_a_second_backward_names_the_op_and_the_remedy():
    x = leaf(2.0)
    y = x.exp()
    y.backward()
    with pytest.raises(RuntimeError, match=r"exp a second time.*retain_graph=True"):
        y.backward()


def test_retain_graph_allows_a_second_backward():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]


def test_create_graph_gives_derivatives_of_higher_order():
    x = leaf(2.0)
    y = (x**4).sum()
    (first,) = lampas.autograd.grad(y, x, create_graph=True)
    (second,) = lampas.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = lampas.autograd.grad(second.sum(), x)
    assert [first.item(), second.item(), third.item()] == [32.0, 48.0, 48.0]


def test_gradient_penalty_reaches_the_weights():
    w, x = leaf(3.0), leaf(2.0)
    (g,) = lampas.autograd.grad((w * x * x).sum(), x, create_graph=True)
    (g * g).sum().backward()  # (2 w x)^2, by w: 8 w x^2
    assert w.grad.item() == 96.0


def test_a_vector_output_needs_a_cotangent():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="scalar output"):
        (x * 2).backward()
    (x * 2).backward(lampas.tensor([1.0, 10.0], dtype=lampas.float64))
    assert x.grad.tolist() == [2.0, 20.0]


def test_a_cotangent_of_another_shape_is_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="must have its shape"):
        (x * 2).backward(lampas.ones(3, dtype=lampas.float64))


def test_backward_without_anything_recorded_is_an_error():
    with pytest.raises(RuntimeError, match="does not require grad"):
        lampas.ones(()).backward()


def test_grad_by_a_tensor_in_between():
    x = leaf(2.0)
    y = x * x
    z = (y * 3).sum()
    assert lampas.autograd.grad(z, y, retain_graph=True)[0].tolist() == [3.0]
    assert x.grad is None


@pytest.mark.parametrize("many", [tuple, list, iter, lambda xs: {"a": xs[0]}.values()])
def test_tensors_to_differentiate_come_in_anything_to_go_through(many):
    x = lampas.tensor([1.0, 2.0], requires_grad=True)
    (g,) = lampas.autograd.grad(many([(x * x).sum()]), many([x]))
    assert g.tolist() == [2.0, 4.0]
    lampas.autograd.backward(many([x * x]), many([lampas.ones(2)]), inputs=many([x]))
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("inputs", [[3], {"a": 1}, [None], []])
def test_what_is_no_tensor_to_differentiate_by_is_refused(inputs):
    x = lampas.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="inputs"):
        lampas.autograd.grad((x * x).sum(), inputs)
    with pytest.raises(TypeError, match="inputs must be a tensor or tensors, got int"):
        lampas.autograd.grad((x * x).sum(), 3)


def test_grad_of_what_was_not_used():
    x, other = leaf(1.0), leaf(1.0)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        lampas.autograd.grad(y, [x, other], retain_graph=True)
    found = lampas.autograd.grad(y, [x, other], allow_unused=True)
    assert found[0].tolist() == [2.0] and found[1] is None


def test_materialized_gradients_are_zeros():
    x, other = leaf(1.0), leaf(1.0, 2.0)
    found = lampas.autograd.grad((x * 2).sum(), [x, other], materialize_grads=True)
    assert found[1].tolist() == [0.0, 0.0]


def test_backward_into_chosen_inputs_only():
    x, w = leaf(2.0), leaf(3.0)
    (x * w).sum().backward(inputs=[x])
    assert x.grad.tolist() == [3.0] and w.grad is None


def test_two_leaves_never_share_the_memory_of_a_gradient():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x + y).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [1.0, 1.0]


def test_a_gradient_does_not_share_the_cotangents_memory():
    x, g = leaf(1.0, 2.0), lampas.tensor([1.0, 1.0], dtype=lampas.float64)
    x.clone().backward(g)
    g.zero_()
    assert x.grad.tolist() == [1.0, 1.0]


def test_gradients_of_an_op_of_several_outputs_are_not_copied(monkeypatch):
    made, values = [], lampas.ones(1, 2, 300, 64)
    query, key, value = (values.clone().requires_grad_() for _ in range(3))
    y = lampas.nn.functional.scaled_dot_product_attention(query, key, value)
    node = type(y._node.parents[0])
    run = node.run

    def watched(self, F, g):
        made.extend(run(self, F, g))
        return made

    monkeypatch.setattr(node, "run", watched)
    y.sum().backward()
    for x, found in zip((query, key, value), made, strict=False):
        assert x.grad._data is found


def test_the_gradient_of_a_normalization_does_not_share_the_cotangents_memory():
    x, weight, bias = lampas.tensor([1.0, 2.0, 4.0]), leaf(1, 1, 1), leaf(0, 0, 0)
    y = lampas.nn.functional.layer_norm(x, (3,), weight, bias)
    g = lampas.ones(3)
    y.backward(g)
    g.fill_(5.0)
    assert bias.grad.tolist() == [1.0, 1.0, 1.0]


def test_broadcast_operands_get_summed_gradients():
    x = lampas.ones(2, 3, dtype=lampas.float64, requires_grad=True)
    y = lampas.ones(3, dtype=lampas.float64, requires_grad=True)
    (x * y * 2).sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2
    assert y.grad.tolist() == [4.0] * 3


def test_no_grad_records_nothing_and_enable_grad_does_again():
    x = leaf(1.0)
    with lampas.no_grad():
        assert not (x * 2).requires_grad
        with lampas.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_decorates():
    x = leaf(1.0)

    @lampas.no_grad()
    def double():
        return x * 2

    assert not double().requires_grad
    assert lampas.is_grad_enabled()


def test_set_grad_enabled_as_a_call_lasts():
    lampas.set_grad_enabled(False)
    try:
        assert not (leaf(1.0) * 2).requires_grad
    finally:
        lampas.set_grad_enabled(True)


def test_grad_mode_belongs_to_its_thread():
    seen = []
    with lampas.no_grad():
        thread = threading.Thread(target=lambda: seen.append(lampas.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_the_mode_is_put_back_after_an_error():
    with pytest.raises(KeyError), lampas.no_grad():
        raise KeyError
    assert lampas.is_grad_enabled()


def test_detach_shares_memory_and_drops_history():
    x = leaf(1.0, 2.0)
    y = (x * 2).detach()
    assert not y.requires_grad and y.is_leaf
    z = x.detach()
    z[0] = 9.0
    assert x.tolist() == [9.0, 2.0]


def test_hooks_see_and_replace_gradients_in_order():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    (y * 3).sum().backward()
    assert x.grad.item() == 62.0  # (3 * 10 + 1) * 2


def test_a_removed_hook_is_not_called():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    x.sum().backward()
    assert x.grad.item() == 1.0


def test_hooks_get_tensors_of_0_d_gradients():
    x = lampas.tensor(2.0, requires_grad=True)
    shapes = []
    x.register_hook(lambda g: shapes.append(g.shape))
    (x * x).backward()
    assert shapes == [()]


def test_post_accumulate_hook_sees_the_sum():
    x, seen = leaf(1.0), []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item()))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [2.0, 4.0]


def test_retain_grad_keeps_what_is_in_between():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3.0] and x.grad.tolist() == [12.0]


def test_only_leaves_keep_gradients_by_default():
    x = leaf(2.0)
    y = x * x
    y.sum().backward()
    assert y.grad is None and not y.is_leaf and x.is_leaf


def test_integers_can_not_require_a_gradient():
    with pytest.raises(RuntimeError, match="floating point"):
        lampas.tensor([1, 2], requires_grad=True)


def test_multiple_outputs_share_one_backward():
    x = lampas.tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    values, indices = x.max(1)
    assert not indices.requires_grad
    (values * lampas.tensor([2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0], [3.0, 0.0]]


def test_a_long_chain_does_not_exhaust_the_stack():
    x = leaf(1.0)
    y = x
    for _ in range(5000):
        y = y + 1
    y.sum().backward()
    assert x.grad.item() == 1.0


def test_half_precision_is_computed_wide_and_rounded_once():
    x = lampas.tensor([2048.0], dtype=lampas.float16, requires_grad=True)
    # 2048 + 1 is not a half; the sum of three is rounded after the last addition.
    ones = lampas.ones(3, dtype=lampas.float16)
    assert (x * ones).sum().item() == 6144.0
    (x * x).sum().backward()
    assert x.grad.dtype is lampas.float16 and x.grad.item() == 4096.0


def test_gradients_have_the_dtype_of_their_leaf():
    x = lampas.ones(2, requires_grad=True)
    y = lampas.ones(2, dtype=lampas.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype is lampas.float32 and y.grad.dtype is lampas.float64


def test_grad_can_be_set_and_must_fit():
    x = leaf(1.0, 2.0)
    x.grad = lampas.ones(2, dtype=lampas.float64)
    assert x.grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="shape"):
        x.grad = lampas.ones(3)
    x.grad = None
    assert x.grad is None


def test_numpy_refuses_what_requires_grad():
    with pytest.raises(RuntimeError, match="detach"):
        leaf(1.0).numpy()
    assert np.array_equal(leaf(1.0).detach().numpy(), [1.0])


def test_numbers_on_the_left_of_operators():
    x = leaf(2.0, 4.0)
    (1 - x).sum().backward()
    assert x.grad.tolist() == [-1.0, -1.0]
    x.grad = None
    (8 / x).sum().backward()
    assert x.grad.tolist() == [-2.0, -0.5]
    x.grad = None
    (3 * x + (2 + x)).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    (g,) = lampas.autograd.grad((8 / x).sum(), x, create_graph=True)
    assert lampas.autograd.grad(g.sum(), x)[0].tolist() == [2.0, 0.25]
    with pytest.raises(RuntimeError, match="subtraction"):
        _ = True - lampas.tensor([0.5])
    assert (7 // lampas.tensor([2, -2])).tolist() == [3, -4]
    assert (2 ** lampas.tensor([3.0])).tolist() == [8.0]
