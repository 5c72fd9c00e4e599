"""``lampas.utils.summary``: counts by hand, and a model that is left as it was."""

from __future__ import annotations

import pytest

import lampas
from lampas import nn
from lampas.utils import summary


def test_linear_layers():
    model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5, bias=False))
    found = summary(model, (3, 10))
    assert found.parameters == 10 * 20 + 20 + 20 * 5
    assert found.multiply_adds == 3 * (10 * 20 + 20 * 5)
    assert found.parameter_bytes == 4 * found.parameters
    assert found.output_bytes == 4 * 3 * (20 + 20 + 5)
    shapes = [layer.output for layer in found.layers]
    assert shapes == [(3, 5), (3, 20), (3, 20), (3, 5)]


@pytest.mark.parametrize(
    ("layer", "shape", "count"),
    [
        # Windows of the result, times what each takes part in.
        (nn.Conv2d(4, 6, 3, stride=2), (2, 4, 9, 9), 2 * 6 * 4 * 4 * 4 * 9),
        (nn.Conv1d(4, 8, 5, groups=2), (1, 4, 12), 8 * 8 * 2 * 5),
        # Each element of the input goes into a window of each output channel.
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (1, 4, 5, 5), 4 * 25 * 6 * 4),
        # Four gates from the input and from the hidden state, at each step.
        (nn.LSTM(3, 5), (7, 2, 3), 7 * 2 * 4 * 5 * (3 + 5)),
        (nn.GRU(3, 5, num_layers=2), (7, 2, 3), 7 * 2 * 3 * 5 * (3 + 5 + 5 + 5)),
        # Query, key, value and output; scores and weighted values of all heads.
        (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            (3, 6, 8),
            3 * 6 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 3 * 6 * 6 * 8,
        ),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else "",
)
def test_multiply_adds_by_hand(layer, shape, count):
    assert summary(layer, shape).multiply_adds == count


def test_several_inputs_of_their_own_types():
    class Looking(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)
            self.out = nn.Linear(4, 3)

        def forward(self, words, bias):
            return {"scores": self.out(self.table(words)) + bias}

    found = summary(Looking(), [(2, 5), (3,)], dtypes=[lampas.int64, lampas.float32])
    assert found.layers[0].output == (2, 5, 3)
    assert found.multiply_adds == 2 * 5 * 4 * 3
    data = (lampas.zeros(2, 5, dtype=lampas.int64), lampas.zeros(3))
    assert summary(Looking(), input_data=data).layers[0].output == (2, 5, 3)


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    model[1].eval()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    state = lampas.get_rng_state()
    summary(model, (2, 1, 5, 5))
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert all((model.state_dict()[name] == x).all() for name, x in before.items())
    assert (lampas.get_rng_state() == state).all()
    assert all(not m._forward_hooks for m in model.modules())
    with pytest.raises(RuntimeError):
        summary(model, (2, 3, 5, 5))
    assert model.training and all(not m._forward_hooks for m in model.modules())


def test_shared_weights_count_once():
    first = nn.Linear(4, 4)
    found = summary(nn.Sequential(first, first), (1, 4))
    assert found.parameters == 20
    assert found.multiply_adds == 32


def test_the_table_goes_as_deep_as_asked():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Tanh())
    text = str(summary(model, (1, 2)))
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["layer", "kind", "output", "parameters", "multiply-adds"]
    assert rows[2] == ["Sequential", "1x3", "9", "6"]
    assert rows[4] == ["0", "Linear", "1x3", "9", "6"]
    assert "parameters     9 (9 trainable)" in text
    assert "Linear" not in str(summary(model, (1, 2), depth=1))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "got neither"),
        ({"input_size": (1, 2), "input_data": lampas.zeros(1, 2)}, "got both"),
        ({"input_size": (1, 2), "dtypes": []}, None),
        ({"input_size": [(1, 2)], "dtypes": [lampas.int64] * 2}, "got 2"),
    ],
)
def test_arguments_that_do_not_fit(arguments, text):
    if text is None:
        assert summary(nn.Linear(2, 2), **arguments).parameters == 6
        return
    with pytest.raises(ValueError, match=text):
        summary(nn.Linear(2, 2), **arguments)


def test_what_is_no_model_or_has_no_sizes_is_refused():
    with pytest.raises(TypeError, match="model must be a Module, got function"):
        summary(lambda x: x, (1,))
    with pytest.raises(ValueError, match="the size of weight is not known"):
        summary(nn.LazyLinear(3), (1, 2))
