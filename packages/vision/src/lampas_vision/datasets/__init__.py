"""Image datasets: in the package, in published files, in folders of your own."""

from __future__ import annotations

from lampas_vision.datasets._base import DatasetNotFoundError, VisionDataset
from lampas_vision.datasets._idx import read_idx
from lampas_vision.datasets.cifar import CIFAR10, CIFAR100
from lampas_vision.datasets.digits import Digits, stratified_split
from lampas_vision.datasets.fake import FakeData
from lampas_vision.datasets.folder import DatasetFolder, ImageFolder
from lampas_vision.datasets.mnist import MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "DatasetFolder",
    "DatasetNotFoundError",
    "Digits",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "VisionDataset",
    "read_idx",
    "stratified_split",
]
