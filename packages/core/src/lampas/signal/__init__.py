"""Signals: PyTorch's ``torch.signal``."""

from lampas.signal import windows

__all__ = ["windows"]
