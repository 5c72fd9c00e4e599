"""The loader: batches of a dataset, in the same order however they are computed."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from lampas.errors import ArgumentError
from lampas.random import Generator, default_generator
from lampas.utils.data._fetch import Fetcher, StreamFetcher
from lampas.utils.data._iterators import (
    LoaderIterator,
    LocalIterator,
    WorkerIterator,
    generator_of,
    indices_of,
)
from lampas.utils.data._pool import WorkerPool, context_of
from lampas.utils.data._seeding import Key
from lampas.utils.data.collate import default_collate, default_convert
from lampas.utils.data.dataset import IterableDataset, check_dataset
from lampas.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
)

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)

_STATE_VERSION = 2
_LOADER = 0x4C4F4144  # folded into the key, so that a loader's streams are its own


class _Samples(Protocol[T_co]):
    """What a loader takes samples from by number: a Dataset, a list, an array."""

    def __getitem__(self, index: Any, /) -> T_co: ...


class _Forever(Sampler[None]):
    """For streams, which have no indices."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Iterate over a dataset in batches, in this process or in worker processes.

    One seed gives the same batches with any number of workers: the order comes from
    (key, epoch), and before each sample ``random``, NumPy's global generator and
    lampas' default generator are seeded from (key, epoch, index); in the main process
    they are put back afterwards. The key comes from ``generator``, or from the default
    generator's seed, when the loader is made; iterating consumes neither.

    :meth:`state_dict` tells the position, in mid-epoch too, and
    :meth:`load_state_dict` goes on from there with the same batches.

    Args:
        dataset: has ``__getitem__`` and ``__len__``, or is an IterableDataset.
        batch_size: samples to a batch; None gives single samples.
        shuffle: visit the samples in a new random order each epoch.
        sampler: gives the indices, instead of ``shuffle``.
        batch_sampler: gives lists of indices, instead of batch_size, shuffle, sampler
            and drop_last.
        num_workers: worker processes; 0 loads in this one.
        collate_fn: makes a batch of a list of samples; :func:`default_collate`.
        pin_memory: accepted; memory is not pinned.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds to wait for a worker before an error; 0 waits for ever.
        worker_init_fn: called with its number in each worker when it starts.
        multiprocessing_context: ``"fork"``, ``"spawn"``, ... or a context.
        generator: gives the key.
        prefetch_factor: batches that each worker computes ahead; 2.
        persistent_workers: keep the workers from one epoch to the next.
        pin_memory_device: accepted.
        in_order: accepted; batches always come in order.

    Raises:
        ValueError: arguments exclude each other or make no sense.

    >>> loader = DataLoader(range(5), batch_size=2)
    >>> [batch.tolist() for batch in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: _Samples[T_co] | Iterable[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_dataset(dataset)
        _check_workers(num_workers, prefetch_factor, persistent_workers, timeout)
        self.dataset: Any = dataset
        self.num_workers = num_workers
        self.prefetch_factor = (prefetch_factor or 2) if num_workers else None
        self.persistent_workers = persistent_workers
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.in_order = in_order
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams and (shuffle or sampler is not None or batch_sampler):
            raise ArgumentError(
                "DataLoader: an IterableDataset decides its own order; it takes no "
                "shuffle, sampler or batch_sampler"
            )
        if sampler is not None and shuffle:
            raise ArgumentError("DataLoader: give sampler or shuffle=True, not both")
        if batch_sampler is not None and (
            batch_size != 1 or shuffle or sampler is not None or drop_last
        ):
            raise ArgumentError(
                "DataLoader: batch_sampler excludes batch_size, shuffle, sampler and "
                "drop_last"
            )
        if batch_size is None and drop_last:
            raise ArgumentError("DataLoader: batch_size=None leaves no batch to drop")
        self._owns_order = sampler is None and batch_sampler is None
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_sampler is not None:
            self.batch_size: int | None = None
        else:
            self.batch_size = batch_size
            if batch_size is not None:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.drop_last = drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        source = default_generator if generator is None else generator
        # Of the default generator the seed alone counts: numbers drawn from it before
        # the loader is made change nothing.
        offset = 0 if generator is None else source._reserve(0)[2]
        self._root = source.fold(_LOADER, offset)
        self._epoch = self._done = 0
        self._started = self._resumes = False
        # where the sampler's own generator stood when the epoch began, as hex
        self._sampler_start: str | None = None
        self._sampler_state: str | None = None  # to be set when the next one begins
        self._pool: WorkerPool | None = None
        self._iterator: weakref.ref[LoaderIterator] | None = None

    def _default_sampler(self, shuffle: bool) -> Sampler[Any]:
        if self._streams:
            return _Forever()
        if shuffle:
            return RandomSampler(self.dataset, generator=self.generator)
        return SequentialSampler(self.dataset)

    def __len__(self) -> int:
        """The number of batches of an epoch.

        Raises:
            TypeError: the dataset or the sampler has no length.
        """
        if not self._streams:
            source = self.sampler if self.batch_sampler is None else self.batch_sampler
            return len(source)  # type: ignore[arg-type]
        count = len(self.dataset)
        if self.batch_size is None:
            return count
        whole, rest = divmod(count, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        """Start the next epoch, or go on in the one whose state was loaded."""
        if self._resumes:
            self._resumes = False
        elif self._started:
            self._epoch, self._done = self._epoch + 1, 0
        self._started = True
        order = self._order()
        if self.num_workers == 0:
            iterator: LoaderIterator = LocalIterator(self._fetcher(), order)
        else:
            iterator = WorkerIterator(
                self._workers(), order, self.prefetch_factor or 2, self.timeout
            )
            if not self.persistent_workers:
                self._pool = None
        self._iterator = weakref.ref(iterator)
        iterator.start(self, self._key, self._epoch, self._done)
        return iterator

    # What an iterator is made of

    def _fetcher(self) -> Fetcher | StreamFetcher:
        batched = self.batch_sampler is not None
        if self._streams:
            return StreamFetcher(self.dataset, self.collate_fn, batched, self.drop_last)
        return Fetcher(self.dataset, self.collate_fn, batched)

    def _workers(self) -> WorkerPool:
        if self._pool is None or self._pool.closed:
            context = context_of(self.multiprocessing_context)
            self._pool = WorkerPool(
                self._fetcher(),
                self.num_workers,
                context,
                self._key,
                self.worker_init_fn,
            )
        return self._pool

    def _order(self) -> Iterator[Any]:
        """The indices of the epoch, from the next batch on."""
        source = self.sampler if self.batch_sampler is None else self.batch_sampler
        if isinstance(self.sampler, RandomSampler) and self._owns_order:
            # one of its own for each epoch: two iterators may be under way
            generator = self._root.fold(self._epoch)
            source = RandomSampler(self.dataset, generator=generator)
            if self.batch_size is not None:
                source = BatchSampler(source, self.batch_size, self.drop_last)
        else:
            self._place_sampler(source)
        order = indices_of(source, self._key, self._epoch)
        return order if self._streams else itertools.islice(order, self._done, None)

    def _place_sampler(self, source: Any) -> None:
        """Remember, or set, where the sampler's own generator starts this epoch."""
        generator = generator_of(source)
        if generator is None:
            return
        if self._sampler_state is not None:
            generator._set_state_array(
                np.frombuffer(bytes.fromhex(self._sampler_state), np.uint8)
            )
            self._sampler_state = None
        self._remember_sampler()

    def _remember_sampler(self) -> None:
        """Keep the state of the sampler's own generator for :meth:`state_dict`."""
        source = self.sampler if self.batch_sampler is None else self.batch_sampler
        generator = generator_of(source)
        if generator is not None and not self._owns_order:
            self._sampler_start = generator._state_array().tobytes().hex()

    def _moved(self, iterator: LoaderIterator, done: int | None) -> None:
        """An iterator has handed out batches; None says that it is at its end."""
        if self._iterator is None or self._iterator() is not iterator:
            return  # a newer one has taken over the position
        if done is None:
            self._epoch, self._done, self._started = self._epoch + 1, 0, False
            self._remember_sampler()  # the next epoch starts where it stands now
        else:
            self._done = done

    # The position

    def state_dict(self) -> dict[str, Any]:
        """The position: epoch, batches handed out in it, and the key of the order.

        Batches that workers have computed ahead do not count. The number of workers
        is no part of the position, but for an IterableDataset inside an epoch, whose
        samples are divided among them.
        """
        return {
            "version": _STATE_VERSION,
            "epoch": self._epoch,
            "batches": self._done,
            "key": self._root._state_array().tobytes().hex(),
            "sampler": self._sampler_start,
            "data": self._described(),
            "streams": self._shares(),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on, at the next iteration, where the state was taken.

        Raises:
            ValueError: the state is of another version, or of a loader with another
                length of the dataset or another size of batches; or it is inside an
                epoch of an IterableDataset and of another number of workers.
        """
        expected = {"version", "epoch", "batches", "key", "sampler", "data", "streams"}
        if set(state_dict) != expected or state_dict["version"] != _STATE_VERSION:
            raise ArgumentError(
                "DataLoader: state_dict must be what state_dict() returns (version "
                f"{_STATE_VERSION}), got {sorted(state_dict)}"
            )
        if state_dict["data"] != self._described():
            raise ArgumentError(
                "DataLoader: the state is of a loader of other data: it had "
                f"{state_dict['data']}, this one has {self._described()}"
            )
        if state_dict["batches"] and state_dict["streams"] != self._shares():
            raise ArgumentError(
                "DataLoader: inside an epoch of an IterableDataset a position is of "
                f"{state_dict['streams']} workers, as they share its samples out; this "
                f"loader has {self._shares()}: give it as many, or save between epochs"
            )
        key = np.frombuffer(bytes.fromhex(state_dict["key"]), np.uint8)
        self._root._set_state_array(key)
        self._epoch, self._done = int(state_dict["epoch"]), int(state_dict["batches"])
        self._sampler_state = self._sampler_start = state_dict["sampler"]
        self._resumes = True
        if self._pool is not None:
            self._pool.close()  # its workers know the old key

    def _described(self) -> dict[str, Any]:
        length = len(self.dataset) if isinstance(self.dataset, Sized) else None
        return {
            "samples": length,
            "batch_size": self.batch_size,
            "drop_last": self.drop_last,
        }

    def _shares(self) -> int | None:
        """How many iterators of an IterableDataset an epoch reads."""
        streaming = isinstance(self.dataset, IterableDataset)
        return max(1, self.num_workers) if streaming else None

    @property
    def _key(self) -> Key:
        return self._root._key


def _check_workers(
    num_workers: int,
    prefetch_factor: int | None,
    persistent_workers: bool,
    timeout: float,
) -> None:
    if num_workers < 0 or timeout < 0:
        raise ArgumentError(
            "DataLoader: num_workers and timeout must not be negative, "
            f"got {num_workers} and {timeout}"
        )
    if num_workers == 0 and (prefetch_factor is not None or persistent_workers):
        raise ArgumentError(
            "DataLoader: prefetch_factor and persistent_workers need num_workers > 0"
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ArgumentError(
            f"DataLoader: prefetch_factor must be at least 1, got {prefetch_factor}"
        )
