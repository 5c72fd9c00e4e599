"""Layers and what models are built from: PyTorch's ``torch.nn``."""

from lampas.nn import functional, init, parameter, utils
from lampas.nn.module import Module
from lampas.nn.modules import (
    activation,
    attention,
    container,
    conv,
    linear,
    loss,
    misc,
    norm,
    padding,
    pool,
    rnn,
    transformer,
    upsampling,
)
from lampas.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

_FAMILIES = (
    activation,
    attention,
    container,
    conv,
    linear,
    loss,
    misc,
    norm,
    padding,
    pool,
    rnn,
    transformer,
    upsampling,
)

for _family in _FAMILIES:
    globals().update({name: getattr(_family, name) for name in _family.__all__})

__all__ = sorted(
    [
        *(name for family in _FAMILIES for name in family.__all__),
        "Buffer",
        "Module",
        "Parameter",
        "UninitializedBuffer",
        "UninitializedParameter",
        "functional",
        "init",
        "parameter",
        "utils",
    ]
)
