"""Orders of ``einsum``: PyTorch's ``torch.backends.opt_einsum``, settings accepted."""

from __future__ import annotations

__all__ = ["enabled", "is_available", "strategy"]

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Whether the package opt_einsum is used: no, NumPy finds the order.

    >>> is_available()
    False
    """
    return False
