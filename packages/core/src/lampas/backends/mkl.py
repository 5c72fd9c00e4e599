"""Intel's matrix library: PyTorch's ``torch.backends.mkl``."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """Whether lampas computes with it: no.

    >>> is_available()
    False
    """
    return False
