"""The CPU as a device: PyTorch's ``torch.cpu``, for programs that treat all alike."""

from __future__ import annotations

from typing import Any

from lampas.cpu import amp

__all__ = ["amp", "current_device", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """True.

    >>> is_available()
    True
    """
    return True


def device_count() -> int:
    """One.

    >>> device_count()
    1
    """
    return 1


def current_device() -> str:
    """Its name.

    >>> current_device()
    'cpu'
    """
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Nothing is pending: operations are done when they return.

    >>> synchronize()
    """
