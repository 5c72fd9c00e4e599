"""Grids and combinations: all pairs, triples, ... of what several vectors hold."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor, wrap
from lampas.errors import DTypeError, ShapeError
from lampas.ops.join import stack
from lampas.ops.shape import expand, reshape

__all__ = ["cartesian_prod", "combinations", "meshgrid"]


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid, one tensor per dimension.

    Args:
        tensors: vectors (or numbers) of one dtype, one by one or as a list.
        indexing: ``"ij"``: dimensions in the order of the vectors; ``"xy"``: the first
            two exchanged, as in images.

    Returns:
        Views of the vectors, each of the shape of the grid.

    Raises:
        RuntimeError: not vectors, different dtypes, none, or ``indexing`` is neither.

    >>> rows, columns = lampas.meshgrid(lampas.tensor([1, 2]), lampas.tensor([3, 4]))
    >>> rows
    tensor([[1, 1],
            [2, 2]])
    """
    given = tensors[0] if len(tensors) == 1 else tensors
    vectors = [given] if isinstance(given, Tensor) else list(given)
    if not vectors:
        raise ShapeError("meshgrid: expected at least one tensor, got none")
    if indexing not in ("ij", "xy"):
        raise ShapeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    for i, x in enumerate(vectors):
        if x._data.ndim > 1:
            raise ShapeError(
                f"meshgrid: tensors[{i}] must be a vector, got shape {tuple(x.shape)}"
            )
        if x.dtype is not vectors[0].dtype:
            raise DTypeError(
                f"meshgrid: tensors must have one dtype, got {vectors[0].dtype} and "
                f"{x.dtype}"
            )
    swap = indexing == "xy" and len(vectors) > 1
    if swap:
        vectors[0], vectors[1] = vectors[1], vectors[0]
    sizes = [x._data.size for x in vectors]
    grids = []
    for i, x in enumerate(vectors):
        column = reshape(x, *(sizes[j] if j == i else 1 for j in range(len(sizes))))
        grids.append(expand(column, *sizes))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All choices of one element from each vector, as rows in order.

    Raises:
        RuntimeError: not vectors of one dtype.

    >>> lampas.cartesian_prod(lampas.tensor([1, 2]), lampas.tensor([3]))
    tensor([[1, 3],
            [2, 3]])
    """
    for i, x in enumerate(tensors):
        if x._data.ndim != 1:
            raise ShapeError(
                f"cartesian_prod: tensors[{i}] must be a vector, got shape "
                f"{tuple(x.shape)}"
            )
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, -1) for x in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector, as rows in order.

    Args:
        input: the vector.
        r: how many are chosen, >= 0.
        with_replacement: whether one element may be chosen again.

    Raises:
        RuntimeError: not a vector, or ``r`` is negative.

    >>> lampas.combinations(lampas.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input._data.ndim != 1:
        raise ShapeError(
            f"combinations: input must be a vector, got shape {tuple(input.shape)}"
        )
    if r < 0:
        raise ShapeError(f"combinations: r must be >= 0, got {r}")
    if r == 0:
        return input.new_empty((0,))
    choose = (
        itertools.combinations_with_replacement
        if with_replacement
        else itertools.combinations
    )
    rows = np.array(list(choose(range(input._data.size), r)), np.int64)
    return input[wrap(rows.reshape(-1, r))]
