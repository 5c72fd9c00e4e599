"""One pass over a loader's data, in this process or with workers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lampas.errors import WorkerError
from lampas.random import Generator
from lampas.utils.data._fetch import End, Fetcher, StreamFetcher
from lampas.utils.data._pool import WorkerPool
from lampas.utils.data._seeding import (
    SAMPLER,
    WORKER,
    Key,
    OwnStreams,
    kept_streams,
)
from lampas.utils.data._worker import Failure
from lampas.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

if TYPE_CHECKING:
    from lampas.utils.data.dataloader import DataLoader

__all__ = ["LoaderIterator", "LocalIterator", "WorkerIterator"]

_OURS = (
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    list,
    tuple,
    range,
)


def generator_of(sampler: Any) -> Generator | None:
    """The generator that a sampler was given, if any."""
    generator = getattr(sampler, "generator", None)
    if isinstance(generator, Generator):
        return generator
    inner = getattr(sampler, "sampler", None)
    return None if inner is None else generator_of(inner)


def indices_of(source: Any, key: Key, epoch: int) -> Iterator[Any]:
    """Iterate a sampler; what it draws from global generators comes from the key."""
    inner = source.sampler if type(source) is BatchSampler else source
    streams = OwnStreams(type(inner) not in _OURS, key, epoch, SAMPLER, 0)
    with streams:
        iterator = iter(source)
    while True:
        with streams:
            try:
                indices = next(iterator)
            except StopIteration:
                return
        yield indices


class LoaderIterator(Iterator[Any]):
    """What both kinds share: counting what was handed out."""

    def start(self, loader: DataLoader[Any], key: Key, epoch: int, done: int) -> None:
        """Begin; ``done`` batches were handed out before."""
        self._loader, self._count = loader, done
        self._begin(key, epoch, done)

    def _begin(self, key: Key, epoch: int, done: int) -> None:
        raise TypeError(f"{type(self).__name__} must define _begin()")

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def _hand_out(self) -> None:
        self._count += 1
        self._loader._moved(self, self._count)


class LocalIterator(LoaderIterator):
    """Fetches batches in this process, whose random streams it leaves as they were."""

    def __init__(self, fetcher: Fetcher | StreamFetcher, order: Iterator[Any]) -> None:
        self._fetcher, self._order = fetcher, order
        self._ended = False

    def _begin(self, key: Key, epoch: int, done: int) -> None:
        streaming = isinstance(self._fetcher, StreamFetcher)
        self._streams = OwnStreams(True, key, epoch, WORKER, 0) if streaming else None
        with self._scope():
            self._fetcher.start(key, epoch, 0)
            if streaming:
                for number in range(done):
                    self._fetcher.fetch(number, next(self._order))

    def _scope(self) -> contextlib.AbstractContextManager[None]:
        if self._streams is not None:
            return self._streams
        return kept_streams() if self._fetcher.draws else contextlib.nullcontext()

    def __next__(self) -> Any:
        if self._ended:
            raise StopIteration
        for indices in self._order:
            try:
                with self._scope():
                    batch = self._fetcher.fetch(self._count, indices)
            except Exception:
                self._hand_out()  # going on means going on behind the bad batch
                raise
            if isinstance(batch, End):
                break
            self._hand_out()
            return batch
        self._ended = True
        self._loader._moved(self, None)
        raise StopIteration


class WorkerIterator(LoaderIterator):
    """Asks workers for batches ahead, in turn, and hands them out in order."""

    def __init__(
        self, pool: WorkerPool, order: Iterator[Any], ahead: int, timeout: float
    ) -> None:
        self._pool, self._order = pool, order
        self._timeout = timeout
        self._ahead = ahead * len(pool)
        self._active = list(range(len(pool)))  # workers whose stream goes on
        self._turn = 0
        self._asked: dict[int, int] = {}  # number of request: worker
        self._arrived: dict[int, Any] = {}
        self._skip = 0

    def _begin(self, key: Key, epoch: int, done: int) -> None:
        self._pool.begin(epoch)
        self._generation = self._pool.generation
        # A stream starts anew, so what was handed out is computed again and dropped.
        streaming = self._pool.streaming
        self._skip = done if streaming else 0
        self._next = self._to_ask = 0 if streaming else done
        for _ in range(self._ahead):
            self._ask()

    def _ask(self) -> None:
        if not self._active:
            return
        for indices in self._order:
            worker = self._active[self._turn % len(self._active)]
            self._turn += 1
            self._asked[self._to_ask] = worker
            self._pool.ask(worker, self._to_ask, indices)
            self._to_ask += 1
            return

    def __next__(self) -> Any:
        try:
            result = self._result()
        except WorkerError as error:
            # without the frames of the machinery: the text says it all
            raise error.with_traceback(None) from None
        if isinstance(result, End):
            self._loader._moved(self, None)
            if not self._loader.persistent_workers:
                self._pool.close()
            raise StopIteration
        self._hand_out()
        if isinstance(result, Failure):
            raise result.error()
        return result

    def _result(self) -> Any:
        """The next batch or failure; End after the last."""
        while self._next in self._asked:
            worker = self._asked[self._next]
            self._wait(worker)
            result = self._arrived.pop(self._next)
            del self._asked[self._next]
            self._next += 1
            if isinstance(result, End) and worker in self._active:
                self._active.remove(worker)
            self._ask()
            if isinstance(result, End):
                continue
            if self._skip:
                self._skip -= 1
                continue
            return result
        return End()

    def _wait(self, worker: int) -> None:
        while self._next not in self._arrived:
            if self._pool.closed or self._pool.generation != self._generation:
                raise WorkerError(
                    "the workers of this iterator were ended, or serve a newer one"
                )
            self._arrived.update(self._pool.take(worker, self._next, self._timeout))
