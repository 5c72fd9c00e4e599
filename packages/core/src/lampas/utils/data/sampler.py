"""Samplers: the order in which a loader visits the samples."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from lampas.errors import ArgumentError
from lampas.random import Generator, default_generator

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def _permutation(generator: Generator | None, n: int) -> list[int]:
    source = default_generator if generator is None else generator
    return source.permutation(n).tolist()


class Sampler(Generic[T_co]):
    """Gives the indices of an epoch; subclasses define ``__iter__``."""

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[T_co]:
        raise TypeError(f"{type(self).__name__} must define __iter__()")


class SequentialSampler(Sampler[int]):
    """Indices in order.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order.

    Args:
        data_source: what has the length.
        replacement: draw each index afresh, so that some repeat.
        num_samples: how many to draw; the length by default. Without replacement,
            more than the length goes through it again in a new order.
        generator: decides the order; the default generator if None.

    Raises:
        ValueError: ``num_samples`` is not positive.

    >>> from lampas import Generator
    >>> sorted(RandomSampler("abcd", generator=Generator().manual_seed(0)))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        if num_samples is not None:
            num_samples = _positive("num_samples", num_samples)
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), len(self)
        if n == 0:
            return
        if self.replacement:
            source = default_generator if self.generator is None else self.generator
            yield from source.integers(0, n, count).tolist()
            return
        for done in range(0, count, n):
            yield from _permutation(self.generator, n)[: count - done]

    def __len__(self) -> int:
        if self._num_samples is None:
            return len(self.data_source)
        return self._num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order.

    Args:
        indices: the indices.
        generator: decides the order; the default generator if None.

    >>> from lampas import Generator
    >>> sorted(SubsetRandomSampler([7, 3, 5], Generator().manual_seed(0)))
    [3, 5, 7]
    """

    def __init__(
        self, indices: Sequence[int], generator: Generator | None = None
    ) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in _permutation(self.generator, len(self.indices)):
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices ``0 .. len(weights)-1``, each as often as its weight says.

    Args:
        weights: not negative; they need not sum to one.
        num_samples: how many to draw.
        replacement: whether an index may be drawn again.
        generator: the default generator if None.

    Raises:
        ValueError: weights are negative, not finite or all zero, or without
            replacement fewer are above zero than samples are asked for.

    >>> list(WeightedRandomSampler([0, 1, 0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        self.num_samples = _positive("num_samples", num_samples)
        self.weights = np.asarray(weights, np.float64)
        self.replacement = replacement
        self.generator = generator
        if self.weights.ndim != 1:
            raise ArgumentError(
                f"weights must have one dimension, got shape {self.weights.shape}"
            )
        total = float(self.weights.sum())
        if not (self.weights >= 0).all() or not 0 < total < np.inf:
            raise ArgumentError("weights must be finite, not negative, not all zero")
        above = int(np.count_nonzero(self.weights))
        if not replacement and self.num_samples > above:
            raise ArgumentError(
                f"num_samples must be at most {above}, the number of weights above "
                f"zero, without replacement; got {self.num_samples}"
            )

    def __iter__(self) -> Iterator[int]:
        source = default_generator if self.generator is None else self.generator
        if self.replacement:
            ends = np.cumsum(self.weights)
            where = source.uniform(self.num_samples, np.float64) * ends[-1]
            drawn = np.searchsorted(ends, where, side="right")
            last = int(np.flatnonzero(self.weights)[-1])
            return iter(np.minimum(drawn, last).tolist())
        # Efraimidis and Spirakis: the first arrivals of clocks that run at these rates
        arrival = source.exponential(self.weights.size, np.float64)
        with np.errstate(divide="ignore"):
            arrival /= self.weights
        order = np.argsort(arrival, kind="stable")
        return iter(order[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Indices of another sampler, in lists.

    Args:
        sampler: gives the indices.
        batch_size: how many to a list.
        drop_last: leave out a last list that is shorter.

    Raises:
        ValueError: ``batch_size`` is not positive.

    >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, sampler: Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        self.sampler = sampler
        self.batch_size = _positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"drop_last must be True or False, got {drop_last!r}")
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        whole, rest = divmod(count, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)
