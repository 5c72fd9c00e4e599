"""In which of its modules PyTorch defines each layer: files name classes by that."""

from __future__ import annotations

__all__ = ["home_of"]

# Where it is not the module of the same name as in lampas.nn.modules.
_ELSEWHERE = {
    "activation": "MultiheadAttention",
    "adaptive": "AdaptiveLogSoftmaxWithLoss",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d "
    "LazyBatchNorm3d SyncBatchNorm",
    "channelshuffle": "ChannelShuffle",
    "conv": "LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d "
    "LazyConvTranspose3d",
    "distance": "CosineSimilarity PairwiseDistance",
    "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout",
    "flatten": "Flatten Unflatten",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d "
    "LazyInstanceNorm2d LazyInstanceNorm3d",
    "linear": "Identity LazyLinear",
    "loss": "CTCLoss LinearCrossEntropyLoss",
    "normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "FractionalMaxPool2d FractionalMaxPool3d",
    "rnn": "GRUCell LSTMCell RNNCell RNNCellBase",
    "sparse": "Embedding EmbeddingBag",
}
_BY_NAME = {name: home for home, names in _ELSEWHERE.items() for name in names.split()}


def home_of(kind: type) -> str:
    """The module of PyTorch that defines a class of ``lampas.nn``.

    >>> import lampas
    >>> home_of(lampas.nn.BatchNorm2d)
    'torch.nn.modules.batchnorm'
    """
    if kind.__name__ == "DataParallel":
        return "torch.nn.parallel.data_parallel"
    own = kind.__module__.rpartition(".")[2]
    own = {"pool": "pooling"}.get(own, own)
    return f"torch.nn.modules.{_BY_NAME.get(kind.__name__, own)}"
