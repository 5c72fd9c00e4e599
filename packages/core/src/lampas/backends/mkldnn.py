"""Intel's layers: PyTorch's ``torch.backends.mkldnn``, whose settings are accepted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["allow_tf32", "deterministic", "enabled", "flags", "is_available"]

enabled = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether lampas computes with it: no.

    >>> is_available()
    False
    """
    return False


@contextlib.contextmanager
def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True
) -> Iterator[None]:
    """Accepted for PyTorch's sake: nothing is switched."""
    yield
