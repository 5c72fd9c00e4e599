"""Datasets: samples by index, or a stream of samples."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError, BoundsError
from lampas.random import Generator, default_generator

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "draws_nothing",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by index: subclasses define ``__getitem__`` and usually ``__len__``.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 10
    ...     def __getitem__(self, index):
    ...         return index * index
    >>> Squares()[3]
    9
    """

    def __getitem__(self, index: Any) -> T_co:
        raise TypeError(f"{type(self).__name__} must define __getitem__(index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of samples: subclasses define ``__iter__``.

    With worker processes each worker iterates its own copy; ``get_worker_info()``
    tells it which part is its own.

    >>> class Countdown(IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(Countdown())
    [3, 2, 1]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise TypeError(f"{type(self).__name__} must define __iter__()")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Rows of tensors: sample ``i`` is ``(tensors[0][i], tensors[1][i], ...)``.

    Args:
        tensors: tensors whose first dimensions are equal.

    Raises:
        ValueError: the first dimensions differ.

    >>> import lampas
    >>> TensorDataset(lampas.tensor([5, 6]), lampas.tensor([0, 1]))[1]
    (tensor(6), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        sizes = [tensor.shape[0] if tensor.ndim else None for tensor in tensors]
        if not tensors or None in sizes or len(set(sizes)) > 1:
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors)
            raise ArgumentError(
                "TensorDataset: tensors must have the same number of rows, "
                f"got {shapes or 'no tensor'}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class StackDataset(Dataset[Any]):
    """Datasets side by side: a sample is the tuple (or dict) of their samples.

    Args:
        args: datasets of equal length, or
        kwargs: the same by name.

    Raises:
        ValueError: the lengths differ, or both or neither form is used.

    >>> StackDataset([1, 2], ["a", "b"])[0]
    (1, 'a')
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError("StackDataset: give datasets by position or by name")
        self.datasets: Any = args or kwargs
        lengths = [len(dataset) for dataset in (*args, *kwargs.values())]
        if len(set(lengths)) > 1:
            raise ArgumentError(f"StackDataset: lengths must be equal, got {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class Subset(Dataset[T_co]):
    """Some samples of a dataset.

    Args:
        dataset: the whole.
        indices: which of its samples, in order.

    >>> list(Subset("abcd", [3, 0]))
    ['d', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Args:
        datasets: datasets with lengths.

    Raises:
        ValueError: there is no dataset, or one of them is an IterableDataset.

    >>> ConcatDataset(["ab", "cde"])[3]
    'd'
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: datasets must not be empty")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise ArgumentError(
                "ConcatDataset: an IterableDataset has no indices; use ChainDataset"
            )
        lengths = [len(dataset) for dataset in self.datasets]
        self.cumulative_sizes = list(itertools.accumulate(lengths))

    def __getitem__(self, index: int) -> T_co:
        total = len(self)
        if not -total <= index < total:
            raise BoundsError(
                f"index must be in [{-total}, {total - 1}] for {total} samples, "
                f"got {index}"
            )
        index %= total
        which = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    >>> list(ChainDataset([range(2), "a"]))
    [0, 1, 'a']
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: Generator | None = None,
) -> list[Subset[Any]]:
    """Divide a dataset at random into parts that do not overlap.

    Args:
        dataset: a dataset with a length.
        lengths: numbers of samples that sum to it, or fractions that sum to 1 (what
            rounding leaves goes to the first parts, one each).
        generator: decides who goes where; the default generator if None.

    Raises:
        ValueError: the lengths do not sum to the dataset's, or the fractions to 1.

    >>> from lampas import Generator
    >>> parts = random_split(range(10), [0.7, 0.3], Generator().manual_seed(0))
    >>> [len(part) for part in parts]
    [7, 3]
    """
    total = len(dataset)
    sizes = _sizes_of_parts(lengths, total)
    if sum(sizes) != total:
        raise ArgumentError(
            f"random_split: lengths must sum to the dataset's length {total}, "
            f"got {list(lengths)}"
        )
    source = default_generator if generator is None else generator
    order = source.permutation(total).tolist()
    ends = itertools.accumulate(sizes)
    return [Subset(dataset, order[e - n : e]) for e, n in zip(ends, sizes, strict=True)]


def _sizes_of_parts(lengths: Sequence[int | float], total: int) -> list[int]:
    if not math.isclose(sum(lengths), 1.0) or sum(lengths) > 1.0 + 1e-9:
        if any(not isinstance(n, (int, np.integer)) or n < 0 for n in lengths):
            raise ArgumentError(
                "random_split: lengths must be counts, or fractions that sum to 1; "
                f"got {list(lengths)}"
            )
        return [int(n) for n in lengths]
    if total == 1 and all(isinstance(n, int) for n in lengths):
        return [int(n) for n in lengths]
    if any(not 0 <= n <= 1 for n in lengths):
        raise ArgumentError(
            f"random_split: fractions must lie in [0, 1], got {list(lengths)}"
        )
    sizes = [math.floor(total * fraction) for fraction in lengths]
    for i in range(total - sum(sizes)):
        sizes[i % len(sizes)] += 1
    return sizes


def draws_nothing(dataset: Any) -> bool:
    """Whether getting a sample surely draws no random number."""
    if type(dataset) is Subset:
        return draws_nothing(dataset.dataset)
    if type(dataset) is ConcatDataset:
        return all(draws_nothing(part) for part in dataset.datasets)
    return type(dataset) in (TensorDataset, list, tuple, range, np.ndarray, Tensor)


def gather_rows(dataset: Any, indices: Sequence[int]) -> list[Tensor] | None:
    """A whole batch of a TensorDataset at once; None where samples go one by one."""
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    if type(dataset) is not TensorDataset:
        return None
    if any(tensor._node is not None for tensor in dataset.tensors):
        return None
    count, rows = len(dataset), np.asarray(indices)
    if rows.dtype.kind not in "iu" or np.any((rows < -count) | (rows >= count)):
        return None  # the ordinary way names the index that is wrong
    return [wrap(tensor._data[rows]) for tensor in dataset.tensors]


def check_dataset(dataset: Any) -> None:
    """Refuse what can neither be indexed nor iterated."""
    if not hasattr(dataset, "__getitem__") and not hasattr(dataset, "__iter__"):
        raise ArgumentTypeError(
            "dataset must have __getitem__ (or be an IterableDataset), "
            f"got {type(dataset).__name__}"
        )
