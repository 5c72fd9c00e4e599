"""Vandermonde matrices: powers of numbers side by side."""

from __future__ import annotations

from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops.arrange import flip
from lampas.ops.join import cat
from lampas.ops.scan import cumprod

__all__ = ["vander"]


def powers(x: Tensor, columns: int) -> Tensor:
    """The powers 0 to ``columns - 1`` of each element, along a new last dimension."""
    wide = x.unsqueeze(-1).expand(*x._data.shape, columns - 1)
    higher = cumprod(wide, -1)
    return cat([higher.new_ones((*x._data.shape, 1)), higher], -1)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector, highest powers first.

    Args:
        x: (n,); integers give int64.
        N: the number of columns, n by default.
        increasing: lowest powers first: ``y[i, j] = x[i] ** j``.

    Raises:
        RuntimeError: the input is no vector, or ``N`` is negative.

    >>> lampas.vander(lampas.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    if x._data.ndim != 1:
        raise ShapeError(f"vander: x must be a vector, got shape {tuple(x.shape)}")
    columns = x._data.shape[0] if N is None else N
    if columns < 0:
        raise ShapeError(f"vander: N must not be negative, got {columns}")
    result = powers(x, max(columns, 1)).narrow(1, 0, columns)
    return result if increasing else flip(result, 1)
