"""A small convolutional network for small images, in the line of LeNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas import Tensor, nn
from lampas.errors import ArgumentError
from lampas_vision.models._pretrained import build

__all__ = ["ConvNet", "convnet"]


# Block


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Convolve, normalise, rectify; the size stays."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


# Network


class ConvNet(nn.Module):
    """Stages of a 3x3 convolution with pooling between, and two linear layers.

    It takes images of any size of at least ``2 ** len(widths)`` pixels a side: the
    last stage is averaged over the four quarters of the image.

    Args:
        num_classes: outputs of the last layer ``fc``.
        in_channels: 1 for grey images, 3 for colour.
        widths: channels of each stage.
        hidden: width of the layer before the last.
        dropout: share of its values dropped in training.

    Shape:
        ``(N, in_channels, H, W)`` to ``(N, num_classes)``.

    Raises:
        ValueError: no stage.

    >>> import lampas
    >>> ConvNet(num_classes=7)(lampas.zeros(2, 1, 8, 8)).shape
    lampas.Size([2, 7])
    """

    head = "fc"

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        hidden: int = 128,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if not widths:
            raise ArgumentError("widths: expected at least one stage, got none")
        stages: list[nn.Module] = [_block(in_channels, widths[0])]
        for inputs, outputs in zip(widths[:-1], widths[1:], strict=True):
            stages += [nn.MaxPool2d(2), _block(inputs, outputs)]
        self.features = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.hidden = nn.Linear(widths[-1] * 4, hidden)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.features(x)).flatten(1)
        x = self.hidden(x).relu()
        return self.fc(self.dropout(x))


# Builder


def convnet(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ConvNet:
    """A ConvNet of 160 thousand parameters.

    Args:
        weights: name or path of pretrained weights, such as ``"digits-convnet"``; with
            another ``num_classes=`` the layer ``fc`` starts afresh, and a line says so.
        progress: accepted for the sake of torchvision's signature.
        kwargs: for :class:`ConvNet`, such as ``num_classes=2``.

    >>> sum(p.numel() for p in convnet().parameters())
    159850
    """
    return build(ConvNet, weights, kwargs)
