"""OpenMP: PyTorch's ``torch.backends.openmp``."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Whether lampas computes with it: no.

    >>> is_available()
    False
    """
    return False
