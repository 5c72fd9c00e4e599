"""Checkpointing: the same gradients, in less memory, and what goes wrong named."""

import gc
import tracemalloc

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

FORMS = [True, False, None]


def _block(p=0.0):
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(p), nn.Linear(16, 8))


def _gradients(module, x, call):
    for p in module.parameters():
        p.grad = None
    x.grad = None
    lampas.manual_seed(5)
    call(x).square().sum().backward()
    return [x.grad.tolist(), *(p.grad.tolist() for p in module.parameters())]


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_without_checkpoints(form):
    module, x = _block(0.5), lampas.randn(3, 8, requires_grad=True)
    expected = _gradients(module, x, module)
    got = _gradients(module, x, lambda y: checkpoint(module, y, use_reentrant=form))
    assert got == expected


@pytest.mark.parametrize("form", FORMS)
def test_random_numbers_go_on_as_without_checkpoints(form):
    module, x = _block(0.5), lampas.randn(3, 8, requires_grad=True)
    lampas.manual_seed(1)
    module(x).sum().backward()
    expected = lampas.rand(2).tolist()
    lampas.manual_seed(1)
    checkpoint(module, x, use_reentrant=form).sum().backward()
    assert lampas.rand(2).tolist() == expected


def test_without_preserving_the_second_run_draws_anew():
    x = lampas.ones(1000, requires_grad=True)
    kept = []

    def drop(y):
        kept.append(nn.functional.dropout(y))
        return kept[-1] * y

    lampas.manual_seed(0)
    checkpoint(drop, x, use_reentrant=False, preserve_rng_state=False).sum().backward()
    assert len(kept) == 2 and kept[0].tolist() != kept[1].tolist()


def _memory(layers, x, how):
    gc.collect()
    tracemalloc.start()
    y = x
    for layer in layers:
        y = layer(y) if how == "plain" else checkpoint(layer, y, use_reentrant=how)
    held = tracemalloc.get_traced_memory()[0]
    y.sum().backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held, peak


@pytest.mark.parametrize("form", [True, False])
def test_memory_is_let_go(form):
    def layer():
        return nn.Sequential(nn.Linear(32, 128), nn.Tanh(), nn.Dropout(0.1), nn.Tanh())

    layers = [nn.Sequential(layer(), nn.Linear(128, 32)) for _ in range(8)]
    x = lampas.randn(256, 32, requires_grad=True)
    _memory(layers, x, form)
    plain, less = _memory(layers, x, "plain"), _memory(layers, x, form)
    # A block keeps 32 numbers for a row instead of 32 + 3 * 128 and a mask.
    assert less[0] < 0.2 * plain[0]
    assert less[1] < 0.6 * plain[1]


def test_grad_double_backward_and_a_second_pass():
    x = lampas.tensor([0.5, 2.0], dtype=lampas.float64, requires_grad=True)
    w = lampas.tensor(3.0, dtype=lampas.float64, requires_grad=True)
    y = checkpoint(lambda t: w * t.exp().sin(), x, use_reentrant=False).sum()
    e = np.exp(x.detach().numpy())
    first, gw = lampas.autograd.grad(y, (x, w), create_graph=True)
    np.testing.assert_allclose(first.tolist(), 3 * np.cos(e) * e)
    assert float(gw) == pytest.approx(np.sin(e).sum())
    (second,) = lampas.autograd.grad(first.sum(), x, retain_graph=True)
    np.testing.assert_allclose(second.tolist(), 3 * (np.cos(e) * e - np.sin(e) * e * e))
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(x.grad.tolist(), 2 * first.detach().numpy())
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_checkpoints_inside_of_checkpoints():
    inner = nn.Linear(4, 4)

    def outer(x):
        return checkpoint(inner, x.tanh(), use_reentrant=False).exp()

    x = lampas.randn(2, 4, requires_grad=True)
    inner(x.tanh()).exp().sum().backward()
    expected = x.grad.tolist(), inner.weight.grad.tolist()
    x.grad = inner.weight.grad = None
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    assert (x.grad.tolist(), inner.weight.grad.tolist()) == expected


def test_many_kinds_of_operations_inside():
    class Cube(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    rnn = nn.LSTM(4, 4, bidirectional=True)
    norm = nn.BatchNorm1d(4)

    def run(x, scale=1.0):
        y = Cube.apply(x) * scale
        y = y.clone()
        y.mul_(x)
        y[0] = x[1]
        values, _ = norm(y).topk(3, dim=0)
        return rnn(lampas.cat([values, y.half().float()]).unsqueeze(1))[0], 7

    x = lampas.randn(5, 4, requires_grad=True)
    for keep in (norm.running_mean, norm.running_var):
        keep.zero_()
    run(x, scale=2.0)[0].sum().backward()
    expected, x.grad = x.grad.tolist(), None
    y, seven = checkpoint(run, x, scale=2.0, use_reentrant=False)
    assert seven == 7
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), expected, rtol=1e-5)


def test_the_second_run_ends_when_every_value_is_there():
    ran = []

    def function(x):
        y = x.exp()
        z = y + 1
        ran.append("end")
        return z

    for stop, times in ((True, 1), (False, 2)):
        ran.clear()
        x = lampas.ones(2, requires_grad=True)
        with set_checkpoint_early_stop(stop):
            y = checkpoint(function, x, use_reentrant=False)
        y.sum().backward()
        assert len(ran) == times


def test_a_second_run_that_differs_is_named():
    count = iter(range(100))

    def shapes(x):
        return x[: next(count) + 1].exp()

    x = lampas.ones(3, requires_grad=True)
    with pytest.raises(CheckpointError, match=r"\(1,\).*is \(\(2,\)"):
        checkpoint(shapes, x, use_reentrant=False).sum().backward()

    def fewer(x):
        return x.exp().exp() if next(count) % 2 == first else x.exp()

    first = 2 % 2
    y = checkpoint(fewer, x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="2 in forward, 1 in the second"):
        y.sum().backward()


def test_changed_arguments_are_noticed():
    x = lampas.ones(2, requires_grad=True)
    z = x * 1
    y = checkpoint(lambda t: t.exp(), z, use_reentrant=False)
    z.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_wrong_arguments():
    x = lampas.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="positional ones only"):
        checkpoint(lambda t, k: t * k, x, k=2, use_reentrant=True)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda t: t, x, determinism_check="some")
    with pytest.warns(UserWarning, match="none of the inputs"):
        checkpoint(lambda t: t * x, x.detach(), use_reentrant=True)
    with pytest.raises(ValueError, match="segments"):
        checkpoint_sequential([nn.Identity()], 2, x)


def test_without_gradients_it_is_a_plain_call():
    x = lampas.ones(2, requires_grad=True)
    with lampas.no_grad():
        assert not checkpoint(lambda t: t * 2, x, use_reentrant=False).requires_grad


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential_in_segments(segments):
    layers = nn.Sequential(*[_block() for _ in range(5)])
    x = lampas.randn(2, 8, requires_grad=True)
    expected = _gradients(layers, x, layers)

    def call(y):
        return checkpoint_sequential(layers, segments, y, use_reentrant=False)

    assert _gradients(layers, x, call) == expected


def test_contexts_surround_the_two_runs():
    seen = []

    class Note:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *exc):
            pass

    x = lampas.ones(2, requires_grad=True)
    y = checkpoint(
        lambda t: t.exp(),
        x,
        use_reentrant=False,
        context_fn=lambda: (Note("first"), Note("second")),
    )
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "second"]
