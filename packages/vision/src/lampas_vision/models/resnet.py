"""ResNet: blocks that add what they compute to what they were given.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015. Names and
initial values are torchvision's, so its published weights load by key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lampas import Tensor, nn
from lampas.errors import ArgumentError
from lampas_vision.models._pretrained import build

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "ResNet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]

Norm = Callable[[int], nn.Module]


# Blocks


def _conv3x3(
    inputs: int, outputs: int, stride: int = 1, groups: int = 1, dilation: int = 1
) -> nn.Conv2d:
    return nn.Conv2d(
        inputs,
        outputs,
        kernel_size=3,
        stride=stride,
        padding=dilation,
        groups=groups,
        bias=False,
        dilation=dilation,
    )


def _conv1x1(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; ResNet-18 and 34 are made of it.

    Args:
        inplanes: channels of the input.
        planes: channels of the output.
        stride: of the first convolution.
        downsample: fits the shortcut to the output where they differ.
        groups, base_width, dilation: 1, 64 and 1; other values need a Bottleneck.
        norm_layer: takes a number of channels.

    Raises:
        ValueError: ``groups``, ``base_width`` or ``dilation`` has another value.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        if (groups, base_width, dilation) != (1, 64, 1):
            raise ArgumentError(
                "BasicBlock: expected groups 1, base_width 64 and dilation 1, got "
                f"{groups}, {base_width} and {dilation}; use Bottleneck"
            )
        norm = norm_layer or nn.BatchNorm2d
        self.conv1 = _conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)

    def last_norm(self) -> nn.Module:
        """The normalisation before the sum."""
        return self.bn2


class Bottleneck(nn.Module):
    """Convolutions 1x1, 3x3 and 1x1 beside a shortcut; ResNet-50 and up use it.

    Args:
        inplanes: channels of the input.
        planes: a quarter of the channels of the output.
        stride: of the 3x3 convolution.
        downsample: fits the shortcut to the output where they differ.
        groups: of the 3x3 convolution.
        base_width: channels of the 3x3 convolution per group and 64 planes.
        dilation: of the 3x3 convolution.
        norm_layer: takes a number of channels.
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = _conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = _conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = _conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)

    def last_norm(self) -> nn.Module:
        """The normalisation before the sum."""
        return self.bn3


Block = type[BasicBlock] | type[Bottleneck]


# Network


class ResNet(nn.Module):
    """A stem, four stages of blocks, the mean over places, a linear layer.

    Args:
        block: BasicBlock or Bottleneck.
        layers: number of blocks of each of the four stages.
        num_classes: outputs of the linear layer ``fc``.
        zero_init_residual: begin with blocks that pass their input on.
        groups, width_per_group: of the Bottleneck's 3x3 convolution.
        replace_stride_with_dilation: for each of the last three stages, keep the
            resolution and dilate instead.
        norm_layer: takes a number of channels; BatchNorm2d when None.

    Shape:
        ``(N, 3, H, W)`` to ``(N, num_classes)``.

    Raises:
        ValueError: ``replace_stride_with_dilation`` has not three entries.
    """

    head = "fc"

    def __init__(
        self,
        block: Block,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Norm | None = None,
    ) -> None:
        super().__init__()
        dilate = replace_stride_with_dilation or (False, False, False)
        if len(dilate) != 3:
            raise ArgumentError(
                "replace_stride_with_dilation: expected three booleans, got "
                f"{replace_stride_with_dilation!r}"
            )
        self.groups, self.base_width = groups, width_per_group
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes, self.dilation = 64, 1
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._initialise(zero_init_residual)

    def _make_layer(
        self,
        block: Block,
        planes: int,
        blocks: int,
        stride: int = 1,
        dilate: bool = False,
    ) -> nn.Sequential:
        """One stage: the first block changes channels and resolution."""
        first_dilation = self.dilation
        if dilate:
            self.dilation, stride = self.dilation * stride, 1
        outputs = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != outputs:
            downsample = nn.Sequential(
                _conv1x1(self.inplanes, outputs, stride), self._norm_layer(outputs)
            )
        shared: dict[str, Any] = {
            "groups": self.groups,
            "base_width": self.base_width,
            "norm_layer": self._norm_layer,
        }
        first = block(
            self.inplanes, planes, stride, downsample, dilation=first_dilation, **shared
        )
        self.inplanes = outputs
        rest = (
            block(outputs, planes, dilation=self.dilation, **shared)
            for _ in range(1, blocks)
        )
        return nn.Sequential(first, *rest)

    def _initialise(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
        for module in self.modules() if zero_init_residual else ():
            if isinstance(module, (BasicBlock, Bottleneck)):
                nn.init.constant_(module.last_norm().weight, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


# Builders


def _resnet(
    block: Block, layers: Sequence[int], weights: str | None, options: dict[str, Any]
) -> ResNet:
    return build(ResNet, weights, {"block": block, "layers": layers, **options})


def resnet18(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet of 18 layers, 11.7 million parameters.

    Args:
        weights: name or path of pretrained weights; with another ``num_classes=`` the
            layer ``fc`` starts afresh, and a line says so.
        progress: accepted for torchvision's sake; files are shown as they are fetched.
        kwargs: for :class:`ResNet`, such as ``num_classes=10``.

    >>> resnet18(num_classes=3).fc
    Linear(in_features=512, out_features=3, bias=True)
    """
    return _resnet(BasicBlock, (2, 2, 2, 2), weights, kwargs)


def resnet34(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet of 34 layers, 21.8 million parameters; arguments as :func:`resnet18`."""
    return _resnet(BasicBlock, (3, 4, 6, 3), weights, kwargs)


def resnet50(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet of 50 layers, 25.6 million parameters; arguments as :func:`resnet18`."""
    return _resnet(Bottleneck, (3, 4, 6, 3), weights, kwargs)


def resnet101(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet of 101 layers, 44.5 million parameters; arguments as :func:`resnet18`."""
    return _resnet(Bottleneck, (3, 4, 23, 3), weights, kwargs)


def resnet152(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet of 152 layers, 60.2 million parameters; arguments as :func:`resnet18`."""
    return _resnet(Bottleneck, (3, 8, 36, 3), weights, kwargs)


def resnext50_32x4d(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-50 with 32 groups of width 4; arguments as :func:`resnet18`."""
    shape = {"groups": 32, "width_per_group": 4}
    return _resnet(Bottleneck, (3, 4, 6, 3), weights, shape | kwargs)


def resnext101_32x8d(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-101 with 32 groups of width 8; arguments as :func:`resnet18`."""
    shape = {"groups": 32, "width_per_group": 8}
    return _resnet(Bottleneck, (3, 4, 23, 3), weights, shape | kwargs)


def resnext101_64x4d(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-101 with 64 groups of width 4; arguments as :func:`resnet18`."""
    shape = {"groups": 64, "width_per_group": 4}
    return _resnet(Bottleneck, (3, 4, 23, 3), weights, shape | kwargs)


def wide_resnet50_2(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-50 twice as wide inside its blocks; arguments as :func:`resnet18`."""
    shape = {"width_per_group": 128}
    return _resnet(Bottleneck, (3, 4, 6, 3), weights, shape | kwargs)


def wide_resnet101_2(
    *, weights: str | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-101 twice as wide inside its blocks; arguments as :func:`resnet18`."""
    shape = {"width_per_group": 128}
    return _resnet(Bottleneck, (3, 4, 23, 3), weights, shape | kwargs)
