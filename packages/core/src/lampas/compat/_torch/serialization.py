"""``torch.serialization``: reading and writing, and lists that a reader may ask for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lampas.io import load, save

__all__ = [
    "SourceChangeWarning",
    "StorageType",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_safe_globals",
    "load",
    "location_tag",
    "safe_globals",
    "save",
]

MAP_LOCATION = Callable[[Any, str], Any] | str | dict[str, str] | None
StorageType = Any

_allowed: list[Any] = []


class SourceChangeWarning(Warning):
    """Never given: files hold no source that could have changed."""


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Note classes and functions that the program trusts.

    Lampas calls nothing that a file names, whoever trusts it: what it reads stays
    plain data, tensors and, if asked by ``weights_only=False``, modules.
    """
    _allowed.extend(item for item in safe_globals if item not in _allowed)


def get_safe_globals() -> list[Any]:
    """What :func:`add_safe_globals` was given."""
    return list(_allowed)


def clear_safe_globals() -> None:
    """Forget what :func:`add_safe_globals` was given."""
    _allowed.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """:func:`add_safe_globals` for the length of a block."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _allowed[:] = before


def location_tag(storage: Any) -> str:
    """The device that something is on, as files spell it."""
    return str(storage.device)


def default_restore_location(storage: Any, location: str) -> Any:
    """``storage`` on the device that ``location`` names, inside ``map_location``.

    Raises:
        RuntimeError: lampas knows no such device.
    """
    kind, _, index = location.partition(":")
    if kind == "cuda":
        return storage.cuda(int(index or 0))
    return storage.cpu() if kind == "cpu" else None
