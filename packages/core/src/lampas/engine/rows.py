"""Gradients that are zero but for listed places, on their way to a leaf.

They go over the tape between arrays, as arrays do: ``+`` of two lists one after the
other, and with an array gives an array.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import bind

__all__ = ["SPARSE_OF", "Rows", "flat_places", "runs", "sum_repeated", "summed"]

SPARSE_OF: list[Callable[..., Any]] = []
"""Holds engine.sparse's maker of tensors, which needs what stands above the tape."""


def flat_places(places: Any, shape: Any) -> Any:
    """Each place as one number, in the order of the places, (nnz,).

    Args:
        places: (sparse dimensions, nnz), integers.
        shape: of the whole.
    """
    depth = len(places)
    if depth == 1:
        return places[0]
    if math.prod(shape[:depth]) >= 2**63:
        # Too many places to number them all: those that are listed are numbered.
        return np.unique(places, axis=1, return_inverse=True)[1].reshape(-1)
    return np.ravel_multi_index(tuple(places), shape[:depth])


def runs(numbers: Any) -> tuple[Any, Any]:
    """The order that sorts numbers, equal ones as they came, and where each begins.

    Args:
        numbers: (n,), integers from 0 on.
    """
    count = len(numbers)
    order = np.arange(count)
    if not (numbers[1:] >= numbers[:-1]).all():
        if int(numbers.max()) < 2**63 // count - 1:
            # Sorting numbers of two parts is quicker than a stable argsort.
            order += numbers * count
            order.sort()
            order %= count
        else:
            order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    first = np.ones(count, bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return order, np.flatnonzero(first)


def _sum_repeated(parts: Any, numbers: Any) -> tuple[Any, Any]:
    """Add up the parts of each number.

    Args:
        parts: (n, ...).
        numbers: (n,), integers from 0 on.

    Returns:
        The sums, in the order of the numbers, and where each of these stands first.
    """
    order, starts = runs(numbers)
    parts = parts[order]
    if len(starts) < len(order):
        parts = np.add.reduceat(parts, starts, axis=0, dtype=parts.dtype)
    return parts, order[starts]


sum_repeated = bind("sum_repeated", _sum_repeated)


def summed(places: Any, parts: Any, shape: Any) -> tuple[Any, Any]:
    """Each place once, in order, with the sum of its parts.

    Args:
        places: (sparse dimensions, nnz), integers.
        parts: (nnz, ...).
        shape: of the whole.
    """
    if not places.shape[1]:
        return places, parts
    sums, firsts = sum_repeated(parts, flat_places(places, shape))
    return places[:, firsts], sums


class Rows:
    """Parts of a gradient, (nnz, ...), at places, (sparse dimensions, nnz)."""

    __slots__ = ("parts", "places", "shape")

    # NumPy's binary operators leave the work to ours.
    __array_ufunc__ = None

    def __init__(self, places: Any, parts: Any, shape: tuple[int, ...]) -> None:
        self.places, self.parts, self.shape = places, parts, shape

    @classmethod
    def of(cls, tensor: Any) -> Rows:
        """The listed places of a sparse tensor, in its memory."""
        return cls(tensor._places, tensor._stored._data, tensor._data.shape)

    def __add__(self, other: Any) -> Any:
        if type(other) is not Rows:
            return self.added_to(other.copy())
        places = np.concatenate([self.places, other.places], axis=1)
        parts = np.concatenate([self.parts, other.parts])
        return Rows(places, parts, self.shape)

    def __radd__(self, other: Any) -> Any:
        return self.added_to(other.copy())

    def __mul__(self, factor: float) -> Rows:
        return Rows(self.places, self.parts * factor, self.shape)

    def added_to(self, array: Any) -> Any:
        """The array, with the parts added to it in place."""
        places, sums = summed(self.places, self.parts, self.shape)
        array[tuple(places)] += sums
        return array

    def summed(self) -> Rows:
        """The same sum with each place once, in order."""
        places, parts = summed(self.places, self.parts, self.shape)
        return Rows(places, parts, self.shape)

    def tensor(self, coalesced: bool = False) -> Any:
        """A sparse tensor of these parts."""
        return SPARSE_OF[0](self.places, self.parts, self.shape, coalesced)

    def gathered(self, grad: Any) -> Any:
        """A leaf's gradient after this; it is the same tensor where it can be."""
        if grad is None:
            return self.tensor()
        if grad.is_sparse:
            total = (Rows.of(grad) + self).tensor()
            if grad._node is not None:
                return total
            grad._relist(total._places, total._stored, False)
            return grad
        if grad._node is not None:
            grad = grad.detach().clone()
        if grad._cell is not None:
            grad._cell[0] += 1
        self.added_to(grad._data)
        return grad
