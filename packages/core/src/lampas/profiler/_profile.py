"""The profiler: when it notes calls, and what becomes of them."""

from __future__ import annotations

import enum
import json
import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from lampas.backend.cupy import is_available
from lampas.engine.timing import Log, Noted, close_log, open_log
from lampas.errors import ArgumentError, GradientError
from lampas.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from lampas.profiler._annotation import record_function
from lampas.profiler._events import Averages, EventList, events_of
from lampas.profiler._trace import write_trace

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What is noted; of a card, the time of the calls that ask it for work."""

    CPU = 0
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a profiler does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def kineto_available() -> bool:
    """Whether PyTorch's tracing library is used: never, nothing of it is needed.

    >>> kineto_available()
    False
    """
    return False


def supported_activities() -> set[ProfilerActivity]:
    """What can be noted here.

    >>> ProfilerActivity.CPU in supported_activities()
    True
    """
    return set(ProfilerActivity) if is_available() else {ProfilerActivity.CPU}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:
    """What to do in each step: wait, warm up, record, and again.

    Args:
        wait: steps without profiling.
        warmup: steps that are profiled in PyTorch and thrown away; here as ``wait``.
        active: steps that are recorded.
        repeat: how many times; 0 for no end.
        skip_first: steps before the first time.
        skip_first_wait: 1 to leave out the first ``wait``.

    Returns:
        A function of the number of the step.

    Raises:
        ValueError: a number is negative, or ``active`` is 0.

    >>> plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [plan(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise ArgumentError(
            "schedule: wait, warmup, repeat and skip_first must not be negative and "
            f"active must be positive, got {wait}, {warmup}, {repeat}, {skip_first} "
            f"and {active}"
        )
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        step += wait if skip_first_wait else 0
        if repeat and step >= repeat * length:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == length - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action


def _always(step: int) -> ProfilerAction:
    return ProfilerAction.RECORD


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """A function for ``on_trace_ready`` that writes a file for each trace.

    Args:
        dir_name: the folder, which is made.
        worker_name: begins the file's name; by default host and process.
        use_gzip: compress it.

    >>> import os, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with profile(on_trace_ready=tensorboard_trace_handler(folder, "me")):
    ...     x = lampas.ones(2) * 2
    >>> os.listdir(folder)
    ['me....pt.trace.json']
    """

    def write(prof: profile) -> None:
        Path(dir_name).mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        ending = "pt.trace.json.gz" if use_gzip else "pt.trace.json"
        name = f"{worker}.{time.time_ns()}.{ending}"
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return write


def _checked(activities: Iterable[ProfilerActivity] | None) -> set[ProfilerActivity]:
    if activities is None:
        return supported_activities()
    chosen = set(activities)
    if not chosen or not all(isinstance(a, ProfilerActivity) for a in chosen):
        raise ArgumentError(
            "profile: activities must be a non-empty list of ProfilerActivity, got "
            f"{activities!r}"
        )
    if ProfilerActivity.CUDA in chosen and not is_available():
        warnings.warn(
            "profile: no card is available, so ProfilerActivity.CUDA is left out",
            stacklevel=3,
        )
    return chosen & supported_activities()


class profile:
    """Context manager: note how long each operation takes.

    Operations of all threads are noted under the names of their records or of the
    functions that make tensors, gradients under those of ``grad_fn``, steps of
    optimizers, and what runs inside of :class:`record_function`. A call costs a
    microsecond or two more while it is noted.

    Args:
        activities: accepted as in PyTorch; everything is seen from the CPU.
        schedule: gives the action for the number of each :meth:`step`; by default all
            is recorded.
        on_trace_ready: called with the profiler whenever a recording has ended.
        record_shapes: note the shapes of operands.
        profile_memory: note the bytes of new results.
        with_stack: note the lines of the program, which costs much.
        with_flops: count floating-point operations: of ``matmul``, ``linear``,
            convolutions, ``add`` and ``mul``, as PyTorch does.
        with_modules: accepted, without effect.
        experimental_config, execution_trace_observer, use_cuda: PyTorch's, ignored.
        acc_events: keep the events of earlier recordings.

    Raises:
        RuntimeError: another profiler is open, in any thread.

    >>> with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof:
    ...     x = lampas.ones(2, 3, requires_grad=True)
    ...     (x * 2).sum().backward()
    >>> for event in prof.events():
    ...     print(event.name, event.input_shapes)
    ones []
    mul [[2, 3], []]
    sum [[2, 3]]
    SumBackward0 [[]]
    MulBackward0 [[2, 3]]
    >>> prof.key_averages()[0].count
    1
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
    ) -> None:
        self.activities = _checked(activities)
        self.schedule = schedule or _always
        self.on_trace_ready = on_trace_ready
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_stack = with_stack
        self.with_flops = with_flops
        self.acc_events = acc_events
        self._steps_named = schedule is not None
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._log: Log | None = None
        self._events: EventList | None = None
        self._origin = 0
        self._metadata: dict[str, Any] = {}
        self._step: record_function | None = None
        self._hooks: list[Any] = []
        self._steps = threading.local()
        self._last: Log | None = None
        self._earlier: list[Noted] = []

    # ---- when

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin; what happens follows from the schedule."""
        self._origin = perf_counter_ns()
        if self.current_action in _RECORDING:
            self._open()
        self._begin_step()

    def stop(self) -> None:
        """End; a recording that is open is ready."""
        self._end_step()
        if self._log is not None:
            self._close()
            self._ready()

    def step(self) -> None:
        """Say that a step of the program has ended."""
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        recording = self.current_action in _RECORDING
        ended = before is ProfilerAction.RECORD_AND_SAVE or not recording
        if self._log is not None and ended:
            self._close()
            self._ready()
        if recording and self._log is None:
            self._open()
        self._begin_step()

    def _ready(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _begin_step(self) -> None:
        if self._log is not None and self._steps_named:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def _open(self) -> None:
        shapes = self.record_shapes or self.with_flops
        log = Log(shapes, self.profile_memory, self.with_stack)
        open_log(log)
        if not self.acc_events:
            self._earlier = []
        elif self._last is not None:
            self._earlier += self._last.calls()
        self._log, self._events = log, None
        self._hooks = [
            register_optimizer_step_pre_hook(self._before_step),
            register_optimizer_step_post_hook(self._after_step),
        ]

    def _close(self) -> None:
        assert self._log is not None
        close_log()
        for hook in self._hooks:
            hook.remove()
        self._last, self._log = self._log, None

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        name = type(optimizer).__name__
        part = record_function(f"Optimizer.step#{name}.step")
        self._steps.open = [*getattr(self._steps, "open", ()), part]
        part.__enter__()

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if getattr(self._steps, "open", None):
            self._steps.open.pop().__exit__()

    # ---- what

    def events(self) -> EventList:
        """All calls that were noted in the last recording.

        Raises:
            RuntimeError: nothing was recorded yet.
        """
        log = self._log or self._last
        if log is None:
            raise GradientError("profile: nothing was recorded yet; start() it first")
        if self._events is None or log is self._log:
            self._events = events_of(
                self._earlier + log.calls(),
                self._origin,
                self.profile_memory,
                self.with_flops,
            )
        return self._events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> Averages:
        """Calls of one name together.

        Args:
            group_by_input_shape: calls of different shapes in rows of their own.
            group_by_stack_n: how many lines of the program are compared too.

        Returns:
            A list of averages with a method ``table()``.
        """
        return self.events().key_averages(group_by_input_shape, group_by_stack_n)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a file that Perfetto and ``chrome://tracing`` show.

        Args:
            path: the file; compressed if it ends in ``.gz``.
        """
        write_trace(path, self.events(), self._metadata)

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write lines of the program with their times, for flame graphs."""
        self.events().export_stacks(path, metric)

    def add_metadata(self, key: str, value: str) -> None:
        """Write a text into trace files."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Write a value, given as JSON, into trace files."""
        self._metadata[key] = json.loads(value)
