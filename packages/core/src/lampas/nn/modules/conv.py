"""Convolutions as modules."""

from __future__ import annotations

import math
from typing import Any

from lampas.dtypes import DType
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn import functional as F
from lampas.nn import init
from lampas.nn.module import Module
from lampas.nn.modules.linear import empty_parameter
from lampas.ops._spatial import spatial

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: sizes, parameters and their first values."""

    n: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: DType | None,
        output_padding: Any = 0,
    ) -> None:
        super().__init__()
        n = self.n
        if groups <= 0:
            raise ArgumentError("groups must be a positive integer")
        for name, channels in (("in", in_channels), ("out", out_channels)):
            if channels % groups:
                raise ArgumentError(
                    f"{name}_channels ({channels}) must be divisible by groups "
                    f"({groups})"
                )
        if padding_mode not in _PADDING_MODES:
            raise ArgumentError(
                f"padding_mode must be one of {_PADDING_MODES}, got {padding_mode!r}"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ArgumentError(
                f"padding must be sizes, 'same' or 'valid', got {padding!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = spatial(kernel_size, n, "kernel_size")
        self.stride = spatial(stride, n, "stride")
        text = isinstance(padding, str)
        self.padding = padding if text else spatial(padding, n, "padding")
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ArgumentError(
                "padding='same' is not supported for strided convolutions"
            )
        self.dilation = spatial(dilation, n, "dilation")
        self.output_padding = spatial(output_padding, n, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        pair = (
            (in_channels, out_channels)
            if self.transposed
            else (
                out_channels,
                in_channels,
            )
        )
        kind = {"device": device, "dtype": dtype}
        sizes = (pair[0], pair[1] // groups, *self.kernel_size)
        self.weight = empty_parameter(*sizes, **kind)
        self.register_parameter(
            "bias", empty_parameter(out_channels, **kind) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, as Linear's: bound ``1 / sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan:
            init.uniform_(self.bias, -1 / math.sqrt(fan), 1 / math.sqrt(fan))

    def _around(self) -> tuple[int, ...]:
        """The padding in the order of :func:`nn.functional.pad`."""
        result: list[int] = []
        sizes = zip(self.padding, self.kernel_size, self.dilation, strict=False)
        if self.padding == "valid":
            return (0, 0) * self.n
        if self.padding == "same":
            totals = [
                d * (k - 1)
                for k, d in zip(self.kernel_size, self.dilation, strict=True)
            ]
            for total in reversed(totals):
                result += [total // 2, total - total // 2]
            return tuple(result)
        for pad, _, _ in reversed(list(sizes)):
            result += [pad, pad]
        return tuple(result)

    def extra_repr(self) -> str:
        """The sizes; settings only where they are not the default."""
        text = (
            f"{self.in_channels}, {self.out_channels}, "
            f"kernel_size={self.kernel_size}, stride={self.stride}"
        )
        none = (0,) * self.n
        if self.padding != none:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.n:
            text += f", dilation={self.dilation}"
        if self.output_padding != none:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _ForwardConv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
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
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C, ...) or (C, ...)."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._around(), self.padding_mode)
            padding = 0
        function = (F.conv1d, F.conv2d, F.conv3d)[self.n - 1]
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            padding,
            self.dilation,
            self.groups,
        )


class Conv1d(_ForwardConv):
    """Convolution of (N, C, L); see Conv2d."""

    n = 1


class Conv2d(_ForwardConv):
    """Convolution of (N, C, H, W).

    Args:
        in_channels, out_channels: sizes of the channel dimension.
        kernel_size, stride, padding, dilation, groups: as for
            :func:`nn.functional.conv2d`.
        bias: whether to add one number for each output channel.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device, dtype: of the parameters.

    Parameters:
        weight (out, in / groups, KH, KW), bias (out): uniform within
        ``1 / sqrt(fan_in)``.

    >>> import lampas
    >>> lampas.nn.Conv2d(3, 8, 3, padding=1)(lampas.zeros(2, 3, 5, 5)).shape
    lampas.Size([2, 8, 5, 5])
    """

    n = 2


class Conv3d(_ForwardConv):
    """Convolution of (N, C, D, H, W); see Conv2d."""

    n = 3


class _ConvTransposeNd(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
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
        if padding_mode != "zeros":
            raise ArgumentError(
                f'only "zeros" padding mode is supported for {type(self).__name__}'
            )
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
            output_padding,
        )

    def _extra(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives a wanted size."""
        if output_size is None:
            return self.output_padding
        n = self.n
        wanted = tuple(output_size)[-n:]
        extra = []
        for i in range(n):
            least = (
                (input.shape[i - n] - 1) * self.stride[i]
                - 2 * self.padding[i]
                + self.dilation[i] * (self.kernel_size[i] - 1)
                + 1
            )
            if not least <= wanted[i] < least + self.stride[i]:
                raise ArgumentError(
                    f"requested an output size of {wanted}, but valid sizes of "
                    f"dimension {i} range from {least} to {least + self.stride[i] - 1}"
                )
            extra.append(wanted[i] - least)
        return tuple(extra)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Spread (N, C, ...) or (C, ...); ``output_size`` chooses among sizes."""
        functions = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
        return functions[self.n - 1](
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._extra(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of (N, C, L); see ConvTranspose2d."""

    n = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of (N, C, H, W).

    Args:
        in_channels, out_channels: sizes of the channel dimension.
        kernel_size, stride, padding, output_padding, groups, dilation: as for
            :func:`nn.functional.conv_transpose2d`.
        bias: whether to add one number for each output channel.
        padding_mode: only ``"zeros"``.
        device, dtype: of the parameters.

    >>> import lampas
    >>> lampas.nn.ConvTranspose2d(8, 3, 2, stride=2)(lampas.zeros(2, 8, 5, 5)).shape
    lampas.Size([2, 3, 10, 10])
    """

    n = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of (N, C, D, H, W); see ConvTranspose2d."""

    n = 3
