"""A linear layer without its bias."""

from __future__ import annotations

import pytest

from lampas import nn, tensor


def test_linear_without_bias_keeps_the_name_as_none():
    layer = nn.Linear(2, 1, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    layer.load_state_dict({"weight": tensor([[2.0, 3.0]])})
    assert layer(tensor([[1.0, 10.0]])).tolist() == [[32.0]]
    with pytest.raises(RuntimeError, match="bias"):
        layer.load_state_dict({"weight": tensor([[2.0, 3.0]]), "bias": tensor([1.0])})
