"""Writing through diagonals, and replacing parts: memory and gradients."""

import numpy as np
import pytest

import lampas
from lampas.errors import BoundsError, DimensionError, ShapeError


def test_diagonal_writes_into_its_base():
    x = lampas.zeros(3, 3)
    x.diagonal().copy_(lampas.tensor([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(x.numpy(), np.diag([1.0, 2.0, 3.0]))


def test_gradient_goes_around_an_overwritten_diagonal():
    w = lampas.ones(2, 2, requires_grad=True)
    v = lampas.tensor([5.0, 7.0], requires_grad=True)
    x = w * 3
    x.diagonal().copy_(v)
    (x * x).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [[0.0, 18.0], [18.0, 0.0]])
    np.testing.assert_array_equal(v.grad.numpy(), [10.0, 14.0])


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (3, 3, 3)])
def test_fill_diagonal(shape):
    x = lampas.zeros(*shape).fill_diagonal_(2.0)
    expected = np.zeros(shape)
    for i in range(min(shape)):
        expected[(i,) * len(shape)] = 2.0
    np.testing.assert_array_equal(x.numpy(), expected)


def test_fill_diagonal_wraps_around():
    x = lampas.zeros(7, 2, dtype=lampas.int64).fill_diagonal_(1, wrap=True)
    rows = [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1], [0, 0], [1, 0]]
    assert x.tolist() == rows


def test_windows_share_memory_and_are_not_written_to():
    x = lampas.arange(4.0)
    windows = x.unfold(0, 2, 1)
    x[1] = 9.0
    assert windows.tolist() == [[0.0, 9.0], [9.0, 2.0], [2.0, 3.0]]


def test_view_of_borrowed_memory():
    borrowed = lampas.from_numpy(np.frombuffer(bytearray(16), np.float32))
    view = borrowed.view(2, 2)
    assert view._base is borrowed
    view[1].fill_(3.0)
    assert borrowed.tolist() == [0.0, 0.0, 3.0, 3.0]
    assert borrowed._version == view._version == 1


def test_view_is_refused_where_it_would_copy():
    with pytest.raises(ShapeError, match="without a copy"):
        lampas.zeros(2, 3).t().view(6)
    assert lampas.zeros(2, 3, 4).transpose(0, 1).view(3, 2, 2, 2).shape == (3, 2, 2, 2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: x.unfold(0, 5, 1), ShapeError, r"size must be in \[0, 3\], got 5"),
        (lambda x: x.unfold(0, 2, 0), ShapeError, "step must be positive, got 0"),
        (lambda x: x.rot90(1, (0, 0)), ShapeError, "dims must differ"),
        (lambda x: x.diag_embed(0, 1, 1), ShapeError, "must differ"),
        (lambda x: lampas.tensor(1.0).roll(1, 0), DimensionError, "no dimension 0"),
        (lambda x: x.select_scatter(x, 0, 0), ShapeError, r"\(3,\), got \(3, 3\)"),
        (lambda x: x[3], BoundsError, "index 3 is out of bounds for dimension 0"),
        (lambda x: x[0, 0, 0], DimensionError, "too many indices"),
        (lambda x: x[::-1], ValueError, "step must be positive, got -1"),
        (lambda x: x.hsplit(2), ShapeError, "does not divide into 2 equal parts"),
        (lambda x: x.kron(x).cross(x), ShapeError, "broadcast|size 3"),
        (
            lambda x: x.scatter_reduce(0, lampas.tensor([[4]]), x, "sum"),
            BoundsError,
            r"index 4 is out of bounds; it must be in \[0, 2\]",
        ),
        (
            lambda x: lampas.meshgrid(x),
            ShapeError,
            r"tensors\[0\] must be a vector",
        ),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call(lampas.zeros(3, 3))
