"""A sampler that gives each of several processes its own part of a dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from lampas.errors import ArgumentError
from lampas.random import Generator
from lampas.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be an integer, got {value!r}")
    return int(value)


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index from ``rank`` on; all ranks get equally many.

    Every process shuffles with the same seed, so their parts do not overlap, but for
    the first indices, which are repeated to make the parts equal.

    Args:
        dataset: what has the length.
        num_replicas: how many processes share it. There is no process group to ask,
            so it must be given.
        rank: which of them this one is, from 0.
        shuffle: a new order each epoch; call :meth:`set_epoch` before each.
        seed: decides the order, the same in every process.
        drop_last: leave out the last indices rather than repeat the first.

    Raises:
        RuntimeError: ``num_replicas`` or ``rank`` is not given.
        ValueError: ``num_replicas`` is not positive, or ``rank`` is out of range.

    >>> [list(DistributedSampler("abcde", 2, r, shuffle=False)) for r in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        for name, value in (("num_replicas", num_replicas), ("rank", rank)):
            if value is None:
                raise RuntimeError(
                    f"DistributedSampler: {name} must be given, as there is no "
                    "process group to ask"
                )
        self.num_replicas = _integer("num_replicas", num_replicas)
        self.rank = _integer("rank", rank)
        if self.num_replicas < 1:
            raise ArgumentError(
                f"num_replicas must be positive, got {self.num_replicas}"
            )
        if not 0 <= self.rank < self.num_replicas:
            raise ArgumentError(
                f"rank must be in [0, {self.num_replicas - 1}], got {self.rank}"
            )
        self.dataset = dataset
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        whole, rest = divmod(len(dataset), self.num_replicas)
        self.num_samples = whole + (rest > 0 and not drop_last)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        order: list[int] = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = generator.permutation(len(order)).tolist()
        # going round once more repeats the first indices
        mine = itertools.islice(
            itertools.cycle(order), self.rank, self.total_size, self.num_replicas
        )
        return iter(list(mine))

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; without it every epoch has the same.

        Args:
            epoch: number of the epoch.
        """
        self.epoch = epoch
