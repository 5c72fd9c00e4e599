"""Noting how long calls take: what the profiler knows of ops and of gradients.

While a log is open, the calls of all records go through functions that look at the
clock, and the nodes of a backward pass are given classes that do.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

from lampas.engine.intercept import Interceptor
from lampas.engine.modes import BEFORE_WALK, mode
from lampas.engine.record import Record
from lampas.engine.tape import Leaf, Output, ordered
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Tracer

__all__ = ["Log", "Noted", "close_log", "open_log"]

_PACKAGE = str(Path(__file__).resolve().parent.parent)


class Noted(NamedTuple):
    """One call: times in nanoseconds; bytes are those of new memory."""

    name: str
    kind: str
    start: int
    end: int
    shapes: list[Any] | None
    bytes: int
    stack: list[str] | None


class Log:
    """The calls of one thread, each noted when it ends.

    Args:
        shapes: note the shapes of operands.
        memory: note the bytes of results.
        stack: note the lines of the program that made the call.
    """

    __slots__ = ("calls", "memory", "shapes", "stack", "thread")

    def __init__(
        self, shapes: bool = False, memory: bool = False, stack: bool = False
    ) -> None:
        self.calls: list[Noted] = []
        self.shapes, self.memory, self.stack = shapes, memory, stack
        self.thread = threading.get_ident()

    def note(
        self, name: str, kind: str, start: int, operands: Any = (), results: Any = None
    ) -> None:
        """Note a call that has just ended."""
        end = perf_counter_ns()
        self.calls.append(
            Noted(
                name,
                kind,
                start,
                end,
                [_shape(x) for x in operands] if self.shapes else None,
                _new_bytes(operands, results) if self.memory else 0,
                _lines() if self.stack else None,
            )
        )


def _shape(x: Any) -> list[Any]:
    if type(x) is Tensor:
        return list(x._data.shape)
    if isinstance(x, (tuple, list)):
        return [_shape(v) for v in x]
    return list(getattr(getattr(x, "_data", x), "shape", ()))


def _memory_of(x: Any) -> Any:
    """The array that owns the memory of a tensor or array; None if it has none."""
    if isinstance(x, Tracer):
        return None
    array = getattr(x, "_data", x)
    if not hasattr(array, "nbytes") or not hasattr(array, "base"):
        return None
    while hasattr(array.base, "nbytes"):
        array = array.base
    return array


def _arrays(values: Any) -> list[Any]:
    if not isinstance(values, (tuple, list)):
        values = (values,)
    found = []
    for x in values:
        if isinstance(x, (tuple, list)):
            found += _arrays(x)
        elif (array := _memory_of(x)) is not None:
            found.append(array)
    return found


def _new_bytes(operands: Any, results: Any) -> int:
    """Bytes of results that are not the memory of an operand."""
    if type(results) is Tensor and results._data.base is None:
        # The usual case, and quick: a new array. Some ops give their input back.
        return 0 if any(results is x for x in operands) else results._data.nbytes
    old = {id(x) for x in _arrays(operands)}
    new = {id(x): x for x in _arrays(results)}
    return sum(x.nbytes for key, x in new.items() if key not in old)


def _lines() -> list[str]:
    lines: list[str] = []
    frame: Any = sys._getframe(2)
    while frame is not None and len(lines) < 32:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines


def _around(record: Record, call: Callable[..., Any]) -> Callable[..., Any]:
    name = record.name

    def timed_call(*args: Any, **params: Any) -> Any:
        log = mode.timing
        if log is None:
            return call(*args, **params)
        start = perf_counter_ns()
        out = call(*args, **params)
        if out is not NotImplemented:
            log.note(name, "op", start, args, out)
        return out

    return timed_call


def _around_assign(assign: Callable[..., Any]) -> Callable[..., Any]:
    """Changes in place are noted too; the op that computes them is inside."""

    def timed_assign(target: Any, function: Any, args: Any, kwargs: Any) -> Any:
        log = mode.timing
        if log is None:
            return assign(target, function, args, kwargs)
        start = perf_counter_ns()
        out = assign(target, function, args, kwargs)
        log.note(function.__name__ + "_", "op", start, (target, *args), None)
        return out

    return timed_assign


_TIMES = Interceptor(_around, operators=True, assign=_around_assign)


class _Timed:
    """What the classes of timed nodes add to a node."""

    __slots__ = ()

    name: Callable[[], str]
    saved: Any

    def run(self, F: Any, g: Any) -> tuple[Any, ...]:
        return self._timed(super().run, g, F, g)  # type: ignore[misc]

    def run_taped(self, g: Any) -> tuple[Any, ...]:
        return self._timed(super().run_taped, g, g)  # type: ignore[misc]

    def _timed(self, run: Callable[..., Any], g: Any, *args: Any) -> tuple[Any, ...]:
        log = mode.timing
        if log is None:
            return run(*args)
        kept = self.saved or ()
        start = perf_counter_ns()
        results = run(*args)
        given = tuple(g) if isinstance(g, (tuple, list)) else (g,)
        # Only the cotangents are told as operands, but none of the memory is new.
        log.note(self.name(), "gradient", start, given, None)
        if log.memory:
            fresh = _new_bytes((*given, *kept), results)
            log.calls[-1] = log.calls[-1]._replace(bytes=fresh)
        return results


_classes: dict[type[Any], type[Any]] = {}


def _timed_class(kind: type[Any]) -> type[Any]:
    made = _classes.get(kind)
    if made is None:
        made = _classes[kind] = type(kind.__name__, (_Timed, kind), {"__slots__": ()})
    return made


def _prepare(roots: list[tuple[Any, Any]]) -> None:
    """Give the nodes of a backward pass of this thread classes that are timed."""
    if mode.timing is None:
        return
    for node in ordered([node for node, _ in roots], None):
        kind = type(node)
        if kind is not Leaf and kind is not Output and not issubclass(kind, _Timed):
            node.__class__ = _timed_class(kind)


_lock = threading.Lock()
_open = 0


def _count(change: int) -> None:
    global _open
    with _lock:
        before, _open = _open, _open + change
        if not before:
            BEFORE_WALK.append(_prepare)
        elif not _open:
            BEFORE_WALK.remove(_prepare)


def open_log(log: Log) -> None:
    """Note the calls of this thread from here on."""
    _TIMES.start()
    _count(1)
    mode.timing = log


def close_log() -> None:
    """Note no more."""
    mode.timing = None
    _count(-1)
    _TIMES.stop()
