"""The profiler's older form: everything between entry and exit."""

from __future__ import annotations

import os
from typing import Any

from lampas.errors import GradientError
from lampas.profiler._annotation import record_function
from lampas.profiler._events import (
    Averages,
    EventList,
    FunctionEvent,
    FunctionEventAvg,
)
from lampas.profiler._profile import profile as _profile

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "profile",
    "record_function",
]


class profile:
    """Context manager: note how long each operation takes.

    :class:`lampas.profiler.profile` says more.

    Args:
        enabled: False does nothing.
        record_shapes, profile_memory, with_stack, with_flops: as there.
        use_cuda, use_device, with_modules, use_kineto, use_cpu, experimental_config,
            acc_events: accepted, without effect.

    >>> with profile() as prof:
    ...     x = lampas.ones(2) * 2
    >>> [event.name for event in prof.function_events]
    ['ones', 'mul']
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        use_cuda: bool = False,
        use_device: str | None = None,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_kineto: bool = False,
        use_cpu: bool = True,
        experimental_config: Any = None,
        acc_events: bool = False,
    ) -> None:
        self.enabled = enabled
        self._profile = _profile(
            record_shapes=record_shapes,
            profile_memory=profile_memory,
            with_stack=with_stack,
            with_flops=with_flops,
        )

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        self._profile.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            self._profile.stop()

    def __str__(self) -> str:
        return self.table()

    @property
    def function_events(self) -> EventList:
        """All calls.

        Raises:
            RuntimeError: the profiler has not run.
        """
        if not self.enabled:
            raise GradientError("profile: it is not enabled, so nothing was recorded")
        return self._profile.events()

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds of all calls."""
        return self.function_events.self_cpu_time_total

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> Averages:
        """Calls of one name together; see :class:`lampas.profiler.profile`."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """All calls as one."""
        return self.function_events.total_average()

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, **form: Any
    ) -> str:
        """All calls, one in a row; see ``events().table``."""
        return self.function_events.table(sort_by, row_limit, **form)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a file that Perfetto and ``chrome://tracing`` show."""
        self._profile.export_chrome_trace(path)

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write lines of the program with their times, for flame graphs."""
        self._profile.export_stacks(path, metric)
