"""``torch._dynamo``: settings of a compiler that lampas does not have."""

from __future__ import annotations

from typing import Any

from lampas.compat._torch._dynamo import config
from lampas.compat._torch.compiler import allow_in_graph, disable, is_compiling, reset

__all__ = [
    "allow_in_graph",
    "config",
    "disable",
    "is_compiling",
    "mark_dynamic",
    "mark_static",
    "optimize",
    "reset",
]


def mark_dynamic(*args: Any, **kwargs: Any) -> None:
    """Accepted: nothing is compiled."""


def mark_static(*args: Any, **kwargs: Any) -> None:
    """Accepted: nothing is compiled."""


def optimize(*args: Any, **kwargs: Any) -> Any:
    """A decorator that changes nothing."""
    return lambda function: function
