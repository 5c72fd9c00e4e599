"""Values by place: what functions of sparse tensors are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.compressed import COMPRESS, CompressedTensor, compressed_of
from lampas.engine.modes import mode
from lampas.engine.record import RECORDS
from lampas.engine.rows import flat_places, runs, sum_repeated
from lampas.engine.sparse import LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import Tracer

__all__ = [
    "coalesced",
    "compressed",
    "coordinates",
    "listed",
    "matches",
    "merged",
    "picked",
    "summed_up",
    "values_at",
]

_take, _take_add = RECORDS["take"], RECORDS["take_add"]


def listed(name: str, x: Tensor, argument: str = "input") -> SparseTensor:
    """A sparse tensor as it is.

    Raises:
        RuntimeError: it is a dense one.
    """
    if not isinstance(x, SparseTensor):
        raise LayoutError(
            f"{name}: {argument} must be a sparse tensor in coordinate form, got "
            f"{getattr(x, 'layout', type(x).__name__)}"
        )
    return x


def picked(values: Tensor, at: Any) -> Tensor:
    """Entries of the first dimension, by an array of indices."""
    return _take.call(values, index=(at,))


def summed_up(values: Tensor, at: Any, count: int) -> Tensor:
    """Entries added up by index, (count, ...): the transpose of :func:`picked`."""
    shape = (count, *values.shape[1:])
    return _take_add.call(values, shape=shape, index=(at,))


def merged(places: Any, stored: Tensor, shape: Any) -> SparseTensor:
    """A sparse tensor that lists each place once, in order, with its values added."""
    flat, parts = flat_places(places, shape), stored._data
    untracked = stored._node is None or not mode.grad
    untracked = untracked and not isinstance(stored, Tracer)
    if untracked and type(parts) is np.ndarray and parts.dtype.char in "fd":
        sums, firsts = sum_repeated(parts, flat)
        return sparse_of(places[:, firsts], wrap(sums), tuple(shape), True)
    order, starts = runs(flat)
    stored = picked(stored, order)
    if len(starts) < len(order):
        run = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
        stored = summed_up(stored, run, len(starts))
    return sparse_of(places[:, order[starts]], stored, tuple(shape), True)


def coalesced(x: SparseTensor) -> SparseTensor:
    """The tensor with each place listed once, in order; itself if it is so."""
    return x if x._is_coalesced else merged(x._places, x._stored, x.shape)


def coordinates(x: SparseTensor) -> SparseTensor:
    """A compressed matrix in coordinate form, coalesced."""
    places, shape = x._places, tuple(x.shape)
    return coalesced(sparse_of(places, x._stored, shape, x._is_coalesced))


def compressed(x: SparseTensor, along: int) -> CompressedTensor:
    """A matrix with its rows compressed, or, with ``along`` 1, its columns."""
    x = x if x.is_distinct else coalesced(x)
    order = np.lexsort((x._places[1 - along], x._places[along]))
    places, stored = x._places, x._stored
    if not (order[1:] > order[:-1]).all():
        places, stored = places[:, order], picked(stored, order)
    return compressed_of(places, stored, tuple(x.shape), along)


COMPRESS.append(compressed)


def matches(x: SparseTensor, places: Any) -> tuple[Any, Any]:
    """Which of the places a coalesced tensor lists, and where it lists them."""
    count = x._places.shape[1]
    # Numbered together: the numbers of two calls need not go together.
    flat = flat_places(np.concatenate([x._places, places], axis=1), x.shape)
    known, wanted = flat[:count], flat[count:]
    if np.array_equal(known, wanted):
        return np.arange(count), np.arange(count)
    at = np.searchsorted(known, wanted)
    found = np.flatnonzero(np.append(known, -1)[at] == wanted)
    return found, at[found]


def values_at(x: SparseTensor, places: Any) -> Tensor:
    """The values of ``x`` at other places, (count, ...); zeros where it has none."""
    x = coalesced(x)
    found, at = matches(x, places)
    return summed_up(picked(x._stored, at), found, places.shape[1])
