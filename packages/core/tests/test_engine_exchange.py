"""Memory shared with NumPy, and the device ``sim``."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas.backend import sim


def test_from_numpy_and_numpy_share_memory():
    array = np.arange(3.0)
    x = lampas.from_numpy(array)
    x.add_(1)
    assert array.tolist() == [1.0, 2.0, 3.0]
    assert x.numpy() is array


def test_tensor_copies_and_as_tensor_does_not():
    array = np.zeros(2)
    copied, shared = lampas.tensor(array), lampas.as_tensor(array)
    array[0] = 5
    assert copied.tolist() == [0.0, 0.0] and shared.tolist() == [5.0, 0.0]


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.uint8, np.complex64])
def test_dlpack_goes_both_ways_without_a_copy(kind):
    array = np.arange(6).astype(kind).reshape(2, 3)
    x = lampas.from_dlpack(array)
    back = np.from_dlpack(x)
    assert np.shares_memory(array, back)
    np.testing.assert_array_equal(back, array)
    assert x.dtype.numpy == array.dtype


def test_dlpack_refuses_what_has_a_history():
    with pytest.raises(RuntimeError, match="detach"):
        np.from_dlpack(lampas.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="__dlpack__"):
        lampas.from_dlpack([1, 2])


def test_numpy_functions_take_tensors_and_types():
    x = lampas.tensor([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.sum(np.array(x)) == 3.0
    assert np.zeros(2, lampas.int16).dtype == np.int16


def test_numpy_operands_leave_the_work_to_tensors():
    result = np.float32(2) * lampas.tensor([1.0, 2.0])
    assert isinstance(result, lampas.Tensor) and result.tolist() == [2.0, 4.0]
    result = np.ones(2, np.float32) + lampas.tensor([1.0, 2.0])
    assert isinstance(result, lampas.Tensor) and result.tolist() == [2.0, 3.0]


def test_python_types_of_values():
    assert lampas.tensor(3).item() == 3 and type(lampas.tensor(3).item()) is int
    assert type(lampas.tensor(2.5, dtype=lampas.bfloat16).item()) is float
    assert [1, 2, 3][lampas.tensor(1)] == 2
    with pytest.raises(TypeError, match="integer"):
        [1, 2, 3][lampas.tensor(1.0)]
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(lampas.ones(2))


def test_devices_do_not_mix():
    x, y = lampas.ones(2, device="sim"), lampas.ones(2)
    with pytest.raises(RuntimeError, match="same device"):
        x + y
    assert (x + lampas.tensor(2.0)).tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="cpu"):
        x.numpy()


def test_transfers_are_counted():
    before = dict(sim.transfers)
    x = lampas.ones(2).to("sim")
    y = (x * 2 + x).sum()
    assert str(y.device) == "sim:0"
    assert y.cpu().item() == 6.0
    assert sim.transfers["to_device"] - before["to_device"] == 1
    assert sim.transfers["to_host"] - before["to_host"] == 1


def test_moving_to_the_same_place_is_nothing():
    x = lampas.ones(2, device="sim")
    assert x.to("sim") is x and x.to("sim:0") is x
    y = lampas.ones(2)
    assert y.cpu() is y


def test_gradients_move_back():
    w = lampas.tensor([1.0, 2.0], requires_grad=True)
    y = (w.to("sim") * 3).sum()
    y.backward()
    assert w.grad.device.type == "cpu" and w.grad.tolist() == [3.0, 3.0]


def test_leaves_on_the_device_keep_their_gradients_there():
    w = lampas.ones(3, device="sim", requires_grad=True)
    ((w * w).mean() + w.max() + w.cumsum(0).sum()).backward()
    assert w.grad.device.type == "sim"
    third = 1 / 3
    wanted = [2 * third + third + n for n in (3, 2, 1)]
    np.testing.assert_allclose(w.grad.cpu().numpy(), wanted, rtol=1e-6)


def test_in_place_and_views_on_the_device():
    x = lampas.zeros(2, 2, device="sim")
    x[0].add_(5)
    x[:, 1] = 7
    assert x.tolist() == [[5.0, 7.0], [0.0, 7.0]]
    assert type(x._data) is sim.SimArray


def test_random_numbers_are_the_same_on_every_device():
    lampas.manual_seed(3)
    host = lampas.randn(5)
    lampas.manual_seed(3)
    assert lampas.randn(5, device="sim").tolist() == host.tolist()


def test_printing_names_the_device():
    assert repr(lampas.ones(1, device="sim")) == "tensor([1.], device='sim:0')"


def test_an_unknown_device_is_named():
    with pytest.raises(RuntimeError, match="must be one of"):
        lampas.ones(2, device="tpu")
