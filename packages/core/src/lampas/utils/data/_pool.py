"""The worker processes of a loader, and watching over them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import time
import warnings
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from lampas.errors import ArgumentTypeError, WorkerError
from lampas.utils.data._fetch import Fetcher, StreamFetcher
from lampas.utils.data._parcel import Parcel
from lampas.utils.data._seeding import Key
from lampas.utils.data._transport import receive, send
from lampas.utils.data._worker import NO_GUARD, PARENT_ENDS, Setup, work

__all__ = ["WorkerPool"]

# How long an idle worker has to end by itself before it is killed.
_PATIENCE = 0.5

_GUARD = """\
a worker imports this script again; put what starts the training under
    if __name__ == "__main__":
        main()"""


def context_of(choice: Any) -> Any:
    """The multiprocessing context: the one given, the program's, or the system's.

    Forking is quick and needs no pickling; PyTorch forks on Linux as well.
    """
    if choice is None:
        default = "fork" if sys.platform.startswith("linux") else "spawn"
        choice = multiprocessing.get_start_method(allow_none=True) or default
    if isinstance(choice, str):
        return multiprocessing.get_context(choice)
    return choice


def _check_fork(context: Any) -> None:
    """Refuse to fork beside a CUDA context, which a child cannot use."""
    cupy = sys.modules.get("cupy")
    if context.get_start_method() != "fork" or cupy is None:
        return
    if cupy.cuda.driver.ctxGetCurrent():
        raise WorkerError(
            "DataLoader: this process uses CUDA, and a forked worker cannot; pass "
            'multiprocessing_context="spawn", or iterate before CUDA is used'
        )


class WorkerPool:
    """Worker processes; they end when the pool is closed or collected.

    Args:
        fetcher: what each of them gets a copy of.
        count: how many.
        context: of multiprocessing.
        key: of the loader's random streams.
        init: called with the worker's number in each of them.

    Raises:
        TypeError: under spawn, something cannot be pickled.
    """

    def __init__(
        self,
        fetcher: Fetcher | StreamFetcher,
        count: int,
        context: Any,
        key: Key,
        init: Callable[[int], Any] | None,
    ) -> None:
        # Without a main guard the child runs the script up to here. Its parent tells.
        if getattr(multiprocessing.process.current_process(), "_inheriting", False):
            os._exit(NO_GUARD)
        _check_fork(context)
        self._processes: list[Any] = []
        self._connections: list[Connection] = []
        self.generation = 0
        self.streaming = isinstance(fetcher, StreamFetcher)
        self._end = weakref.finalize(
            self, _end, os.getpid(), self._processes, self._connections
        )
        forks = context.get_start_method() == "fork"
        content: Any = fetcher if forks else Parcel(fetcher)
        for number in range(count):
            self._add(context, Setup(content, number, count, key, init))

    def _add(self, context: Any, setup: Setup) -> None:
        ours, theirs = context.Pipe(duplex=True)
        PARENT_ENDS.add(ours)
        self._connections.append(ours)
        process = context.Process(target=work, args=(theirs, setup), daemon=True)
        try:
            with warnings.catch_warnings():
                # of forking beside BLAS threads, which OpenBLAS and we provide for
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            self.close()
            raise ArgumentTypeError(
                f"DataLoader: worker processes are started by "
                f"{context.get_start_method()}, for which the dataset, collate_fn and "
                f"worker_init_fn must be picklable: {error}"
            ) from None
        finally:
            theirs.close()
        self._processes.append(process)

    def __len__(self) -> int:
        return len(self._processes)

    def begin(self, epoch: int) -> None:
        """Start an epoch; results of requests from before are dropped."""
        self.generation += 1
        for worker in range(len(self._processes)):
            self._tell(worker, (self.generation, None, epoch))

    def ask(self, worker: int, number: int, index: Any) -> None:
        """Ask a worker for batch ``number``."""
        self._tell(worker, (self.generation, number, index))

    def _tell(self, worker: int, request: Any) -> None:
        try:
            send(self._connections[worker], request)
        except (BrokenPipeError, ConnectionResetError):
            # It is dead; who waits for its answer finds out, and says how it ended.
            return

    def take(self, worker: int, number: int, timeout: float) -> dict[int, Any]:
        """Wait until something has come, and return it by number of batch.

        Args:
            worker: whose answer is waited for.
            number: which batch it was asked for.
            timeout: seconds to wait; 0 waits for ever.

        Raises:
            WorkerError: a worker has died, or there was no answer in time.
        """
        limit = time.monotonic() + timeout if timeout else None
        while True:
            got = self._arrived(limit)
            if got:
                return got
            if limit is not None and time.monotonic() >= limit:
                process = self._processes[worker]
                self.close()
                raise WorkerError(
                    f"worker {worker} of the DataLoader (pid {process.pid}) sent "
                    f"nothing for {timeout:g} seconds (timeout=) while batch {number} "
                    "was waited for; the workers were ended"
                )

    def _arrived(self, limit: float | None) -> dict[int, Any]:
        left = None if limit is None else max(0.0, limit - time.monotonic())
        sentinels = [process.sentinel for process in self._processes]
        ready = wait([*self._connections, *sentinels], left)
        got = {}
        for worker, connection in enumerate(self._connections):
            # A dead worker's last answers are still in its socket.
            if connection not in ready and sentinels[worker] not in ready:
                continue
            try:
                if not connection.poll():
                    raise EOFError
                generation, number, result = receive(connection)
            except (EOFError, OSError, RuntimeError, pickle.UnpicklingError):
                raise self._death(worker) from None
            if generation == self.generation:
                got[number] = result
        return got

    def _death(self, worker: int) -> WorkerError:
        process = self._processes[worker]
        process.join(1.0)
        code = process.exitcode
        self.close()
        if code == NO_GUARD:
            return WorkerError(_GUARD)
        return WorkerError(
            f"worker {worker} of the DataLoader (pid {process.pid}) ended by itself: "
            f"{_how_it_ended(code)}"
        )

    def close(self) -> None:
        """End the workers."""
        self._end()

    @property
    def closed(self) -> bool:
        """Whether the workers were ended."""
        return not self._end.alive


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    hint = "; the system kills so when memory runs out" if name == "SIGKILL" else ""
    return f"exit code {code} (signal {name}{hint})"


def _end(parent: int, processes: list[Any], connections: list[Connection]) -> None:
    """End processes: ask, wait a little, kill."""
    if os.getpid() != parent:
        return  # a forked copy of the pool: the processes are not its own
    for connection in connections:
        try:
            send(connection, None)
        except (BrokenPipeError, ConnectionResetError):
            continue
    limit = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(0.0, limit - time.monotonic()))
    for process in processes:
        if process.exitcode is None:
            process.kill()
            process.join()
    for connection in connections:
        PARENT_ENDS.discard(connection)
        connection.close()
