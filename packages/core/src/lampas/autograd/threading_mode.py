"""PyTorch's switches about how a backward pass is run."""

from __future__ import annotations

import threading

from lampas.errors import ArgumentTypeError

__all__ = [
    "is_multithreading_enabled",
    "is_view_replay_enabled",
    "set_multithreading_enabled",
]


class _Allowed(threading.local):
    value = True


_allowed = _Allowed()


def is_multithreading_enabled() -> bool:
    """Whether ``backward`` may use several threads; lampas uses the caller's alone.

    >>> is_multithreading_enabled()
    True
    """
    return _allowed.value


def is_view_replay_enabled() -> bool:
    """Whether views are made again for changes in place: False, they are kept.

    >>> is_view_replay_enabled()
    False
    """
    return False


class set_multithreading_enabled:
    """Allow ``backward`` several threads or not, from now on or for a block.

    Args:
        mode: kept and told by :func:`is_multithreading_enabled`; lampas goes back
            through a graph in the thread that calls it.

    Raises:
        TypeError: ``mode`` is no bool.

    >>> with set_multithreading_enabled(False):
    ...     is_multithreading_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise ArgumentTypeError(f"mode must be a bool, got {type(mode).__name__}")
        self.mode, self._before = mode, _allowed.value
        _allowed.value = mode

    def __enter__(self) -> None:
        _allowed.value = self.mode

    def __exit__(self, *error: object) -> None:
        _allowed.value = self._before
