"""Windows of planes as columns, and back, as modules."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.nn import functional as F
from lampas.nn.module import Module

__all__ = ["Fold", "Unfold"]


class _Windows(Module):
    def _settings(self, kernel: Any, dilation: Any, padding: Any, stride: Any) -> None:
        self.kernel_size = kernel
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(_Windows):
    """The windows of (N, C, H, W) as columns (N, C * kernel, windows).

    Args:
        kernel_size, dilation, padding, stride: as for :func:`nn.functional.unfold`.

    >>> import lampas
    >>> lampas.nn.Unfold((2, 3))(lampas.zeros(2, 5, 3, 4)).shape
    lampas.Size([2, 30, 4])
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self._settings(kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """Unfold (N, C, H, W) or (C, H, W)."""
        return F.unfold(
            input, self.kernel_size, self.dilation, self.padding, self.stride
        )


class Fold(_Windows):
    """Columns (N, C * kernel, windows) added up at their places: (N, C, H, W).

    Args:
        output_size: (H, W).
        kernel_size, dilation, padding, stride: as for :func:`nn.functional.fold`.

    >>> import lampas
    >>> lampas.nn.Fold((4, 5), (2, 2))(lampas.zeros(1, 12, 12)).shape
    lampas.Size([1, 3, 4, 5])
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self._settings(kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """Fold (N, C * kernel, windows) or (C * kernel, windows)."""
        return F.fold(
            input,
            self.output_size,
            self.kernel_size,
            self.dilation,
            self.padding,
            self.stride,
        )

    def extra_repr(self) -> str:
        """The settings."""
        return f"output_size={self.output_size}, {super().extra_repr()}"
