"""Parts of a program under a name of their own."""

from __future__ import annotations

import contextlib
from threading import get_ident
from time import perf_counter_ns
from typing import Any

from lampas.engine.timing import current_log

__all__ = ["record_function"]


class record_function(contextlib.ContextDecorator):
    """Context manager and decorator: what runs inside appears under a name.

    Without a profiler it does nothing.

    Args:
        name: the name.
        args: kept beside it in PyTorch; not shown.

    >>> from lampas.profiler import profile, record_function
    >>> with profile() as prof:
    ...     with record_function("double"):
    ...         x = lampas.ones(2) * 2
    >>> [event.name for event in prof.events()]
    ['double', 'ones', 'mul']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        # Of each thread: as a decorator, one object serves all of them.
        self._open: dict[int, list[tuple[Any, int]]] = {}

    def __enter__(self) -> record_function:
        entered = self._open.setdefault(get_ident(), [])
        entered.append((current_log(), perf_counter_ns()))
        return self

    def __exit__(self, *exc: object) -> None:
        log, start = self._open[get_ident()].pop()
        if log is not None:
            log.note(self.name, "user_annotation", start)
