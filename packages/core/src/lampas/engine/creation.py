"""Functions that make tensors from nothing: what all of them have in common.

They are no records, so no call path sees them. Want of memory is told here, and the
profiler notes them here: it puts a function around each while it is on, so that those
who do not use it pay nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from lampas.engine.exhausted import out_of_memory

__all__ = ["creates", "watch_creation"]

F = TypeVar("F", bound=Callable[..., Any])
Around = Callable[[Callable[..., Any]], Callable[..., Any]]

_around: list[Around] = []
_creators: list[Callable[[], None]] = []


def creates(function: F) -> F:
    """Tell want of memory in a function that makes a tensor, and let it be watched."""
    run: Callable[..., Any] = function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except MemoryError as error:
            raise out_of_memory(function.__name__, error) from None

    def arrange() -> None:
        nonlocal run
        run = _around[0](function) if _around else function

    arrange()
    _creators.append(arrange)
    return cast("F", call)


def watch_creation(around: Around | None) -> None:
    """Put a function around each that makes tensors; None takes it away again."""
    _around[:] = [] if around is None else [around]
    for arrange in _creators:
        arrange()
