"""What a pickle may mention, and how an error shows what a file chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lampas.errors import FileFormatError

__all__ = ["Name", "damaged", "shown"]


@dataclass(frozen=True, slots=True)
class Name:
    """A global that a file may mention: inert, and callable by our own rule only.

    Attributes:
        text: module and name, as in the file.
        build: checks the arguments and returns plain data; None if the file may
            only mention it.
        value: what it stands for, for ``build`` of another name to read.
    """

    text: str
    build: Callable[[tuple], object] | None = None
    value: object = None

    def __repr__(self) -> str:
        return f"<{self.text.replace(' ', '.')}, not loaded>"


class damaged(FileFormatError):
    """A pickle that does not make sense; ``unpickle`` adds file and position."""


def shown(value: Any) -> str:
    """A short text for any value that a file chose, in bounded time and space.

    ``repr`` will not do: of nested data it may be endless, of data that refers to one
    part many times it grows exponentially, of a large integer it is an error.

    >>> shown((1, "a", [2]))
    "(1, 'a', a list)"
    """
    if type(value) in (tuple, list):
        parts = [_flat(part) for part in value[:6]]
        rest = ["..."] if len(value) > 6 else []
        return f"({', '.join(parts + rest)})"
    return _flat(value)


def _flat(value: Any) -> str:
    kind = type(value)
    if kind is int and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    if kind in (str, bytes):
        return repr(value) if len(value) <= 80 else f"{value[:80]!r}..."
    if kind in (bool, int, float, complex, Name, type(None)):
        return repr(value)
    return f"a {kind.__name__}"
