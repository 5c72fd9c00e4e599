"""Schedules of the learning rate, in PyTorch's chainable and closed forms.

A scheduler sets ``lr`` of its optimizer's groups when made and at each ``step()``.
"""

from __future__ import annotations

from lampas.optim._schedule import LRScheduler
from lampas.optim._schedule_combined import (
    ChainedScheduler,
    ReduceLROnPlateau,
    SequentialLR,
)
from lampas.optim._schedule_cycles import CosineAnnealingWarmRestarts, OneCycleLR
from lampas.optim._schedule_cyclic import CyclicLR
from lampas.optim._schedule_forms import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

# The name under which older programs derive their schedules.
_LRScheduler = LRScheduler
