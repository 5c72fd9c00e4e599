"""Views and changes in place: shared memory, versions, rewritten history."""

from __future__ import annotations

import pytest

import lampas


def leaf(*values):
    return lampas.tensor(values, dtype=lampas.float64, requires_grad=True)


def test_views_share_memory_and_version():
    x = lampas.zeros(4)
    view = x[1:3]
    view.add_(5)
    assert x.tolist() == [0.0, 5.0, 5.0, 0.0]
    assert x._version == view._version == 1


def test_a_view_knows_its_base():
    x = lampas.zeros(2, 3)
    assert x.transpose(0, 1)[0]._base is x
    assert x.clone()._base is None


def test_a_leaf_that_requires_grad_is_not_changed_in_place():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[:1].add_(1)
    with lampas.no_grad():
        x.add_(1)
    assert x.item() == 2.0


def test_in_place_on_a_result_goes_into_its_history():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.pow_(2)  # (2x)^2
    y.sum().backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_writing_to_a_part_replaces_its_gradient():
    x, w = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 2
    y[1:2] = w * w
    (y * lampas.tensor([1.0, 5.0, 7.0], dtype=lampas.float64)).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 14.0]
    assert w.grad.tolist() == [100.0]


def test_in_place_on_a_view_of_a_view():
    x = lampas.ones(2, 3, dtype=lampas.float64, requires_grad=True)
    y = x * 1
    y[0][1:].mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [[1.0, 10.0, 10.0], [1.0, 1.0, 1.0]]


def test_a_view_made_before_sees_the_new_history():
    x = leaf(1.0, 2.0)
    y = x * 1
    first = y[0]
    y.mul_(3)
    first.backward()
    assert first.item() == 3.0
    assert x.grad.tolist() == [3.0, 0.0]


def test_filling_columns_one_by_one():
    x = lampas.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    out = lampas.zeros(2, 2)
    for i in range(2):
        out[:, i] = x[:, i] ** (i + 2)
    out.sum().backward()
    assert x.grad.tolist() == [[2.0, 12.0], [6.0, 48.0]]


def test_a_saved_value_that_changed_stops_backward():
    x = leaf(2.0)
    y = x.exp()
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"mul.*changed in place by add_"):
        z.sum().backward()


def test_an_operand_that_is_the_target_itself_is_noticed():
    y = leaf(2.0) * 1
    y.mul_(y)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_a_change_through_a_view_is_noticed_too():
    x = leaf(2.0, 3.0)
    y = x * 1
    z = y * y
    y[0].zero_()
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_a_change_after_detach_is_noticed_too():
    x = leaf(2.0)
    y = x * 1
    z = y * y
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_a_change_of_what_no_gradient_needs_is_fine():
    x = leaf(2.0)
    y = x * 1
    z = y + 1
    y.add_(1)
    z.sum().backward()
    assert x.grad.item() == 1.0


def test_expanded_memory_is_not_written():
    x = lampas.ones(1, 3).expand(2, 3)
    with pytest.raises(RuntimeError, match="single memory location"):
        x.add_(1)
    assert x.clone().add_(1).tolist() == [[2.0] * 3] * 2


def test_the_result_must_fit_the_tensor():
    with pytest.raises(RuntimeError, match="shape"):
        lampas.ones(3).add_(lampas.ones(2, 3))
    with pytest.raises(RuntimeError, match="cast"):
        lampas.ones(3, dtype=lampas.int64).add_(0.5)


def test_integers_go_into_floats():
    x = lampas.ones(2)
    x.add_(lampas.tensor([1, 2]))
    assert x.dtype is lampas.float32 and x.tolist() == [2.0, 3.0]


def test_copy_sends_gradients_to_the_source():
    x, target = leaf(1.0, 2.0), lampas.zeros(2)
    target.copy_(x)
    assert target.requires_grad and not target.is_leaf
    (target * target).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0] and target.grad is None


def test_copy_casts_and_broadcasts():
    target = lampas.zeros(2, 2, dtype=lampas.int64)
    target.copy_(lampas.tensor([1.75, -1.75]))
    assert target.tolist() == [[1, -1], [1, -1]]
    with pytest.raises(RuntimeError, match="broadcast"):
        target.copy_(lampas.ones(3))


def test_fill_and_zero_stop_gradients():
    x = leaf(1.0, 2.0)
    y = x * 2
    y[0].fill_(7)
    y.sum().backward()
    assert y.tolist() == [7.0, 4.0] and x.grad.tolist() == [0.0, 2.0]
    z = (x * 1).zero_()
    assert z.tolist() == [0.0, 0.0] and z.requires_grad


def test_operators_in_place_return_the_tensor():
    x = y = lampas.tensor([6.0])
    x += 1
    x *= 3
    x -= 1
    x /= 4
    x //= 2
    x **= 3
    assert x is y and x.item() == 8.0


def test_0_d_tensors_have_views_and_in_place():
    x = lampas.zeros(())
    x.add_(2)
    view = x.reshape(1)
    view.mul_(3)
    assert x.item() == 6.0 and view._base is x


def test_overlapping_copy_within_one_tensor():
    x = lampas.arange(5.0)
    x[1:] = x[:-1]
    assert x.tolist() == [0.0, 0.0, 1.0, 2.0, 3.0]
