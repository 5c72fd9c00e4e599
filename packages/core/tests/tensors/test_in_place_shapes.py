"""Tensors that change their own shape: memory, views taken before, history."""

import pytest

import lampas
from lampas.errors import DTypeError, GradientError, ShapeError

CHANGES = {
    "squeeze_": ((2, 1, 3), (), (2, 3)),
    "unsqueeze_": ((2, 3), (1,), (2, 1, 3)),
    "t_": ((2, 3), (), (3, 2)),
    "transpose_": ((2, 3, 4), (0, 2), (4, 3, 2)),
    "swapaxes_": ((2, 3, 4), (0, 2), (4, 3, 2)),
    "swapdims_": ((2, 3, 4), (0, 2), (4, 3, 2)),
    "as_strided_": ((4,), ((2, 2), (1, 2)), (2, 2)),
}
over_changes = pytest.mark.parametrize(
    ("name", "shape", "args", "wanted"),
    [(name, *row) for name, row in CHANGES.items()],
    ids=CHANGES,
)


@over_changes
def test_the_tensor_itself_gets_the_shape(name, shape, args, wanted):
    x = lampas.zeros(shape)
    memory, version = x.data_ptr(), x._version
    assert getattr(x, name)(*args) is x
    assert x.shape == wanted
    assert x.data_ptr() == memory
    assert x._version == version + 1
    assert not x._is_view()


@over_changes
def test_gradients_follow(name, shape, args, wanted):
    w = lampas.ones(shape, requires_grad=True)
    x = w * 3
    getattr(x, name)(*args)
    (x * lampas.full(wanted, 2.0)).sum().backward()
    assert w.grad.tolist() == lampas.full(shape, 6.0).tolist()


@over_changes
def test_leaves_are_left_alone(name, shape, args, wanted):
    with pytest.raises(RuntimeError, match="leaf tensor that requires grad"):
        getattr(lampas.zeros(shape, requires_grad=True), name)(*args)


def test_views_taken_before_write_into_the_same_history():
    x = lampas.arange(1.0, 7.0).requires_grad_()
    y = x * 1
    before = y[2:]
    y.unsqueeze_(0)
    before.mul_(2)
    (y * y).sum().backward()
    assert y.shape == (1, 6)
    assert x.grad.tolist() == [2.0, 4.0, 24.0, 32.0, 40.0, 48.0]


def test_a_view_that_changes_its_shape_still_writes_into_its_base():
    x = lampas.arange(1.0, 7.0).requires_grad_()
    y = x * 1
    part = y[2:]
    part.unsqueeze_(0)
    part.mul_(2)
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0, 24.0, 32.0, 40.0, 48.0]


def test_resize_keeps_memory_and_gives_more():
    x = lampas.arange(6.0)
    part = x[2:]
    x.resize_(2, 3)
    part.fill_(0.0)
    assert x.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    x.resize_(1).resize_(2)
    assert x.tolist() == [0.0, 1.0]
    x.resize_as_(lampas.zeros(2, 5))
    assert x.shape == (2, 5)
    assert x[0, :2].tolist() == [0.0, 1.0]


def test_set_takes_the_memory_of_another():
    x, other = lampas.zeros(3), lampas.ones(2, 2)
    assert x.set_(other) is x
    other[0, 0] = 5.0
    assert x.tolist() == [[5.0, 1.0], [1.0, 1.0]]
    assert x.is_set_to(other)
    assert x.set_().numel() == 0


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda x: (x * 1).resize_(1), GradientError, "requires grad"),
        (lambda x: x.detach().resize_(-1), ShapeError, "must not be negative"),
        (lambda x: x.set_(lampas.zeros(2)), GradientError, "requires grad"),
        (lambda x: x.detach().set_(lampas.arange(2)), DTypeError, "float32, got"),
    ],
)
def test_what_is_refused(change, error, text):
    with pytest.raises(error, match=text):
        change(lampas.zeros(3, requires_grad=True))


def test_a_view_from_no_grad_is_not_changed_outside_of_it():
    base = lampas.ones(4, requires_grad=True) * 1
    with lampas.no_grad():
        view = base[:2]
        view.mul_(2)
    assert base.tolist() == [2.0, 2.0, 1.0, 1.0]
    with pytest.raises(RuntimeError, match=r"made under no_grad\(\)"):
        view.mul_(2)


def test_parts_of_a_split_can_be_changed():
    """PyTorch refuses this; here the history is right."""
    x = lampas.arange(1.0, 7.0).reshape(2, 3).requires_grad_()
    y = x * 1
    parts = y.split(split_size=1)
    parts[0].mul_(3)
    (parts[1].sum() + (y * y).sum() + parts[0].sum()).backward()
    assert x.grad.tolist() == [[21.0, 39.0, 57.0], [9.0, 11.0, 13.0]]
