"""Taking over a layer that another library made with PyTorch's attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.errors import ArgumentTypeError
from lampas.nn import functional as F
from lampas.nn.module import Module
from lampas.nn.modules import activation as activations
from lampas.ops.create import tensor

__all__ = ["encoder_settings", "take_values"]


def _activation(given: Any) -> Any:
    """Our function or layer of the same name."""
    name = getattr(given, "__name__", type(given).__name__)
    if hasattr(F, name):
        return getattr(F, name)
    if name in activations.__all__:
        return getattr(activations, name)()
    raise ArgumentTypeError(f"lampas has no activation with name {name!r}")


def encoder_settings(layer: Any) -> dict[str, Any]:
    """What TransformerEncoderLayer is made with, read from the attributes of one.

    Raises:
        TypeError: the object does not have them.
    """
    try:
        attention = layer.self_attn
        return {
            "d_model": attention.embed_dim,
            "nhead": attention.num_heads,
            "dim_feedforward": layer.linear1.out_features,
            "dropout": layer.dropout.p,
            "activation": _activation(layer.activation),
            "layer_norm_eps": layer.norm1.eps,
            "batch_first": attention.batch_first,
            "norm_first": layer.norm_first,
            "bias": layer.linear1.bias is not None,
        }
    except AttributeError as error:
        raise ArgumentTypeError(
            f"encoder_layer must be a Module or have the attributes of a "
            f"TransformerEncoderLayer, got {type(layer).__name__}: {error}"
        ) from None


def take_values(module: Module, foreign: Any) -> Module:
    """Load the state_dict of another library's module, whose values NumPy can read."""
    state = {
        name: tensor(np.asarray(value.detach().cpu()))
        for name, value in foreign.state_dict().items()
    }
    module.load_state_dict(state)
    return module.train(bool(foreign.training))
