"""``torch.accelerator``: the one kind of card that this machine has, if any."""

from __future__ import annotations

from lampas import cuda
from lampas.backend.device import Device

__all__ = ["current_accelerator", "device_count", "is_available"]


def is_available() -> bool:
    """Whether there is a card."""
    return cuda.is_available()


def device_count() -> int:
    """How many cards there are."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The kind of card; None where there is none."""
    return Device("cuda") if cuda.is_available() else None
