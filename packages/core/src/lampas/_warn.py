"""Warnings that are said once in a process, or each time if the user wants it."""

from __future__ import annotations

import warnings

from lampas.errors import DTypeError

__all__ = ["is_warn_always_enabled", "set_warn_always", "warn_once"]

_always = [False]
_said: set[str] = set()


def set_warn_always(b: bool) -> None:
    """Say warnings each time that lampas otherwise says once.

    Args:
        b: True for each time.

    Raises:
        RuntimeError: ``b`` is no bool.

    >>> import lampas
    >>> lampas.set_warn_always(False)
    """
    if not isinstance(b, bool):
        raise DTypeError(f"b must be a bool, got {type(b).__name__}")
    _always[0] = b


def is_warn_always_enabled() -> bool:
    """Whether warnings are said each time; see :func:`lampas.set_warn_always`.

    >>> import lampas
    >>> lampas.is_warn_always_enabled()
    False
    """
    return _always[0]


def warn_once(text: str, stacklevel: int) -> None:
    """Give a warning unless the same was given before."""
    if _always[0] or text not in _said:
        _said.add(text)
        warnings.warn(text, UserWarning, stacklevel=stacklevel + 1)
