"""Calls that a profiler has noted, with what is inside of what, and their averages."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from lampas.engine.timing import Noted
from lampas.profiler._flops import flops_of
from lampas.profiler._table import format_memory, format_table, format_time
from lampas.profiler._trace import write_stacks, write_trace

__all__ = [
    "Averages",
    "DeviceType",
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "Interval",
    "events_of",
]


class DeviceType(enum.Enum):
    """Where a call was made: always on the CPU, which also drives cards."""

    CPU = 0
    CUDA = 1


class Interval(NamedTuple):
    """Start and end in microseconds."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """How long it is."""
        return self.end - self.start


class _Measured:
    """What one call and the average of many have: their times as text and by call."""

    key: str
    count: int
    cpu_time_total: float
    self_cpu_time_total: float
    device_type = DeviceType.CPU
    # Cards are not timed on their own.
    device_time = device_time_total = self_device_time_total = 0.0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    device_memory_usage = self_device_memory_usage = 0
    is_async = is_remote = is_legacy = False
    node_id = -1
    flops = 0

    @property
    def cpu_time(self) -> float:
        """Microseconds of one call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        """:attr:`cpu_time` with its unit."""
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        """:attr:`cpu_time_total` with its unit."""
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        """:attr:`self_cpu_time_total` with its unit."""
        return format_time(self.self_cpu_time_total)


class FunctionEvent(_Measured):
    """One call.

    Attributes:
        name, key: the op, the gradient (``MulBackward0``) or the annotation.
        time_range: start and end in microseconds since the profiler was started.
        cpu_time_total: microseconds; ``self_cpu_time_total`` without the calls inside.
        cpu_memory_usage: bytes of new results; ``self_cpu_memory_usage`` likewise.
        input_shapes: of the operands, if asked for.
        stack: lines of the program, the innermost first, if asked for.
        cpu_parent, cpu_children: the call around it and the calls inside.
        thread: the number of the thread.
        flops: floating-point operations, if asked for and known.
    """

    count = 1

    def __init__(self, noted: Noted, number: int, origin: int, flops: bool) -> None:
        self.id = number
        self.name = self.key = self.trace_name = noted.name
        self.kind = noted.kind
        self.time_range = Interval(
            (noted.start - origin) / 1000, (noted.end - origin) / 1000
        )
        self.thread = noted.thread
        self.cpu_time_total = (noted.end - noted.start) / 1000
        self.self_cpu_time_total = self.cpu_time_total
        self.cpu_memory_usage = self.self_cpu_memory_usage = noted.bytes
        self.input_shapes = noted.shapes or []
        self.stack = noted.stack or []
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.is_user_annotation = noted.kind == "user_annotation"
        self.flops = flops_of(noted) if flops else 0

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} "
            f"cpu_time={self.cpu_time_str} input_shapes={self.input_shapes}>"
        )


class FunctionEventAvg(_Measured):
    """What calls of one name (and shape) took together.

    Attributes:
        key: the name.
        count: how many calls.
        cpu_time_total, self_cpu_time_total, cpu_memory_usage, self_cpu_memory_usage,
            input_shapes, stack: as of one call; sums.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.input_shapes: Any = ""
        self.stack: list[str] = []
        self.cpu_parent: FunctionEvent | None = None
        self.is_user_annotation = False

    def add(self, other: Any) -> FunctionEventAvg:
        """Add a call or an average."""
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.flops += other.flops
        return self

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} "
            f"self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count} "
            f"cpu_memory_usage={format_memory(self.cpu_memory_usage)}>"
        )


class Averages(list[Any]):
    """Calls or averages of calls, and the table of them."""

    def __init__(self, items: Iterable[Any], memory: bool = False) -> None:
        super().__init__(items)
        self._memory = memory

    def __str__(self) -> str:
        return self.table()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all of them."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEventAvg:
        """All of them as one."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as a table, one in a row.

        Args:
            sort_by: the largest first: ``"cpu_time"``, ``"cpu_time_total"``,
                ``"self_cpu_time_total"``, ``"cpu_memory_usage"``,
                ``"self_cpu_memory_usage"`` or ``"count"``.
            row_limit: how many rows; -1 for all.
            max_src_column_width, max_name_column_width, max_shapes_column_width: where
                texts are cut.
            header: a line above the table.
            top_level_events_only: leave out what is inside of another.
            time_unit: ``"s"``, ``"ms"`` or ``"us"`` in all rows; by default what fits.

        Raises:
            ValueError: an unknown ``sort_by`` or ``time_unit``.
        """
        return format_table(
            self,
            sort_by,
            row_limit,
            (max_name_column_width, max_shapes_column_width, max_src_column_width),
            header,
            top_level_events_only,
            time_unit,
            self._memory,
        )


class EventList(Averages):
    """All calls in the order in which they began."""

    def key_averages(
        self,
        group_by_input_shapes: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> Averages:
        """Calls of one name together.

        Args:
            group_by_input_shapes: calls of different shapes in rows of their own.
            group_by_stack_n: calls from different lines in rows of their own: how many
                lines are compared.
            group_by_overload_name: accepted; ops have one form each.
        """
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            lines = event.stack[:group_by_stack_n]
            key = event.key, shapes, tuple(lines)
            if key not in found:
                found[key] = average = FunctionEventAvg(event.key)
                average.input_shapes = event.input_shapes if shapes else ""
                average.stack = lines
                average.cpu_parent = event.cpu_parent
                average.is_user_annotation = event.is_user_annotation
            found[key].add(event)
        return Averages(found.values(), self._memory)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a file that Perfetto and ``chrome://tracing`` show."""
        write_trace(path, self, {})

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write lines of the program with their times, for flame graphs.

        Args:
            path: the file.
            metric: ``"self_cpu_time_total"``.
        """
        write_stacks(path, self, metric)


def events_of(
    calls: list[Noted], origin: int, memory: bool, flops: bool = False
) -> EventList:
    """The calls as events, each with what is inside of it in its thread."""
    # A call is noted when it ends: of two that begin together the last is outside.
    ordered = sorted(range(len(calls)), key=lambda i: (calls[i].start, -i))
    events = []
    threads: dict[int, list[tuple[int, FunctionEvent]]] = {}
    for number, i in enumerate(ordered):
        event = FunctionEvent(calls[i], number, origin, flops)
        around = threads.setdefault(event.thread, [])
        while around and around[-1][0] < calls[i].end:
            around.pop()
        if around:
            event.cpu_parent = parent = around[-1][1]
            parent.cpu_children.append(event)
            parent.self_cpu_time_total -= event.cpu_time_total
        around.append((calls[i].end, event))
        events.append(event)
    for event in reversed(events):
        if event.cpu_parent is not None:
            event.cpu_parent.cpu_memory_usage += event.cpu_memory_usage
    return EventList(events, memory)
