"""Which weights the installed packages register.

A package joins with an entry point of the group ``lampas.weights`` whose value is
``package:folder``; every ``*.toml`` in that folder is one entry. Nothing is imported.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from lampas_hub._entry import Entry, read_entry
from lampas_hub.errors import EntryError, UnknownModelError

__all__ = ["info", "list_models", "register"]

_GROUP = "lampas.weights"

_added: list[str] = []


def register(value: str) -> None:
    """Add a package that is not installed as a distribution, for this process.

    Args:
        value: ``package:folder``, as in an entry point.

    Raises:
        EntryError: there is no such package or folder, or an entry in it is wrong.
    """
    list(_read(value))
    if value not in _added:
        _added.append(value)


def _folder_of(package: str) -> Path:
    """Where a package stands, found without importing it."""
    spec = None if "." in package else importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EntryError(f"{package!r} is not a top-level package that can be found")
    return Path(next(iter(spec.submodule_search_locations)))


def _read(value: str) -> Iterator[Entry]:
    package, _, name = value.partition(":")
    folder = _folder_of(package)
    weights = folder / (name or "weights")
    if not weights.is_dir():
        raise EntryError(f"{value}: the package has no folder {name or 'weights'!r}")
    for path in sorted(weights.glob("*.toml")):
        yield read_entry(path, package, folder)


def _all() -> dict[str, Entry]:
    values = {point.value: None for point in entry_points(group=_GROUP)}
    entries: dict[str, Entry] = {}
    for value in (*values, *(v for v in _added if v not in values)):
        for entry in _read(value):
            other = entries.setdefault(entry.name, entry)
            if other is not entry:
                raise EntryError(
                    f"{entry.name!r} is registered by {other.package} and by "
                    f"{entry.package}"
                )
    return entries


def list_models(package: str | None = None) -> list[str]:
    """Names of all registered weights, in alphabetical order.

    Args:
        package: only those of this import package.

    Raises:
        EntryError: an installed package has a wrong entry.

    >>> list_models("no_such_package")
    []
    """
    entries = _all().values()
    return sorted(e.name for e in entries if package in (None, e.package))


def info(name: str) -> Entry:
    """Everything that is known about one set of weights.

    Args:
        name: one of :func:`list_models`.

    Raises:
        UnknownModelError: no installed package registers it.
        EntryError: an installed package has a wrong entry.
    """
    entries = _all()
    if name not in entries:
        near = difflib.get_close_matches(name, entries, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else _known(entries)
        raise UnknownModelError(f"no weights are called {name!r}; {hint}")
    return entries[name]


def _known(entries: dict[str, Entry]) -> str:
    if not entries:
        return "none are registered: install lampas-vision, lampas-text or lampas-audio"
    return f"there are {', '.join(sorted(entries))}"
