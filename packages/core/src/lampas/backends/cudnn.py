"""NVIDIA's layers: PyTorch's ``torch.backends.cudnn``, whose settings are accepted.

Results of lampas repeat bit for bit whatever ``deterministic`` and ``benchmark`` say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = [
    "allow_tf32",
    "benchmark",
    "benchmark_limit",
    "deterministic",
    "enabled",
    "flags",
    "is_acceptable",
    "is_available",
    "version",
]

enabled = True
benchmark = False
benchmark_limit: int | None = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether lampas computes with it: no.

    >>> is_available()
    False
    """
    return False


def version() -> int | None:
    """The version in use: None."""
    return None


def is_acceptable(tensor: object) -> bool:
    """Whether it would compute with a tensor: no."""
    return False


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Accepted for PyTorch's sake: nothing is switched."""
    yield
