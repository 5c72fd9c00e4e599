"""Hooks on saved tensors, and anomaly detection."""

import threading

import pytest

import lampas
from lampas import nn
from lampas.autograd.graph import save_on_cpu, saved_tensors_hooks
from lampas.engine import callpath
from lampas.engine.tape import Node


def test_hooks_take_and_give_what_is_saved():
    packed, unpacked = [], []

    def pack(x):
        packed.append(x.tolist())
        return len(packed) - 1

    def unpack(place):
        unpacked.append(place)
        return lampas.tensor(packed[place])

    x = lampas.tensor([1.0, 2.0], requires_grad=True)
    w = lampas.tensor([3.0, 4.0], requires_grad=True)
    with saved_tensors_hooks(pack, unpack):
        y = x * w
    assert packed == [[1.0, 2.0], [3.0, 4.0]] and unpacked == []
    (y * y).sum().backward()
    assert sorted(unpacked) == [0, 1]
    assert x.grad.tolist() == [2 * 3.0 * 3, 2 * 8.0 * 4]
    z = x * w
    assert type(z.grad_fn) is Node and len(packed) == 2


def test_the_innermost_hooks_serve():
    names = []

    def hooks(name):
        return saved_tensors_hooks(lambda x: names.append(name) or x, lambda x: x)

    x = lampas.ones(1, requires_grad=True)
    with hooks("outer"):
        y = x.exp()
        with hooks("inner"):
            y = y.exp()
        y = y.exp()
    y.sum().backward()
    assert names == ["outer", "inner", "outer"]
    assert float(x.grad) > 1


def test_hooks_of_one_thread_leave_others_alone():
    x = lampas.ones(1, requires_grad=True)
    packed = []
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        thread = threading.Thread(target=lambda: x.exp().sum().backward())
        thread.start()
        thread.join()
    assert packed == [] and float(x.grad) == pytest.approx(2.718281828)


def test_custom_functions_and_masks_are_packed_too():
    class Square(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    packed = []
    x = lampas.ones(50, requires_grad=True)
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = nn.functional.dropout(Square.apply(x), 0.5)
    assert [t.dtype for t in packed] == [lampas.float32, lampas.bool]
    y.sum().backward()
    assert x.grad.tolist() == (4.0 * (y.detach() > 0)).tolist()


def test_in_place_changes_do_not_reach_what_was_packed():
    x = lampas.tensor([2.0], requires_grad=True)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.clone()
        y.mul_(x)
        y.pow_(2)
    y.sum().backward()
    assert x.grad.tolist() == [4 * 2.0**3]


def test_values_wait_in_host_memory():
    x = lampas.ones(3, device="sim", requires_grad=True)
    with save_on_cpu():
        y = (x.exp() * x).sum()
    y.backward()
    assert x.grad.device.type == "sim"
    assert x.grad.tolist() == pytest.approx([2 * 2.718281828] * 3)


def test_an_error_inside_leaves_no_hooks_behind():
    with pytest.raises(KeyError), saved_tensors_hooks(lambda t: t, lambda t: t):
        raise KeyError
    assert callpath.Node is Node


def _bad(x):
    return (x - 1).sqrt()  # the slope at zero is infinite


def test_a_nan_names_the_operation_and_its_line():
    x = lampas.ones(2, requires_grad=True)
    with lampas.autograd.detect_anomaly():
        y = _bad(x)
        with pytest.raises(RuntimeError) as caught:
            (y * 0).sum().backward()
    text = str(caught.value)
    assert text.startswith("SqrtBackward0 returned nan values for its input 0")
    assert "test_watched_nodes.py" in text
    assert "return (x - 1).sqrt()  # the slope at zero is infinite" in text
    assert text.index("in _bad") < text.index("in test_a_nan_names")
    assert callpath.Node is Node


def test_a_layer_is_named_by_the_line_that_calls_it():
    x = lampas.zeros(2, requires_grad=True)
    with lampas.autograd.set_detect_anomaly(True):
        y = nn.Softmax(0)(x / 0)
        with pytest.raises(RuntimeError, match="nn.Softmax"):
            y.sum().backward()


def test_without_check_nan_only_errors_name_the_line():
    x = lampas.ones(2, requires_grad=True)
    with lampas.autograd.detect_anomaly(check_nan=False):
        (_bad(x) * 0).sum().backward()
        z = x * 1
        y = z.exp() * z
        z.add_(1)
        with pytest.raises(RuntimeError, match="changed in place") as caught:
            y.sum().backward()
    assert "MulBackward0 comes from this line" in caught.value.__notes__[0]
    assert "y = z.exp() * z" in caught.value.__notes__[0]


def test_a_graph_made_before_is_checked_too():
    x = lampas.ones(2, requires_grad=True)
    y = (_bad(x) * 0).sum()
    with lampas.autograd.detect_anomaly():
        with pytest.raises(RuntimeError, match="SqrtBackward0.*before the forward"):
            y.backward(retain_graph=True)
    y.backward()
    assert x.grad.isnan().all()


def test_second_order_and_functions_are_checked():
    x = lampas.ones(1, requires_grad=True)
    with lampas.autograd.detect_anomaly():
        (g,) = lampas.autograd.grad((x * x).sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="nan"):
            lampas.autograd.grad((_bad(g - 1) * 0).sum(), x)


def test_it_is_off_again_as_it_was():
    lampas.autograd.set_detect_anomaly(True)
    with lampas.autograd.set_detect_anomaly(False):
        assert callpath.Node is Node
    assert callpath.Node is not Node
    lampas.autograd.set_detect_anomaly(False)
    assert callpath.Node is Node
