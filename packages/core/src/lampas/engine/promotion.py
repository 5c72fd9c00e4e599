"""PyTorch's type promotion: dimensioned tensors, then 0-d tensors, then numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.dtypes import (
    DType,
    bool_,
    from_numpy_dtype,
    get_default_dtype,
    int64,
    promote_types,
)

__all__ = ["number_dtype", "result_type_of"]


def number_dtype(value: Any) -> DType:
    """The type that a Python number has when it meets no tensor."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    if isinstance(value, complex):
        return get_default_dtype().to_complex()
    return get_default_dtype()


def result_type_of(operands: Sequence[Any]) -> DType:
    """The common type of arrays (anything with ``dtype`` and ``ndim``) and numbers.

    Operands of a lower rank of priority count only where their category is higher:
    a 0-d double added to a float vector leaves it float.
    """
    found: list[DType | None] = [None, None, None]
    for operand in operands:
        if isinstance(operand, (bool, int, float, complex)):
            rank, dtype = 2, number_dtype(operand)
        else:
            rank = 0 if operand.ndim else 1
            dtype = from_numpy_dtype(np.dtype(operand.dtype))
        previous = found[rank]
        found[rank] = dtype if previous is None else promote_types(previous, dtype)
    result = None
    for dtype in found:
        if dtype is None:
            continue
        if result is None:
            result = dtype
        elif dtype.category > result.category:
            # A weak complex operand keeps the width of the strong real one.
            if dtype.is_complex and result.is_floating_point:
                result = promote_types(result.to_complex(), result)
            else:
                result = dtype
    return result if result is not None else get_default_dtype()
