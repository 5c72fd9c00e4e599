"""Processes that know tensors: Python's ``multiprocessing``, and ``spawn``.

Everything of Python's module is here under its name. A tensor that goes through a
queue or a pipe is copied, unless ``share_memory_`` has put it where both sides see it.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import tempfile
import traceback
from collections.abc import Callable, Sequence
from multiprocessing import *  # noqa: F403
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from lampas.errors import ArgumentError, WorkerError

__all__ = [
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_STRATEGY = "file_descriptor"


class ProcessExitedException(WorkerError):
    """A process ended with an exit status other than 0, or by a signal."""


class ProcessRaisedException(WorkerError):
    """The function raised in a process; the text holds the traceback there."""


def get_all_sharing_strategies() -> set[str]:
    """How tensors can be shared: by a descriptor of their memory.

    >>> get_all_sharing_strategies()
    {'file_descriptor'}
    """
    return {_STRATEGY}


def get_sharing_strategy() -> str:
    """How tensors are shared.

    >>> get_sharing_strategy()
    'file_descriptor'
    """
    return _STRATEGY


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose how tensors are shared; ``file_system`` shares no less than asked.

    Raises:
        ArgumentError: another name than PyTorch's two.

    >>> set_sharing_strategy("file_descriptor")
    """
    if new_strategy not in (_STRATEGY, "file_system"):
        raise ArgumentError(
            "set_sharing_strategy: new_strategy must be 'file_descriptor' or "
            f"'file_system', got {new_strategy!r}"
        )


def _call(fn: Callable[..., Any], rank: int, args: Sequence[Any], report: str) -> None:
    """Run ``fn`` in a process of its own; what it raises is written to a file."""
    try:
        fn(rank, *args)
    except KeyboardInterrupt:
        raise SystemExit(1) from None
    except Exception:  # noqa: BLE001 - whatever it is, the other side is to see it
        Path(report).write_text(traceback.format_exc(), encoding="utf-8")
        raise SystemExit(1) from None


class ProcessContext:
    """Processes that run one function, each with its rank.

    Attributes:
        processes: the processes, by rank.
    """

    def __init__(
        self, processes: list[BaseProcess], folder: tempfile.TemporaryDirectory[str]
    ) -> None:
        self.processes = processes
        self._folder = folder
        self._running = {p.sentinel: rank for rank, p in enumerate(processes)}

    def pids(self) -> list[int | None]:
        """The numbers that the system gave to the processes."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float = 30) -> bool:
        """Wait for a process to end; whether all have.

        Args:
            timeout: seconds to wait at most.
            grace_period: seconds that the others have to end when one has failed.

        Raises:
            ProcessRaisedException: the function raised in one; the others are ended.
            ProcessExitedException: one ended by itself or by a signal.
        """
        waiting = list(self._running)
        # Waiting for nothing would have no end.
        ready = multiprocessing.connection.wait(waiting, timeout) if waiting else []
        for sentinel in ready:
            rank = self._running.pop(int(sentinel))  # type: ignore[arg-type]
            process = self.processes[rank]
            process.join()
            if process.exitcode != 0:
                self._end_all(grace_period)
                failure = self._failure(rank)
                self._folder.cleanup()
                raise failure
        if self._running:
            return False
        self._folder.cleanup()
        return True

    def _end_all(self, grace_period: float) -> None:
        others = [p for p in self.processes if p.is_alive()]
        for p in others:
            p.terminate()
        for p in others:
            p.join(grace_period)
            if p.is_alive():
                p.kill()
                p.join()

    def _failure(self, rank: int) -> Exception:
        report = Path(self._folder.name) / str(rank)
        code = self.processes[rank].exitcode or 0
        if report.is_file():
            text = report.read_text(encoding="utf-8")
            return ProcessRaisedException(f"process {rank} raised:\n\n{text}")
        if code < 0:
            name = signal.Signals(-code).name
            return ProcessExitedException(f"process {rank} ended by signal {name}")
        return ProcessExitedException(f"process {rank} ended with exit code {code}")


SpawnContext = ProcessContext


def start_processes(
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(rank, *args)`` in processes of their own, for each rank.

    Args:
        fn: a function that can be pickled, where ``start_method`` is not ``"fork"``.
        args: its further arguments.
        nprocs: the number of processes.
        join: wait until all have ended.
        daemon: the processes end with this one.
        start_method: one of ``get_all_start_methods()``.

    Returns:
        None, or the processes if ``join`` is false.

    Raises:
        ArgumentError: ``nprocs`` is negative.
        ProcessRaisedException, ProcessExitedException: as ``ProcessContext.join``.

    >>> start_processes(print, args=("of one",), start_method="fork")
    """
    if nprocs < 0:
        raise ArgumentError(f"nprocs must not be negative, got {nprocs}")
    context = multiprocessing.get_context(start_method)
    folder = tempfile.TemporaryDirectory(prefix="lampas-processes-")
    processes: list[BaseProcess] = []
    for rank in range(nprocs):
        report = str(Path(folder.name) / str(rank))
        arguments = (fn, rank, tuple(args), report)
        process = context.Process(  # type: ignore[attr-defined]
            target=_call, args=arguments, daemon=daemon
        )
        process.start()
        processes.append(process)
    started = ProcessContext(processes, folder)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """``start_processes`` by the start method ``"spawn"``, which needs a main guard.

    >>> spawn(print, nprocs=0)
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
