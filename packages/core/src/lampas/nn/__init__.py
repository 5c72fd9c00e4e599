"""Layers and what models are built from: PyTorch's ``torch.nn``."""

from lampas.nn import functional, init, parameter, utils
from lampas.nn.module import Module
from lampas.nn.modules import (
    activation,
    adaptive_softmax,
    attention,
    container,
    conv,
    ctc_loss,
    fold,
    fractional_pool,
    lazy_layers,
    linear,
    linear_cross_entropy,
    loss,
    misc,
    norm,
    padding,
    parallel,
    pool,
    rnn,
    rnn_cells,
    transformer,
    upsampling,
)
from lampas.nn.modules.activation import *
from lampas.nn.modules.adaptive_softmax import *
from lampas.nn.modules.attention import *
from lampas.nn.modules.container import *
from lampas.nn.modules.conv import *
from lampas.nn.modules.ctc_loss import *
from lampas.nn.modules.fold import *
from lampas.nn.modules.fractional_pool import *
from lampas.nn.modules.lazy_layers import *
from lampas.nn.modules.linear import *
from lampas.nn.modules.linear_cross_entropy import *
from lampas.nn.modules.loss import *
from lampas.nn.modules.misc import *
from lampas.nn.modules.norm import *
from lampas.nn.modules.padding import *
from lampas.nn.modules.parallel import *
from lampas.nn.modules.pool import *
from lampas.nn.modules.rnn import *
from lampas.nn.modules.rnn_cells import *
from lampas.nn.modules.transformer import *
from lampas.nn.modules.upsampling import *
from lampas.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
    factory_kwargs,
)

_FAMILIES = (
    activation,
    adaptive_softmax,
    attention,
    container,
    conv,
    ctc_loss,
    fold,
    fractional_pool,
    lazy_layers,
    linear,
    linear_cross_entropy,
    loss,
    misc,
    norm,
    padding,
    parallel,
    pool,
    rnn,
    rnn_cells,
    transformer,
    upsampling,
)

__all__ = [
    "Buffer",
    "Module",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "factory_kwargs",
    "functional",
    "init",
    "parameter",
    "utils",
]
__all__ += [name for family in _FAMILIES for name in family.__all__]
