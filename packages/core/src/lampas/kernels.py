"""The native kernels for the CPU: whether there are any, and what they have done.

A kernel stands in an op's place and may decline a call, which then goes to the op's
reference in NumPy. ``LAMPAS_KERNELS=off`` leaves everything to the references, and
``LAMPAS_REQUIRE_NATIVE=1`` makes missing kernels an error.

>>> from lampas import kernels
>>> isinstance(kernels.is_available(), bool)
True
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lampas.backend import native

__all__ = [
    "disabled",
    "instruction_set",
    "is_available",
    "memory_stats",
    "report",
    "trim_memory",
]


def is_available() -> bool:
    """Whether the kernels were built and not switched off by LAMPAS_KERNELS=off.

    >>> is_available() == (instruction_set() is not None)
    True
    """
    return native.extension is not None


def instruction_set() -> str | None:
    """The instructions for which the kernels in use were compiled.

    Returns:
        ``"baseline"``, ``"avx2"``, ``"avx512"`` or ``"neon"``; None without kernels.

    >>> instruction_set() in ("baseline", "avx2", "avx512", "neon", None)
    True
    """
    return native.extension.path() if native.extension is not None else None


def report() -> dict[str, tuple[int, int]]:
    """How many calls each kernel has taken, and how many it has left to its reference.

    Returns:
        ``{op: (accepted, declined)}`` since the start of the process; empty without
        kernels.

    >>> all(taken >= 0 and left >= 0 for taken, left in report().values())
    True
    """
    return native.extension.report() if native.extension is not None else {}


@contextmanager
def disabled() -> Iterator[None]:
    """Leave every op to its reference inside a ``with`` block, in all threads.

    >>> import lampas
    >>> with disabled():
    ...     lampas.ones(2).exp()
    tensor([2.7183, 2.7183])
    """
    if native.extension is None:
        yield
        return
    before = native.extension.set_enabled(False)
    try:
        yield
    finally:
        native.extension.set_enabled(before)


def memory_stats() -> dict[str, int]:
    """What the cache of memory for large results holds, in bytes.

    Returns:
        ``live_bytes`` in use, ``peak_bytes`` the most that were, ``cached_bytes`` kept
        for the next results, ``taken`` and ``reused``: how many results were given
        memory, and to how many of them it was memory of one before. Empty without
        kernels. Results under 128 KiB, and what NumPy makes, are not counted.

    >>> memory_stats().get("live_bytes", 0) >= 0
    True
    """
    return native.extension.memory_stats() if native.extension is not None else {}


def trim_memory() -> int:
    """Give the cached memory back to the system.

    Returns:
        How many bytes that were.

    >>> trim_memory() >= 0
    True
    """
    return native.extension.trim() if native.extension is not None else 0
