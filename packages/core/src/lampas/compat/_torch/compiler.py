"""``torch.compiler``: marks for a compiler that lampas does not have."""

from __future__ import annotations

from typing import Any

from lampas.compat._torch import compile

__all__ = [
    "allow_in_graph",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "reset",
    "set_stance",
]


def disable(fn: Any = None, recursive: bool = True, **kwargs: Any) -> Any:
    """``fn`` as it is, or a decorator that changes nothing."""
    return (lambda function: function) if fn is None else fn


def allow_in_graph(fn: Any) -> Any:
    """``fn`` as it is."""
    return fn


def is_compiling() -> bool:
    """Whether a program is being compiled: never."""
    return False


def is_dynamo_compiling() -> bool:
    """Whether a program is being compiled: never."""
    return False


def reset() -> None:
    """Accepted: there is nothing to forget."""


def cudagraph_mark_step_begin() -> None:
    """Accepted: nothing is recorded."""


def set_stance(*args: Any, **kwargs: Any) -> None:
    """Accepted: nothing is compiled."""
