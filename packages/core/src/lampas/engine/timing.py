"""Noting how long calls take: what the profiler knows of ops and of gradients.

While a log is open, the calls of all records, and of the functions that make tensors,
go through functions that look at the clock, and the nodes of a backward pass are given
classes that do. It is one log for all threads: a call says which one made it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from time import perf_counter_ns
from typing import Any, NamedTuple

from lampas.engine.creation import watch_creation
from lampas.engine.intercept import Interceptor
from lampas.engine.modes import BEFORE_WALK
from lampas.engine.record import Record
from lampas.engine.tape import Leaf, Output, ordered
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Tracer
from lampas.errors import GradientError

__all__ = ["Log", "Noted", "close_log", "current_log", "open_log"]

_PACKAGE = str(Path(__file__).resolve().parent.parent)


class Noted(NamedTuple):
    """One call: times in nanoseconds; bytes are those of new memory.

    ``result`` is the shape of the result, if the log keeps shapes.
    """

    name: str
    kind: str
    start: int
    end: int
    thread: int
    shapes: list[Any] | None = None
    bytes: int = 0
    stack: list[str] | None = None
    result: list[Any] | None = None


class Log:
    """The calls of all threads, each noted when it ends.

    Args:
        shapes: note the shapes of operands and results.
        memory: note the bytes of results.
        stack: note the lines of the program that made the call.
    """

    __slots__ = ("_calls", "_plain", "memory", "shapes", "stack")

    def __init__(
        self, shapes: bool = False, memory: bool = False, stack: bool = False
    ) -> None:
        # Plain tuples, which cost a fifth of named ones; appending is atomic.
        self._calls: list[tuple[Any, ...]] = []
        self.shapes, self.memory, self.stack = shapes, memory, stack
        self._plain = not (shapes or memory or stack)

    def calls(self) -> list[Noted]:
        """What was noted so far."""
        return [Noted(*call) for call in self._calls]

    def note(
        self,
        name: str,
        kind: str,
        start: int,
        operands: Any = (),
        results: Any = None,
        kept: Any = (),
    ) -> None:
        """Note a call that has just ended; what it ``kept`` was there before too."""
        end = perf_counter_ns()
        if self._plain:
            self._calls.append((name, kind, start, end, get_ident()))
            return
        self._calls.append(
            (
                name,
                kind,
                start,
                end,
                get_ident(),
                [_shape(x) for x in operands] if self.shapes else None,
                _new_bytes((*operands, *kept), results) if self.memory else 0,
                _lines() if self.stack else None,
                _shape(results) if self.shapes else None,
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
        log = _log
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
        log = _log
        if log is None:
            return assign(target, function, args, kwargs)
        start = perf_counter_ns()
        out = assign(target, function, args, kwargs)
        log.note(function.__name__ + "_", "op", start, (target, *args), None)
        return out

    return timed_assign


def _around_creation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Functions that make tensors: only ``zeros_like`` and the like have operands."""
    name = function.__name__

    def timed_creation(*args: Any, **kwargs: Any) -> Any:
        log = _log
        if log is None:
            return function(*args, **kwargs)
        start = perf_counter_ns()
        out = function(*args, **kwargs)
        log.note(name, "op", start, [x for x in args if isinstance(x, Tensor)], out)
        return out

    return timed_creation


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
        log = _log
        if log is None:
            return run(*args)
        kept = self.saved or ()
        start = perf_counter_ns()
        results = run(*args)
        given = tuple(g) if isinstance(g, (tuple, list)) else (g,)
        # Only the cotangents are told as operands; the saved values are not new either.
        log.note(self.name(), "gradient", start, given, results, kept)
        return results


_classes: dict[type[Any], type[Any]] = {}


def _timed_class(kind: type[Any]) -> type[Any]:
    made = _classes.get(kind)
    if made is None:
        made = _classes[kind] = type(kind.__name__, (_Timed, kind), {"__slots__": ()})
    return made


def _prepare(roots: list[tuple[Any, Any]]) -> None:
    """Give the nodes of a backward pass classes that are timed."""
    for node in ordered([node for node, _ in roots], None):
        kind = type(node)
        if kind is not Leaf and kind is not Output and not issubclass(kind, _Timed):
            node.__class__ = _timed_class(kind)


_lock = threading.Lock()
_log: Log | None = None


def current_log() -> Log | None:
    """The log that is open."""
    return _log


def open_log(log: Log) -> None:
    """Note the calls of all threads from here on.

    Raises:
        RuntimeError: another log is open.
    """
    global _log
    with _lock:
        if _log is not None:
            raise GradientError(
                "profile: a profiler is already open, and it sees all threads; stop() "
                "it first"
            )
        _log = log
    _TIMES.start()
    watch_creation(_around_creation)
    BEFORE_WALK.append(_prepare)


def close_log() -> None:
    """Note no more."""
    global _log
    BEFORE_WALK.remove(_prepare)
    watch_creation(None)
    _TIMES.stop()
    _log = None
