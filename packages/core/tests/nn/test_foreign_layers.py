"""An encoder layer of another library is taken over; nothing else is."""

from types import SimpleNamespace

import numpy as np
import pytest

import lampas
from lampas import nn


class Foreign:
    """What a layer of another library shows: attributes, and arrays by name."""

    def __init__(self, layer, activation):
        self.self_attn = SimpleNamespace(embed_dim=8, num_heads=2, batch_first=True)
        self.linear1 = SimpleNamespace(out_features=6, bias=object())
        self.dropout = SimpleNamespace(p=0.0)
        self.norm1 = SimpleNamespace(eps=1e-3)
        self.norm_first, self.training = True, True
        self.activation = activation
        self._values = {k: v.numpy().copy() for k, v in layer.state_dict().items()}

    def state_dict(self):
        class Value(np.ndarray):
            def detach(self):
                return self

            def cpu(self):
                return self

        return {k: v.view(Value) for k, v in self._values.items()}


def _silu(x):
    return x


_silu.__name__ = "silu"


class GELU:
    pass


@pytest.mark.parametrize(
    ("given", "ours"), [(_silu, nn.functional.silu), (GELU(), None)]
)
def test_settings_and_values_are_taken_over(given, ours):
    own = nn.TransformerEncoderLayer(
        8, 2, 6, 0.0, ours or "gelu", 1e-3, batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(Foreign(own, given), 2)
    x = lampas.randn(1, 3, 8)
    expected = own(own(x))
    np.testing.assert_allclose(encoder(x).tolist(), expected.tolist(), rtol=1e-6)
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match="attributes of a TransformerEncoderLayer"):
        nn.TransformerEncoder(object(), 2)
    own = nn.TransformerEncoderLayer(8, 2, 6)
    with pytest.raises(TypeError, match="no activation with name 'int'"):
        nn.TransformerEncoder(Foreign(own, int), 2)
