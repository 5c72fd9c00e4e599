"""What runs in a worker process of a loader."""

from __future__ import annotations

import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from lampas._threads import set_threads
from lampas.utils.data._fetch import Fetcher, StreamFetcher
from lampas.utils.data._seeding import WORKER, Key, seed_streams
from lampas.utils.data._transport import receive, send

__all__ = ["Failure", "Setup", "WorkerInfo", "get_worker_info", "work"]

# The exit code of a script that starts workers while a worker imports it.
NO_GUARD = 77

# Parent's ends of the sockets of all workers. A forked worker closes its copies, so
# that the other workers see the parent end.
PARENT_ENDS: set[Connection] = set()


@dataclass
class WorkerInfo:
    """What a worker knows about itself.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are.
        seed: differs between workers and loaders.
        dataset: its copy of the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: list[WorkerInfo] = []


def get_worker_info() -> WorkerInfo | None:
    """The worker in which this is called; None in the main process.

    >>> get_worker_info() is None
    True
    """
    return _info[0] if _info else None


@dataclass
class Setup:
    """Everything a worker is told when it starts."""

    fetcher: Fetcher | StreamFetcher
    id: int
    num_workers: int
    key: Key
    init: Callable[[int], Any] | None


class _Text(str):
    """Text whose repr is itself: a KeyError shows the repr of its argument."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Failure:
    """An exception in a worker, told to the main process."""

    def __init__(self, error: BaseException, place: str) -> None:
        self.kind = type(error)
        text = "".join(traceback.format_exception(error)).rstrip()
        self.text = f"{self.kind.__name__} in {place}; its traceback was:\n{text}"

    def error(self) -> BaseException:
        """The same kind of exception, with the worker's traceback as its text."""
        text = _Text(self.text) if issubclass(self.kind, KeyError) else self.text
        try:
            return self.kind(text)
        except TypeError:  # its constructor takes something else
            return RuntimeError(text)


def work(connection: Connection, setup: Setup) -> None:
    """Serve requests until told to stop or until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in PARENT_ENDS:
        end.close()
    set_threads(1)
    fetcher, where = setup.fetcher, f"worker {setup.id} of the DataLoader"
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(
        target=_read, args=(connection, requests, stop), daemon=True
    ).start()
    failure = broken = _prepare(setup, where)
    for generation, number, index in iter(requests.get, None):
        if stop.is_set():
            return
        if number is None:
            epoch = index
            failure = broken or _start(fetcher, setup, epoch, where)
            continue
        if failure is None:
            result = _fetch(fetcher, number, index, where)
        else:
            result = failure
        _reply(connection, generation, number, result, where)


def _read(
    connection: Connection, requests: queue.SimpleQueue[Any], stop: threading.Event
) -> None:
    """Take requests at once, so that the parent never waits while it asks."""
    while True:
        try:
            request = receive(connection)
        except (EOFError, OSError):
            os._exit(1)  # the parent is gone, and nobody needs the sample in progress
        if request is None:
            stop.set()
        requests.put(request)


def _prepare(setup: Setup, where: str) -> Failure | None:
    first, second = setup.key
    seed = (first + setup.id) % 2**63
    _info[:] = [WorkerInfo(setup.id, setup.num_workers, seed, setup.fetcher.dataset)]
    seed_streams((first, second), -1, WORKER, setup.id)
    try:
        if setup.init is not None:
            setup.init(setup.id)
    except Exception as error:  # noqa: BLE001 - any error of the user's code goes on
        return Failure(error, f"worker_init_fn of {where}")
    return None


def _start(
    fetcher: Fetcher | StreamFetcher, setup: Setup, epoch: int, where: str
) -> Failure | None:
    try:
        fetcher.start(setup.key, epoch, setup.id)
    except Exception as error:  # noqa: BLE001 - any error of the user's code goes on
        return Failure(error, f"the start of an epoch in {where}")
    return None


def _fetch(
    fetcher: Fetcher | StreamFetcher, number: int, index: Any, where: str
) -> Any:
    try:
        return fetcher.fetch(number, index)
    except Exception as error:  # noqa: BLE001 - any error of the user's code goes on
        return Failure(error, f"{fetcher.place(number)} in {where}")


def _reply(
    connection: Connection, generation: int, number: int, result: Any, where: str
) -> None:
    try:
        send(connection, (generation, number, result))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - what cannot be pickled raises anything
        failure = Failure(error, f"sending batch {number} from {where}")
        send(connection, (generation, number, failure))
