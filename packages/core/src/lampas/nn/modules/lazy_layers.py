"""Layers that take the size of their input from their first call."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import DType, int64
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from lampas.nn.modules.lazy import LazyModuleMixin
from lampas.nn.modules.linear import Linear
from lampas.nn.modules.norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from lampas.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from lampas.ops.create import tensor

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`Linear` that takes ``in_features`` from its first input.

    Args:
        out_features: size of the output's last dimension.
        bias: whether to add ``b``.
        device, dtype: of the parameters.

    >>> import lampas
    >>> layer = lampas.nn.LazyLinear(2)
    >>> layer(lampas.zeros(3, 4)).shape
    lampas.Size([3, 2])
    >>> layer
    Linear(in_features=4, out_features=2, bias=True)
    """

    cls_to_become = Linear
    weight: Any
    bias: Any

    def __init__(
        self,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__(0, 0, False, device, dtype)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have shapes."""
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take ``in_features`` from the last dimension of ``input``."""
        features = input.shape[-1]
        if self.has_uninitialized_params():
            self.in_features = features
            self.weight.materialize((self.out_features, features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        self.in_features = self.weight.shape[1]


class _LazyConv(LazyModuleMixin):
    """What all lazy convolutions share."""

    weight: Any
    bias: Any

    def _leave_open(
        self, out_channels: int, bias: bool, device: Any, dtype: DType | None
    ) -> None:
        if out_channels % self.groups:
            raise ArgumentError(
                f"out_channels ({out_channels}) must be divisible by groups "
                f"({self.groups})"
            )
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have shapes."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take ``in_channels`` from the channel dimension of ``input``."""
        if not self.has_uninitialized_params():
            rows, columns = self.weight.shape[:2]
            self.in_channels = rows if self.transposed else columns * self.groups
            return
        if input.dim() not in (self.n + 1, self.n + 2):
            raise ShapeError(
                f"expected {self.n + 1}D (unbatched) or {self.n + 2}D (batched) input "
                f"to {type(self).__name__}, got shape {tuple(input.shape)}"
            )
        channels = input.shape[-1 - self.n]
        if channels % self.groups:
            raise ArgumentError(
                f"in_channels ({channels}) must be divisible by groups ({self.groups})"
            )
        self.in_channels = channels
        pair = (self.out_channels, channels // self.groups)
        if self.transposed:
            pair = (channels, self.out_channels // self.groups)
        self.weight.materialize((*pair, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyForwardConv(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        sizes = (kernel_size, stride, padding, dilation)
        rest = (groups, False, padding_mode, device, dtype)
        super().__init__(0, 0, *sizes, *rest)  # type: ignore[call-arg]
        self._leave_open(out_channels, bias, device, dtype)


class LazyConv1d(_LazyForwardConv, Conv1d):
    """A :class:`Conv1d` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyForwardConv, Conv2d):
    """A :class:`Conv2d` that takes ``in_channels`` from its first input.

    Args:
        out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype: as for :class:`Conv2d`.

    >>> import lampas
    >>> layer = lampas.nn.LazyConv2d(8, 3, padding=1)
    >>> layer(lampas.zeros(2, 3, 5, 5)).shape
    lampas.Size([2, 8, 5, 5])
    >>> layer.in_channels
    3
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyForwardConv, Conv3d):
    """A :class:`Conv3d` that takes ``in_channels`` from its first input."""

    cls_to_become = Conv3d


class _LazyTransposedConv(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        sizes = (kernel_size, stride, padding, output_padding)
        rest = (groups, False, dilation, padding_mode, device, dtype)
        super().__init__(0, 0, *sizes, *rest)  # type: ignore[call-arg]
        self._leave_open(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposedConv, ConvTranspose1d):
    """A :class:`ConvTranspose1d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposedConv, ConvTranspose2d):
    """A :class:`ConvTranspose2d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposedConv, ConvTranspose3d):
    """A :class:`ConvTranspose3d` that takes ``in_channels`` from its first input."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    """What lazy batch and instance norms share."""

    weight: Any
    bias: Any
    # Whether the first of the allowed numbers of dimensions has no batch.
    unbatched = False

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ) -> None:
        sizes = (0, eps, momentum, False, False, device, dtype)
        super().__init__(*sizes, bias=bias)  # type: ignore[call-arg]
        self.affine = affine
        self.track_running_stats = track_running_stats
        kind = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**kind)
            if bias:
                self.bias = UninitializedParameter(**kind)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**kind)
            self.running_var = UninitializedBuffer(**kind)
            self.num_batches_tracked = tensor(0, dtype=int64, device=device)

    def reset_parameters(self) -> None:
        """Set statistics and affine map to where they start, once they have shapes."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Take ``num_features`` from the channel dimension of ``input``."""
        self._check_input_dim(input)
        single = self.unbatched and input.dim() == self.ndims[0]
        found = [t for t in (self.weight, self.running_mean) if t is not None]
        open_ = self.has_uninitialized_params()
        channels = input.shape[0 if single else 1]
        if not open_ and found:
            channels = found[0].shape[0]
        self.num_features = channels
        if open_:
            names = ("weight", "bias", "running_mean", "running_var")
            for value in (getattr(self, name) for name in names):
                if is_lazy(value):
                    value.materialize((channels,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A :class:`BatchNorm1d` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A :class:`BatchNorm2d` that takes ``num_features`` from its first input.

    Args:
        eps, momentum, affine, track_running_stats, device, dtype, bias: as for
            :class:`BatchNorm2d`.

    >>> import lampas
    >>> layer = lampas.nn.LazyBatchNorm2d()
    >>> layer(lampas.randn(2, 3, 4, 4)).shape
    lampas.Size([2, 3, 4, 4])
    >>> layer.running_mean.shape
    lampas.Size([3])
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A :class:`BatchNorm3d` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An :class:`InstanceNorm1d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm1d
    unbatched = True


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An :class:`InstanceNorm2d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm2d
    unbatched = True


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An :class:`InstanceNorm3d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm3d
    unbatched = True
