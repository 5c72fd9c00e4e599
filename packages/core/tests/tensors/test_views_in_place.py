"""Views share memory; writing into one rewrites the history of all."""

from __future__ import annotations

import numpy as np
import pytest

import lampas

VIEWS = {
    "index": lambda x: x[1],
    "slice": lambda x: x[:, ::2],
    "element": lambda x: x[0, 0, 0],
    "none": lambda x: x[None],
    "reshape": lambda x: x.reshape(6, 4),
    "view": lambda x: x.view(-1),
    "flatten": lambda x: x.flatten(1),
    "unflatten": lambda x: x.unflatten(2, (2, 2)),
    "permute": lambda x: x.permute(2, 0, 1),
    "transpose": lambda x: x.transpose(0, 2),
    "mT": lambda x: x.mT,
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "movedim": lambda x: x.movedim(0, 2),
    "squeeze": lambda x: x[:1].squeeze(0),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 0),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2, 2)[0],
    "tensor_split": lambda x: x.tensor_split(2, 1)[0],
    "unbind": lambda x: x.unbind(2)[3],
    "detach": lambda x: x.detach(),
    "chain": lambda x: x.transpose(0, 1)[1:, 0].unsqueeze(0),
}


def over_views(function):
    return pytest.mark.parametrize("take", VIEWS.values(), ids=VIEWS)(function)


@over_views
def test_views_share_memory_both_ways(take):
    x = lampas.arange(24.0).reshape(2, 3, 4).clone()
    view = take(x)
    assert np.shares_memory(view.numpy(), x.numpy())
    x += 100
    np.testing.assert_array_equal(view.numpy(), take(x).numpy())
    view.zero_()
    assert take(x).abs().sum().item() == 0
    assert x.sum().item() != 0 or view.numel() == 24


@pytest.mark.parametrize(
    "copy",
    [
        lambda x: x[[0, 1]],
        lambda x: x.flip(0),
        lambda x: x.roll(1, 0),
        lambda x: x.repeat(1, 1, 1),
        lambda x: x.clone(),
        lambda x: x.transpose(0, 1).reshape(-1),
        lambda x: x.transpose(0, 1).contiguous(),
    ],
)
def test_copies_do_not(copy):
    x = lampas.zeros(2, 3, 4)
    assert not np.shares_memory(copy(x).numpy(), x.numpy())


@over_views
def test_writing_into_a_view_is_in_the_history_of_the_base(take):
    """``take(base)[...] = w * 3`` cuts the old history there, and joins the new one."""
    if take is VIEWS["detach"]:
        return
    x = lampas.arange(24.0, dtype=lampas.float64).reshape(2, 3, 4).requires_grad_()
    base = x * 2
    w = lampas.ones_like(take(base)).detach().requires_grad_()
    take(base).copy_(w * 3)
    weights = lampas.arange(24.0, dtype=lampas.float64).reshape(2, 3, 4).cos()
    (base * weights).sum().backward()
    inside = np.zeros((2, 3, 4), dtype=bool)
    take(lampas.from_numpy(inside)).fill_(True)
    wanted = np.where(inside, 0, 2 * weights.numpy())
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-14)
    np.testing.assert_allclose(w.grad.numpy(), 3 * take(weights).numpy(), rtol=1e-14)


def test_views_taken_before_see_the_new_history():
    x = lampas.ones(3, requires_grad=True)
    base = x * 1
    first = base[0]
    base.mul_(5)
    first.backward()
    assert x.grad.tolist() == [5.0, 0.0, 0.0]


def test_columns_filled_one_by_one():
    """The pattern of a loop over time steps."""
    x = lampas.tensor([1.0, 2.0], requires_grad=True)
    out = lampas.zeros(2, 3)
    for i in range(3):
        out[:, i] = x ** (i + 1)
    out.sum().backward()
    assert out.tolist() == [[1.0, 1.0, 1.0], [2.0, 4.0, 8.0]]
    assert x.grad.tolist() == [1 + 2 + 3, 1 + 2 * 2 + 3 * 4]


def test_a_recurrence_written_into_its_own_buffer():
    """``h[t + 1] = tanh(w * h[t])`` against the chain rule by hand."""
    w = lampas.tensor(0.7, dtype=lampas.float64, requires_grad=True)
    h = lampas.zeros(4, dtype=lampas.float64)
    h[0] = 0.5
    for t in range(3):
        h[t + 1] = (w * h[t].clone()).tanh()
    h[3].backward()
    value, slope = 0.5, 0.0
    for _ in range(3):
        new = np.tanh(0.7 * value)
        slope = (1 - new**2) * (value + 0.7 * slope)
        value = new
    assert h[3].item() == pytest.approx(value, rel=1e-14)
    assert w.grad.item() == pytest.approx(slope, rel=1e-14)


def test_gradients_of_gradients_through_written_views():
    x = lampas.tensor([2.0, 3.0], dtype=lampas.float64, requires_grad=True)
    out = lampas.zeros(2, 2, dtype=lampas.float64)
    out[0] = x**3
    out[1] = out[0].clone() * x
    (g,) = lampas.autograd.grad(out.sum(), x, create_graph=True)
    assert g.tolist() == pytest.approx([3 * 4 + 4 * 8, 3 * 9 + 4 * 27])
    g.sum().backward()
    assert x.grad.tolist() == pytest.approx([6 * 2 + 12 * 4, 6 * 3 + 12 * 9])


def test_a_saved_value_that_was_overwritten_is_missed():
    x = lampas.ones(3, requires_grad=True)
    y = x.exp()
    y[0] = 0.0
    with pytest.raises(RuntimeError, match="exp"):
        y.sum().backward()


def test_leaves_and_expanded_views_can_not_be_written():
    x = lampas.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf tensor that requires grad"):
        x[0] = 1.0
    with pytest.raises(RuntimeError, match="single memory location"):
        lampas.zeros(1).expand(3)[0:2] = 1.0
    with lampas.no_grad():
        x[0] = 4.0
    assert x.tolist() == [4.0, 1.0, 1.0]
