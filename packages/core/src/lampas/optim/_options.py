"""Checks of options that many optimizers have in common."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, GradientError

__all__ = ["check_betas", "check_modes", "check_not_negative"]


def check_not_negative(**options: Any) -> None:
    """Refuse options below zero, NaN, and tensors of more than one element."""
    for name, value in options.items():
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ArgumentError(
                f"{name} must be a number or a tensor of one element, got a tensor of "
                f"shape {tuple(value.shape)}"
            )
        if not value >= 0:
            raise ArgumentError(f"{name} must be >= 0, got {value}")


def check_betas(betas: Any) -> None:
    """Refuse factors of running means outside [0, 1)."""
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ArgumentError(f"betas[{i}] must have one element, got {beta}")
        if not 0 <= beta < 1:
            raise ArgumentError(f"betas[{i}] must be in [0, 1), got {beta}")


def check_modes(
    lr: Any,
    *,
    foreach: bool | None = None,
    fused: bool | None = None,
    capturable: bool = True,
    differentiable: bool = False,
) -> None:
    """Refuse ways of computing a step that lampas does not have or that exclude.

    One implementation serves all others: they tune speed on PyTorch.
    """
    if differentiable:
        raise GradientError(
            "differentiable=True is not supported: steps are not recorded; compute "
            "the new parameters from the old ones with operations on tensors"
        )
    if fused and foreach:
        raise ArgumentError("fused and foreach can't both be True; drop one of them")
    if isinstance(lr, Tensor) and foreach and not capturable:
        raise ArgumentError(
            "lr as a tensor needs capturable=True if foreach=True; drop foreach"
        )
