"""What ``torch.nn`` has beside ``lampas.nn``."""

from __future__ import annotations

from lampas.nn import NLLLoss

__all__ = ["NLLLoss2d"]


class NLLLoss2d(NLLLoss):
    """An older name of ``NLLLoss``."""
