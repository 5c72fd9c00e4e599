"""Packed sequences, and recurrent layers on them: each sequence as if alone."""

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.utils import rnn

LENGTHS = [3, 5, 1, 4]


def _sequences(size=2, **kind):
    lampas.manual_seed(0)
    return [lampas.randn(n, size, **kind) for n in LENGTHS]


def test_packing_lists_step_after_step_of_the_sequences_by_length():
    a, b, c = (lampas.tensor(x) for x in ([1, 2], [3, 4, 5], [6]))
    packed = rnn.pack_sequence([a, b, c], enforce_sorted=False)
    assert packed.data.tolist() == [3, 1, 6, 4, 2, 5]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [1, 0, 2]
    assert packed.unsorted_indices.tolist() == [1, 0, 2]
    padded, lengths = rnn.pad_packed_sequence(packed, padding_value=-1, total_length=4)
    assert padded.T.tolist() == [[1, 2, -1, -1], [3, 4, 5, -1], [6, -1, -1, -1]]
    assert lengths.tolist() == [2, 3, 1]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == [[1, 2], [3, 4, 5], [6]]


def test_padding_stands_on_the_side_that_was_asked_for():
    x = [lampas.tensor([[1.0, 2.0]]), lampas.tensor([[3.0, 4.0], [5.0, 6.0]])]
    assert rnn.pad_sequence(x).shape == (2, 2, 2)
    left = rnn.pad_sequence(x, True, 9.0, padding_side="left")
    assert left[0].tolist() == [[9.0, 9.0], [1.0, 2.0]]
    assert left[1].tolist() == [[3.0, 4.0], [5.0, 6.0]]
    back = rnn.unpad_sequence(rnn.pad_sequence(x), lampas.tensor([1, 2]))
    assert [s.tolist() for s in back] == [s.tolist() for s in x]


def test_batch_first_is_a_matter_of_form():
    x = lampas.arange(24.0).reshape(2, 4, 3)
    one = rnn.pack_padded_sequence(x, [4, 2], batch_first=True)
    other = rnn.pack_padded_sequence(x.transpose(0, 1), lampas.tensor([4, 2]))
    assert one.data.tolist() == other.data.tolist()
    first, _ = rnn.pad_packed_sequence(one, batch_first=True)
    assert first[0].tolist() == x[0].tolist()
    assert first[1, 2:].tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2], "sorted in decreasing order"),
        ([2, 0], "greater than 0"),
        ([4, 1], "at most the 3 steps"),
        ([3], "one entry for each of the 2"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(RuntimeError, match=message):
        rnn.pack_padded_sequence(lampas.zeros(3, 2, 1), lengths)


def test_moving_and_casting():
    packed = rnn.pack_sequence(_sequences(), enforce_sorted=False)
    assert packed.double().data.dtype is lampas.float64
    moved = packed.to("sim")
    assert moved.data.device.type == moved.sorted_indices.device.type == "sim"
    assert moved.batch_sizes.device.type == "cpu" and not packed.is_cuda
    assert packed.to("cpu") is packed
    with pytest.raises(ValueError, match="total_length"):
        rnn.pad_packed_sequence(packed, total_length=2)
    with pytest.raises(ValueError, match="empty list"):
        rnn.pad_sequence([])


LAYERS = {
    "rnn": lambda **k: nn.RNN(2, 3, num_layers=2, bidirectional=True, **k),
    "gru": lambda **k: nn.GRU(2, 3, num_layers=2, bidirectional=True, **k),
    "lstm": lambda **k: nn.LSTM(2, 3, num_layers=2, bidirectional=True, **k),
    "projected": lambda **k: nn.LSTM(2, 4, 2, bidirectional=True, proj_size=3, **k),
    "one way": lambda **k: nn.LSTM(2, 3, bias=False, **k),
}


def _alone(layer, sequences, states):
    """Outputs and last states of each sequence, run by itself as a batch of one."""
    outputs, last = [], []
    for i, x in enumerate(sequences):
        one = [s[:, i : i + 1] for s in states]
        hx = None if not one else tuple(one) if len(one) == 2 else one[0]
        y, h = layer(x.unsqueeze(1), hx)
        outputs.append(y.squeeze(1))
        last.append(h if isinstance(h, tuple) else (h,))
    return outputs, [lampas.cat(parts, 1) for parts in zip(*last, strict=True)]


@pytest.mark.parametrize("given_states", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_run_each_packed_sequence_as_if_alone(name, given_states):
    kind = {"dtype": lampas.float64}
    layer = LAYERS[name](**kind)
    sequences = _sequences(**kind)
    for x in sequences:
        x.requires_grad_()
    states = []
    if given_states:
        places = layer.num_layers * (2 if layer.bidirectional else 1)
        states = [lampas.randn(places, 4, 3, **kind)]
        if isinstance(layer, nn.LSTM):
            states.append(lampas.randn(places, 4, layer.hidden_size, **kind))
    hx = None if not states else tuple(states) if len(states) == 2 else states[0]
    packed, last = layer(rnn.pack_sequence(sequences, enforce_sorted=False), hx)
    last = last if isinstance(last, tuple) else (last,)
    outputs = rnn.unpack_sequence(packed)
    expected, expected_last = _alone(layer, sequences, states)
    for ours, theirs in zip(
        [*outputs, *last], [*expected, *expected_last], strict=True
    ):
        np.testing.assert_allclose(ours.tolist(), theirs.tolist(), atol=1e-12)
    weights = [lampas.randn(*y.shape, **kind) for y in [*outputs, *last]]
    inputs = [*sequences, *layer.parameters()]

    def gradients(results):
        total = sum((w * y).sum() for w, y in zip(weights, results, strict=True))
        return lampas.autograd.grad(total, inputs)

    pairs = zip(
        gradients([*outputs, *last]),
        gradients([*expected, *expected_last]),
        strict=True,
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.tolist(), theirs.tolist(), atol=1e-10)


def test_packed_input_of_another_width_is_refused():
    packed = rnn.pack_sequence(_sequences(size=3), enforce_sorted=False)
    with pytest.raises(RuntimeError, match="input_size 2"):
        nn.LSTM(2, 3)(packed)
    with pytest.raises(RuntimeError, match="h_0 must have shape"):
        nn.RNN(3, 3)(packed, lampas.zeros(1, 2, 3))
