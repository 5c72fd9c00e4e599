"""How functions that return several tensors print what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lampas.dtypes import NAMESPACE

__all__ = ["printed_as"]

T = TypeVar("T")


def printed_as(name: str) -> Callable[[type[T]], type[T]]:
    """Let a named tuple print as PyTorch's ``return_types.name``, field by field."""

    def text(self: Any) -> str:
        fields = ",\n".join(
            f"{field}={value!r}"
            for field, value in zip(self._fields, self, strict=True)
        )
        return f"{NAMESPACE[0]}.return_types.{name}(\n{fields})"

    def decorate(kind: type[T]) -> type[T]:
        kind.__repr__ = text  # type: ignore[method-assign, assignment]
        return kind

    return decorate
