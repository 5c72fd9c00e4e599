"""Tables of what a profiler has noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.errors import ArgumentError

__all__ = ["format_memory", "format_table", "format_time"]

_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}
# Cards are not timed on their own: sorted by their time, everything is equal.
_SORTS = (
    "cpu_memory_usage",
    "cpu_time",
    "cpu_time_total",
    "count",
    "cuda_time",
    "cuda_time_total",
    "device_time",
    "device_time_total",
    "self_cpu_memory_usage",
    "self_cpu_time_total",
    "self_cuda_time_total",
    "self_device_time_total",
)

_COLUMNS = (
    "Name",
    "Self CPU %",
    "Self CPU",
    "CPU total %",
    "CPU total",
    "CPU time avg",
    "CPU Mem",
    "Self CPU Mem",
    "# of Calls",
    "Total FLOPs",
    "Input Shapes",
    "Source Location",
)


def format_time(microseconds: float, unit: str | None = None) -> str:
    """A time with its unit.

    >>> format_time(1500.0), format_time(1500.0, "us")
    ('1.500ms', '1500.000us')
    """
    if unit is None:
        unit = "s" if microseconds >= 1e6 else "ms" if microseconds >= 1e3 else "us"
    return f"{microseconds / _UNITS[unit]:.3f}{unit}"


def format_memory(size: int) -> str:
    """Bytes in a unit that fits.

    >>> format_memory(12), format_memory(3072)
    ('12 B', '3.00 KB')
    """
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if abs(size) >= factor:
            return f"{size / factor:.2f} {unit}"
    return f"{size} B"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "nan"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width or width <= 3 else text[: width - 3] + "..."


def _row(
    event: Any,
    total: float,
    unit: str | None,
    memory: bool,
    flops: bool,
    widths: tuple[int, ...],
) -> dict[str, str]:
    own, whole = event.self_cpu_time_total, event.cpu_time_total
    row = {
        "Name": _cut(event.key, widths[0]),
        "Self CPU %": _percent(own, total),
        "Self CPU": format_time(own, unit),
        "CPU total %": _percent(whole, total),
        "CPU total": format_time(whole, unit),
        "CPU time avg": format_time(event.cpu_time, unit),
    }
    if memory:
        row["CPU Mem"] = format_memory(event.cpu_memory_usage)
        row["Self CPU Mem"] = format_memory(event.self_cpu_memory_usage)
    row["# of Calls"] = str(event.count)
    if flops:
        row["Total FLOPs"] = f"{event.flops:,}" if event.flops else "--"
    if event.input_shapes:
        row["Input Shapes"] = _cut(str(event.input_shapes), widths[1])
    if event.stack:
        row["Source Location"] = _cut(event.stack[0], widths[2])
    return row


def _check(sort_by: str | None, unit: str | None) -> None:
    if sort_by is not None and sort_by not in _SORTS:
        raise ArgumentError(
            f"table: sort_by must be one of {', '.join(_SORTS)}, got {sort_by!r}"
        )
    if unit is not None and unit not in _UNITS:
        raise ArgumentError(f"table: time_unit must be s, ms or us, got {unit!r}")


def format_table(
    events: Sequence[Any],
    sort_by: str | None,
    row_limit: int,
    widths: tuple[int, ...],
    header: str | None,
    top_level_only: bool,
    unit: str | None,
    memory: bool,
) -> str:
    """The table; arguments as of ``EventList.table``."""
    _check(sort_by, unit)
    if not events:
        return ""
    total = sum(event.self_cpu_time_total for event in events)
    shown = list(events)
    if top_level_only:
        shown = [event for event in shown if event.cpu_parent is None]
    if sort_by is not None:
        shown.sort(key=lambda event: getattr(event, sort_by), reverse=True)
    if row_limit >= 0:
        shown = shown[:row_limit]
    flops = any(event.flops for event in events)
    rows = [_row(event, total, unit, memory, flops, widths) for event in shown]
    columns = [name for name in _COLUMNS if any(name in row for row in rows)]
    sizes = [max(len(c), *(len(row.get(c, "")) for row in rows)) for c in columns]
    rule = "  ".join("-" * size for size in sizes)
    lines = [] if header is None else ["=" * len(rule), header]
    lines += [rule, "  ".join(c.rjust(s) for c, s in zip(columns, sizes)), rule]
    for row in rows:
        lines.append("  ".join(row.get(c, "").rjust(s) for c, s in zip(columns, sizes)))
    return "\n".join([*lines, rule, f"Self CPU time total: {format_time(total, unit)}"])
