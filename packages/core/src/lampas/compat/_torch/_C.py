"""``torch._C``: calls into PyTorch's core that programs make and nothing needs."""

from __future__ import annotations

from typing import Any

from lampas.random import Generator

__all__ = ["Generator"]


def _log_api_usage_once(*args: Any) -> None:
    """Accepted: nothing is logged."""


def _jit_set_profiling_mode(profiling_flag: bool) -> bool:
    """Accepted: nothing is compiled. The setting before: off."""
    return False


def _jit_set_profiling_executor(profiling_flag: bool) -> bool:
    """Accepted: nothing is compiled. The setting before: off."""
    return False
