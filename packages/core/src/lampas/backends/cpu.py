"""The processor: PyTorch's ``torch.backends.cpu``."""

from __future__ import annotations

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The instructions that kernels are written for; NumPy chooses its own.

    >>> get_cpu_capability()
    'DEFAULT'
    """
    return "DEFAULT"
