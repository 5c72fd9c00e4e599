"""``torch.xpu``: Intel's graphics, which lampas does not use."""

from __future__ import annotations

__all__ = ["device_count", "is_available"]


def is_available() -> bool:
    """Whether tensors can live there: no."""
    return False


def device_count() -> int:
    """How many there are: 0."""
    return 0
