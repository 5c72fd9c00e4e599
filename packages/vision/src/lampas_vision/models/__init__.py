"""Models under torchvision's names, and a small one for small images."""

from __future__ import annotations

from lampas_vision.models._pretrained import load_weights, preprocessing_of
from lampas_vision.models.convnet import ConvNet, convnet
from lampas_vision.models.resnet import (
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    resnext101_32x8d,
    resnext101_64x4d,
    wide_resnet50_2,
    wide_resnet101_2,
)

__all__ = [
    "ConvNet",
    "ResNet",
    "convnet",
    "load_weights",
    "preprocessing_of",
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
