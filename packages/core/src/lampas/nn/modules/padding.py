"""Padding as modules: by a constant, reflected, repeated or wrapped around."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.nn import functional as F
from lampas.nn.module import Module
from lampas.ops._spatial import spatial

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    n: int
    mode = "constant"

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = spatial(padding, 2 * self.n, "padding")

    def forward(self, input: Tensor) -> Tensor:
        """Pad the last dimensions."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Pad the last dimensions."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The sizes and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pad the last dimension with ``value``."""

    n = 1


class ConstantPad2d(_ConstantPad):
    """Pad the last two dimensions with ``value``: (left, right, top, bottom)."""

    n = 2


class ConstantPad3d(_ConstantPad):
    """Pad the last three dimensions with ``value``."""

    n = 3


class _ZeroPad(_Pad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding)
        self.value = 0.0


class ZeroPad1d(_ZeroPad):
    """Pad the last dimension with zeros."""

    n = 1


class ZeroPad2d(_ZeroPad):
    """Pad the last two dimensions with zeros: (left, right, top, bottom).

    >>> import lampas
    >>> lampas.nn.ZeroPad2d(1)(lampas.ones(1, 1, 1)).tolist()
    [[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    """

    n = 2


class ZeroPad3d(_ZeroPad):
    """Pad the last three dimensions with zeros."""

    n = 3


class ReflectionPad1d(_Pad):
    """Pad the last dimension with its mirror image."""

    n, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pad the last two dimensions with their mirror image."""

    n, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Pad the last three dimensions with their mirror image."""

    n, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Pad the last dimension with its border."""

    n, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pad the last two dimensions with their border."""

    n, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Pad the last three dimensions with their border."""

    n, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Pad the last dimension with its other end."""

    n, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Pad the last two dimensions with their other ends."""

    n, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Pad the last three dimensions with their other ends."""

    n, mode = 3, "circular"
