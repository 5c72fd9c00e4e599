"""Positions of elements in a result whose size is known before."""

from __future__ import annotations

from typing import Any

from lampas.backend.device import namespace_of
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ShapeError
from lampas.ops.mask import nonzero

__all__ = ["nonzero_static"]


@method()
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` positions of elements that are not zero.

    Args:
        size: the number of rows; what is too much is left out.
        fill_value: stands in the rows that are left.

    Returns:
        (size, ndim) of int64.

    Raises:
        RuntimeError: ``size`` is negative.

    >>> lampas.nonzero_static(lampas.tensor([0, 3, 0, 5]), size=3)
    tensor([[ 1],
            [ 3],
            [-1]])
    """
    if size < 0:
        raise ShapeError(f"nonzero_static: size must not be negative, got {size}")
    found = nonzero(input)._data[:size]
    xp: Any = namespace_of(found)
    result = xp.full((size, found.shape[1]), fill_value, found.dtype)
    result[: len(found)] = found
    return wrap(result)
