"""``as_strided``: real views, with gradients of what the input holds."""

import numpy as np
import pytest

import lampas
from lampas.errors import ArgumentTypeError, ShapeError


def test_it_is_a_view_that_writes_into_its_base():
    x = lampas.arange(6.0)
    view = x.as_strided((2, 2), (3, 1), 1)
    assert view._base is x
    view.fill_(0.0)
    assert x.tolist() == [0.0, 0.0, 0.0, 3.0, 0.0, 0.0]


def test_writing_into_it_is_in_the_history_of_the_base():
    w = lampas.ones(6, requires_grad=True)
    v = lampas.ones(2, 2, requires_grad=True)
    x = w * 2
    x.as_strided((2, 2), (3, 1), 1).copy_(v * 5)
    (x * lampas.arange(6.0)).sum().backward()
    assert w.grad.tolist() == [0.0, 0.0, 0.0, 6.0, 0.0, 0.0]
    assert v.grad.tolist() == [[5.0, 10.0], [20.0, 25.0]]


def test_the_same_through_a_base_in_another_order():
    """The cotangent lies in rows, the base in columns: no view leads there."""
    w = lampas.ones(3, 2, requires_grad=True)
    x = w.t() * 2
    x.as_strided((3,), (2,), 1).mul_(10)
    weights = lampas.arange(6.0).reshape(2, 3)
    (x * weights).sum().backward()
    assert w.grad.tolist() == [[0.0, 60.0], [2.0, 80.0], [4.0, 100.0]]


def test_a_view_of_a_part_sees_the_whole_memory():
    x = lampas.arange(10.0)
    assert x[2:4].as_strided((2,), (4,), 1).tolist() == [1.0, 5.0]
    assert x[2:4].as_strided((2,), (4,)).tolist() == [2.0, 6.0]


def test_elements_outside_of_the_input_have_no_gradient():
    part = lampas.arange(10.0)[2:5].requires_grad_()
    part.as_strided((4,), (2,), 0).sum().backward()
    assert part.grad.tolist() == [1.0, 0.0, 1.0]


def test_an_expanded_input_shares_the_gradient():
    x = lampas.ones(3, requires_grad=True)
    x.expand(2, 3).as_strided((3,), (1,)).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_elements_seen_twice_can_not_be_written():
    windows = lampas.arange(4.0).as_strided((3, 2), (1, 1))
    with pytest.raises(RuntimeError, match="single memory location"):
        windows.add_(1.0)
    with pytest.raises(RuntimeError, match="single memory location"):
        windows.fill_(1.0)


def test_windows_apart_can_be_written():
    x = lampas.zeros(4)
    x.unfold(0, 2, 2)[1].fill_(7.0)
    assert x.tolist() == [0.0, 0.0, 7.0, 7.0]


@pytest.mark.parametrize("device", ["cpu", "sim"])
def test_devices(device):
    x = lampas.arange(6.0).to(device).requires_grad_()
    y = x.as_strided((2, 2), (1, 2), 1)
    (y * y).sum().backward()
    assert y.device.type == device
    np.testing.assert_array_equal(x.grad.cpu().numpy(), [0, 2, 4, 6, 8, 0])


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        (((2, 2), (200, 200)), ShapeError, "out of bounds for a memory of 16"),
        (((2,), (1, 1)), ShapeError, "differ in length"),
        (((2,), (-1,)), ShapeError, "must not be negative"),
        (((2,), (1,), -1), ShapeError, "must not be negative"),
        ((2, (1,)), ArgumentTypeError, "size must be a tuple of ints"),
    ],
)
def test_what_is_refused(args, error, text):
    with pytest.raises(error, match=text):
        lampas.zeros(4, 4).as_strided(*args)


def test_scatter_refuses_another_shape():
    with pytest.raises(ShapeError, match=r"shape \(2,\) of the part"):
        lampas.zeros(4).as_strided_scatter(lampas.zeros(3), (2,), (1,))
