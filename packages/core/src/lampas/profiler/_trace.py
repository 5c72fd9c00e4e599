"""Files of what a profiler has noted: Trace Event JSON, and stacks for flame graphs."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from typing import Any

from lampas.errors import ArgumentError
from lampas.serialization.atomic import atomic_write

__all__ = ["write_stacks", "write_trace"]

_CATEGORIES = {"op": "cpu_op", "gradient": "cpu_op"}


def _event(event: Any, pid: int) -> dict[str, Any]:
    args: dict[str, Any] = {"External id": event.id}
    if event.input_shapes:
        args["Input Dims"] = event.input_shapes
    if event.self_cpu_memory_usage:
        args["Bytes"] = event.self_cpu_memory_usage
    if event.stack:
        args["Call stack"] = ";".join(reversed(event.stack))
    return {
        "ph": "X",
        "cat": _CATEGORIES.get(event.kind, event.kind),
        "name": event.name,
        "pid": pid,
        "tid": event.thread,
        "ts": event.time_range.start,
        "dur": event.cpu_time_total,
        "args": args,
    }


def _named(kind: str, name: str, pid: int, tid: int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def write_trace(
    path: str | os.PathLike[str], events: Iterable[Any], metadata: dict[str, Any]
) -> None:
    """Write the events; gzipped if the name ends in ``.gz``."""
    pid, shown = os.getpid(), list(events)
    entries = [_named("process_name", "lampas", pid, 0)]
    for thread in sorted({event.thread for event in shown}):
        entries.append(_named("thread_name", f"thread {thread}", pid, thread))
    entries += [_event(event, pid) for event in shown]
    document = {
        **metadata,
        "schemaVersion": 1,
        "displayTimeUnit": "ms",
        "traceEvents": entries,
    }
    text = json.dumps(document).encode()
    if os.fspath(path).endswith(".gz"):
        text = gzip.compress(text)
    with atomic_write(path) as file:
        file.write(text)


def write_stacks(
    path: str | os.PathLike[str], events: Iterable[Any], metric: str
) -> None:
    """Write each stack, outermost line first, with its whole microseconds."""
    if metric not in ("self_cpu_time_total", "self_cuda_time_total"):
        raise ArgumentError(
            f"export_stacks: metric must be 'self_cpu_time_total', got {metric!r}"
        )
    lines: dict[str, int] = {}
    for event in events:
        if event.stack:
            names = [line.replace(" ", "_") for line in reversed(event.stack)]
            stack = ";".join([*names, event.name])
            lines[stack] = lines.get(stack, 0) + int(getattr(event, metric))
    with atomic_write(path) as file:
        for stack, value in lines.items():
            if value > 0:
                file.write(f"{stack} {value}\n".encode())
