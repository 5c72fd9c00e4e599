"""Functions of neural networks that PyTorch has in its top namespace too."""

from lampas.ops.activation import celu, celu_, selu, selu_
from lampas.ops.adaptive import adaptive_avg_pool1d
from lampas.ops.bilinear import (
    bilinear,
    channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
)
from lampas.ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from lampas.ops.dropout import alpha_dropout, dropout, feature_alpha_dropout
from lampas.ops.margin import (
    cosine_similarity,
    pairwise_distance,
)
from lampas.ops.norm import group_norm, layer_norm, rms_norm
from lampas.ops.pad import constant_pad_nd
from lampas.ops.piecewise import (
    hardshrink,
    prelu,
    relu,
    relu_,
    rrelu,
    rrelu_,
    threshold,
    threshold_,
)
from lampas.ops.pool import avg_pool1d, max_pool1d, max_pool2d, max_pool3d
from lampas.ops.softmax import log_softmax, softmax

__all__ = [
    "adaptive_avg_pool1d",
    "alpha_dropout",
    "avg_pool1d",
    "bilinear",
    "celu",
    "celu_",
    "channel_shuffle",
    "constant_pad_nd",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "dropout",
    "feature_alpha_dropout",
    "group_norm",
    "hardshrink",
    "layer_norm",
    "log_softmax",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "relu",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "softmax",
    "threshold",
    "threshold_",
]
