"""What programs ask of a tensor."""

import numpy as np
import pytest

import lampas


def test_kinds():
    half, whole = lampas.ones(2, dtype=lampas.float16), lampas.arange(2)
    wave = lampas.ones(2, dtype=lampas.complex64)
    asked = [lampas.is_floating_point, lampas.is_complex, lampas.is_signed]
    assert [f(half) for f in asked] == [True, False, True]
    assert [f(whole) for f in asked] == [False, False, True]
    assert [f(wave) for f in asked] == [False, True, True]
    assert lampas.is_tensor(half)
    assert not lampas.is_tensor(half.numpy())
    assert not lampas.is_inference(half)


def test_likeness():
    x = lampas.ones(2, 3)
    assert x.is_same_size(lampas.zeros(2, 3))
    assert not x.is_same_size(x.t())
    assert x.is_set_to(x.detach())
    assert not x.is_set_to(x.clone())
    assert lampas.numel(x) == 6


def test_is_nonzero():
    assert lampas.tensor([[3]]).is_nonzero()
    assert not lampas.tensor(0.0).is_nonzero()
    with pytest.raises(RuntimeError, match="exactly one element"):
        lampas.ones(2).is_nonzero()


def test_result_type():
    assert lampas.result_type(lampas.tensor(1.0), lampas.arange(2)) is lampas.float32
    assert lampas.result_type(lampas.arange(2), 2) is lampas.int64
    assert lampas.result_type(1, 2.0) is lampas.float32
    with pytest.raises(TypeError, match="tensors and numbers"):
        lampas.result_type("1", 2)


def test_memory():
    x = lampas.ones(4)
    assert x.get_device() == -1
    assert lampas.ones(4, device="sim").get_device() == 0
    assert x.pin_memory() is x
    assert not x.is_pinned()
    copy = x.narrow_copy(0, 1, 2)
    copy.zero_()
    assert x.tolist() == [1.0] * 4
    assert lampas.detach(x.requires_grad_()).requires_grad is False


def test_as_subclass():
    class Named(lampas.Tensor):
        pass

    x = lampas.ones(2, requires_grad=True)
    named = (x * 2).as_subclass(Named)
    assert type(named) is Named
    named.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(TypeError, match="derive from Tensor"):
        x.as_subclass(int)


def test_an_array_on_the_left_of_a_matrix_product():
    result = np.eye(2, dtype=np.float32) @ lampas.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert isinstance(result, lampas.Tensor)
    assert result.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_sizes():
    assert lampas.broadcast_shapes((2, 1), 3, ()) == (2, 3)
    with pytest.raises(RuntimeError, match="can't be broadcast"):
        lampas.broadcast_shapes((2,), (3,))
    with pytest.raises(RuntimeError, match="negative"):
        lampas.broadcast_shapes((-1,))
    padded = lampas.constant_pad_nd(lampas.ones(1), (1, 2), 4.0)
    assert padded.tolist() == [4.0, 1.0, 4.0, 4.0]
