"""What ``torch.nn.init`` has beside ``lampas.nn.init``, for code that borrows it."""

from __future__ import annotations

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.init import _calculate_fan_in_and_fan_out, trunc_normal_


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The fan of one mode, ``"fan_in"`` or ``"fan_out"``."""
    modes = ("fan_in", "fan_out")
    if mode.lower() not in modes:
        raise ArgumentError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def _no_grad_trunc_normal_(
    tensor: Tensor,
    mean: float,
    std: float,
    a: float,
    b: float,
    generator: object = None,
) -> Tensor:
    return trunc_normal_(tensor, mean, std, a, b, generator)  # type: ignore[arg-type]
