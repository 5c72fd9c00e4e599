"""Standing between a program and its ops: how autocast and the profiler see calls.

Functions call ``record.call``, an attribute that is looked up at each call. While
somebody wants to see the calls of a record, that attribute is a function around the
call path; when nobody does, it is the call path itself. So those who use neither
autocast nor the profiler pay nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from lampas.engine.inplace import assign
from lampas.engine.record import PUBLISHED, RECORDS, Record
from lampas.engine.tensor import ASSIGN, Tensor

__all__ = ["OPERATORS", "Interceptor"]

Around = Callable[[Record, Callable[..., Any]], Callable[..., Any]]

OPERATORS: dict[str, Record] = {}
"""Tensor's methods that are call paths themselves, such as ``__mul__``."""

_lock = threading.RLock()
_active: list[Interceptor] = []
# The call paths that something else stands in for just now.
_records: dict[Record, tuple[Callable[..., Any], Callable[..., Any]]] = {}
_operators: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}


class Interceptor:
    """One reason to stand around calls, with the number of those who have it.

    Args:
        around: makes the function around the call path of a record, or returns None
            for a record that it does not want to see.
        operators: whether it wants to see operators such as ``__mul__`` too.
        assign: makes the function around the one behind ``Tensor.add_`` and the like.
        innermost: whether its functions stand inside of others'.
    """

    def __init__(
        self,
        around: Callable[[Record, Callable[..., Any]], Callable[..., Any] | None],
        operators: bool = False,
        assign: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None,
        innermost: bool = False,
    ) -> None:
        self._around = around
        self._assign = assign
        self._operators = operators
        self._innermost = innermost
        self._users = 0
        self._made: dict[Any, tuple[Callable[..., Any], Any]] = {}

    def start(self) -> None:
        """Somebody more wants to see calls."""
        with _lock:
            self._users += 1
            if self._users == 1:
                _active.insert(0 if self._innermost else len(_active), self)
                _arrange()

    def stop(self) -> None:
        """One of them does so no more."""
        with _lock:
            self._users -= 1
            if self._users == 0:
                _active.remove(self)
                _arrange()

    def stand_around(self, record: Record, call: Callable[..., Any], key: Any) -> Any:
        """The function around a call path; made once for each."""
        made = self._made.get(key)
        if made is None or made[0] is not call:
            made = self._made[key] = call, self._around(record, call)
        return made[1] or call


def _arrange() -> None:
    """Bring all call paths into the form that the active interceptors want."""
    for record, (before, ours) in _records.items():
        if record.call is ours:
            record.call = before
    _records.clear()
    for name, (before, ours) in _operators.items():
        if getattr(Tensor, name) is ours:
            setattr(Tensor, name, before)
    _operators.clear()
    ASSIGN[0] = assign
    if not _active:
        return
    for record in RECORDS.values():
        _cover(record)
    for one in _active:
        if one._assign is not None:
            ASSIGN[0] = one._assign(ASSIGN[0])
    seeing = [one for one in _active if one._operators]
    for name, record in OPERATORS.items() if seeing else ():
        before = call = getattr(Tensor, name)
        for one in seeing:
            call = one.stand_around(record, call, name)
        _operators[name] = before, call
        setattr(Tensor, name, call)


def _cover(record: Record) -> None:
    before = call = record.call
    for one in _active:
        call = one.stand_around(record, call, record)
    if call is not before:
        _records[record] = before, call
        record.call = call


def _published(record: Record) -> None:
    """A record has a new call path: it belongs to a family that is being loaded."""
    if _active:
        with _lock:
            _records.pop(record, None)
            _cover(record)


PUBLISHED.append(_published)
