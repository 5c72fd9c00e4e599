"""Arguments that are one number or one for each spatial dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.errors import ArgumentTypeError, ShapeError

__all__ = ["spatial"]


def spatial(value: Any, n: int, name: str) -> tuple[int, ...]:
    """``value`` as ``n`` ints; one number stands for all dimensions.

    Raises:
        TypeError: not integers.
        RuntimeError: another number of them.
    """
    if type(value) is int:
        return (value,) * n
    if isinstance(value, Sequence) and not isinstance(value, str):
        sizes = tuple(value)
        if len(sizes) == 1:
            sizes *= n
        if len(sizes) != n:
            raise ShapeError(f"{name} must be an int or {n} ints, got {tuple(value)}")
    else:
        sizes = (value,) * n
    for size in sizes:
        if not hasattr(size, "__index__") or isinstance(size, bool):
            raise ArgumentTypeError(f"{name} must be of ints, got {value!r}")
    return tuple(size.__index__() for size in sizes)
