"""Zeros where a mask is false, without a branch for each element."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["masked", "stopped"]

_BITS = {4: np.int32, 8: np.int64}


def masked(xp: Any, mask: Any, x: Any) -> Any:
    """``x`` where ``mask`` is true, else 0; of one shape.

    ``where`` guesses wrongly at each second element of a random mask and takes eight
    times as long; multiplying would make nan of 0 times infinity. So bits are masked.
    """
    bits = _BITS.get(x.dtype.itemsize) if x.dtype.kind == "f" else None
    if bits is None or not mask.ndim or mask.shape != x.shape:
        return xp.where(mask, x, x.dtype.type(0))
    kept = mask.astype(bits)
    xp.negative(kept, out=kept)
    kept &= x.view(bits)
    return kept.view(x.dtype)


def stopped(xp: Any, mask: Any, x: Any) -> Any:
    """``x`` where ``mask`` is false, else 0; of one shape."""
    bits = _BITS.get(x.dtype.itemsize) if x.dtype.kind == "f" else None
    if bits is None or not mask.ndim or mask.shape != x.shape:
        return xp.where(mask, x.dtype.type(0), x)
    kept = mask.astype(bits)
    kept -= 1
    kept &= x.view(bits)
    return kept.view(x.dtype)
