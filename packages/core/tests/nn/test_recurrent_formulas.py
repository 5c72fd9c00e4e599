"""Recurrent layers of every form, packed, against loops in float64."""

import itertools

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.utils import rnn

LENGTHS = [2, 5, 1, 4]
WIDTH, HIDDEN = 3, 4


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _step(kind, x, h, c, w):
    """One step of one cell, as in its docstring."""
    wi, wh, bi, bh, proj = w
    a, b = wi @ x + bi, wh @ h + bh
    if kind == "tanh":
        return np.tanh(a + b), c
    if kind == "relu":
        return np.maximum(a + b, 0), c
    if kind == "GRU":
        (ri, zi, ni), (rh, zh, nh) = np.split(a, 3), np.split(b, 3)
        z = _sigmoid(zi + zh)
        return (1 - z) * np.tanh(ni + _sigmoid(ri + rh) * nh) + z * h, c
    i, f, g, o = np.split(a + b, 4)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    h = _sigmoid(o) * np.tanh(c)
    return (h if proj is None else proj @ h), c


def _weights(layer, place):
    """The weights of one layer and direction, zeros for what it lacks."""
    found = {n: p.detach().numpy() for n, p in layer.named_parameters()}
    wi, wh = found[f"weight_ih{place}"], found[f"weight_hh{place}"]
    none = np.zeros(len(wi))
    biases = (found.get(f"bias_{n}{place}", none) for n in ("ih", "hh"))
    return (wi, wh, *biases, found.get(f"weight_hr{place}"))


def _alone(layer, kind, x):
    """Outputs of one sequence (steps, width), and its last states."""
    hs, cs = [], []
    for k in range(layer.num_layers):
        sides = []
        for suffix in ["", "_reverse"][: 1 + layer.bidirectional]:
            w = _weights(layer, f"_l{k}{suffix}")
            h, c, out = np.zeros(w[1].shape[1]), np.zeros(HIDDEN), []
            for row in x[::-1] if suffix else x:
                h, c = _step(kind, row, h, c, w)
                out.append(h)
            sides.append(np.stack(out[::-1] if suffix else out))
            hs.append(h)
            cs.append(c)
        x = np.concatenate(sides, 1)
    return x, np.stack(hs), np.stack(cs)


def _layer(kind, layers, both, first, bias):
    how = {
        "num_layers": layers,
        "bidirectional": both,
        "batch_first": first,
        "bias": bias,
        "dtype": lampas.float64,
    }
    if kind in ("tanh", "relu"):
        return nn.RNN(WIDTH, HIDDEN, nonlinearity=kind, **how)
    if kind == "GRU":
        return nn.GRU(WIDTH, HIDDEN, **how)
    return nn.LSTM(WIDTH, HIDDEN, proj_size=2 if kind == "projected" else 0, **how)


KINDS = ["tanh", "relu", "GRU", "LSTM", "projected"]
FORMS = list(itertools.product([1, 2, 3], [False, True], [False, True], [True, False]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "both", "first", "bias"), FORMS)
def test_packed(kind, layers, both, first, bias):
    lampas.manual_seed(0)
    layer = _layer(kind, layers, both, first, bias)
    x = np.random.default_rng(1).normal(size=(max(LENGTHS), len(LENGTHS), WIDTH))
    given = lampas.tensor(x.swapaxes(0, 1) if first else x)
    packed = rnn.pack_padded_sequence(
        given, LENGTHS, batch_first=first, enforce_sorted=False
    )
    y, last = layer(packed)
    y, lengths = rnn.pad_packed_sequence(
        y, batch_first=first, padding_value=-9.0, total_length=6
    )
    y = y.detach().numpy()
    y = y.swapaxes(0, 1) if first else y
    assert lengths.tolist() == LENGTHS and len(y) == 6
    h, c = last if isinstance(last, tuple) else (last, None)
    for i, n in enumerate(LENGTHS):
        wanted, wanted_h, wanted_c = _alone(layer, kind, x[:n, i])
        np.testing.assert_allclose(y[:n, i], wanted, atol=1e-12)
        assert (y[n:, i] == -9).all()
        np.testing.assert_allclose(h[:, i].detach(), wanted_h, atol=1e-12)
        if c is not None:
            np.testing.assert_allclose(c[:, i].detach(), wanted_c, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_between_the_layers_and_while_training_only(kind):
    one, three = (_layer(kind, n, True, False, True) for n in (1, 3))
    x = lampas.randn(5, 2, WIDTH, dtype=lampas.float64)
    for layer in (one, three):
        layer.dropout = 1.0
    whole = one(x)[0]
    one.eval()
    assert whole.equal(one(x)[0])  # after the last layer there is none
    # With all dropped, the last layer sees zeros only.
    again, zeros = three(x)[0], three(x * 2)[0]
    assert again.equal(zeros)
    three.eval()
    assert not three(x)[0].equal(three(x * 2)[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [False, True])
def test_sequences_of_no_steps_are_refused(kind, first):
    layer = _layer(kind, 1, False, first, True)
    shape = (2, 0, WIDTH) if first else (0, 2, WIDTH)
    with pytest.raises(RuntimeError, match="at least one step"):
        layer(lampas.zeros(shape, dtype=lampas.float64))
    with pytest.raises(RuntimeError, match=r"[Ll]ength"):
        rnn.pack_padded_sequence(lampas.zeros(2, 2, WIDTH), [2, 0])
