"""Helpers around modules: clipping, other forms of parameters, fusion, sequences."""

import importlib
from typing import TYPE_CHECKING, Any

from lampas.nn.utils import rnn
from lampas.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from lampas.nn.utils.convert_parameters import (
    parameters_to_vector,
    vector_to_parameters,
)
from lampas.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from lampas.nn.utils.init import skip_init
from lampas.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from lampas.nn.utils.weight_norm import remove_weight_norm, weight_norm

if TYPE_CHECKING:
    from lampas.nn.utils import parametrizations, parametrize, stateless

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]

_SUBMODULES = ("parametrizations", "parametrize", "stateless")


# Hidden from type checkers: they see the imports above.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _SUBMODULES:
            return importlib.import_module(f"lampas.nn.utils.{name}")
        raise AttributeError(f"module 'lampas.nn.utils' has no attribute {name!r}")
