"""Apple's graphics: PyTorch's ``torch.backends.mps``."""

from __future__ import annotations

__all__ = ["is_available", "is_built", "is_macos13_or_newer"]


def is_available() -> bool:
    """Whether tensors can live there: no.

    >>> is_available()
    False
    """
    return False


def is_built() -> bool:
    """Whether lampas was built for it: no."""
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether Apple's graphics of that system can be used: no."""
    return False
