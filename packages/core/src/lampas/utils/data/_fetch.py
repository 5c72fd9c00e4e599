"""Turn the indices of a batch into the batch; the same code in and out of workers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from lampas.utils.data._seeding import BATCH, SAMPLE, WORKER, Key, seed_streams
from lampas.utils.data.collate import default_collate, default_convert
from lampas.utils.data.dataset import draws_nothing, gather_rows

__all__ = ["End", "Fetcher", "StreamFetcher"]


class End:
    """What a worker sends when its part of a stream has ended."""


_END = End()


class Fetcher:
    """Fetches batches of a dataset with indices.

    Args:
        dataset: the dataset.
        collate: puts samples together.
        batched: whether indices come in lists.
    """

    def __init__(
        self, dataset: Any, collate: Callable[[Any], Any], batched: bool
    ) -> None:
        self.dataset, self.collate, self.batched = dataset, collate, batched
        ours = collate in (default_collate, default_convert)
        self._seeds_batch = not ours
        self._seeds_samples = not draws_nothing(dataset)
        self.key: Key = (0, 0)
        self.epoch = 0
        self._current: Any = None

    @property
    def draws(self) -> bool:
        """Whether fetching may draw random numbers."""
        return self._seeds_batch or self._seeds_samples

    def start(self, key: Key, epoch: int, worker: int) -> None:
        """Begin an epoch."""
        self.key, self.epoch = key, epoch

    def place(self, number: int) -> str:
        """Where an error of the batch came up."""
        if self._current is None:
            return f"batch {number}"
        return f"sample {self._current} of batch {number}"

    def fetch(self, number: int, index: Any) -> Any:
        """Return batch ``number`` of the epoch, which has these indices."""
        self._current = None
        if not self.batched:
            return self._collated(number, self._sample(index))
        if self.collate is default_collate:
            rows = gather_rows(self.dataset, index)
            if rows is not None:
                return rows
        if hasattr(self.dataset, "__getitems__"):
            seed_streams(self.key, self.epoch, BATCH, number)
            return self._collated(number, self.dataset.__getitems__(index))
        return self._collated(number, [self._sample(i) for i in index])

    def _sample(self, index: Any) -> Any:
        if self._seeds_samples:
            seed_streams(self.key, self.epoch, SAMPLE, index)
        self._current = index
        return self.dataset[index]

    def _collated(self, number: int, samples: Any) -> Any:
        self._current = None
        if self._seeds_batch:
            seed_streams(self.key, self.epoch, BATCH, number)
        return self.collate(samples)


class StreamFetcher:
    """Fetches batches of an IterableDataset; indices only say how many samples.

    Args:
        dataset: the stream.
        collate: puts samples together.
        batched: whether samples come in lists.
        drop_last: leave out a last batch that is shorter.
    """

    draws = True

    def __init__(
        self,
        dataset: Any,
        collate: Callable[[Any], Any],
        batched: bool,
        drop_last: bool,
    ) -> None:
        self.dataset, self.collate, self.batched = dataset, collate, batched
        self._drop_last = drop_last
        self._stream: Iterator[Any] = iter(())

    def start(self, key: Key, epoch: int, worker: int) -> None:
        """Begin an epoch; one seed serves the whole of the worker's stream."""
        seed_streams(key, epoch, WORKER, worker)
        self._stream = iter(self.dataset)

    def place(self, number: int) -> str:
        """Where an error of the batch came up."""
        return f"batch {number}"

    def fetch(self, number: int, index: Any) -> Any:
        """Return the next batch, or an :class:`End`."""
        if not self.batched:
            sample = next(self._stream, _END)
            return sample if sample is _END else self.collate(sample)
        samples = list(itertools.islice(self._stream, len(index)))
        if not samples or (self._drop_last and len(samples) < len(index)):
            return _END
        return self.collate(samples)
