"""``torch.distributed``: questions, answered truly. There are no process groups."""

from __future__ import annotations

__all__ = [
    "is_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
]


def is_available() -> bool:
    """Whether processes can form a group: no."""
    return False


def is_initialized() -> bool:
    """Whether this process belongs to a group: no."""
    return False


def is_gloo_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_mpi_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_nccl_available() -> bool:
    """Whether that transport is there: no."""
    return False


def is_torchelastic_launched() -> bool:
    """Whether ``torchrun`` started this process: no."""
    return False
