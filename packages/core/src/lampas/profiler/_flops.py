"""How many floating-point operations a call makes, by what PyTorch counts.

Products and convolutions, where a multiplication and an addition are two; sums and
products by element, where each is one. Other calls count nothing.
"""

from __future__ import annotations

import math

from lampas.engine.timing import Noted

__all__ = ["flops_of"]


def flops_of(noted: Noted) -> int:
    """The operations of a call whose shapes were noted; 0 if they are not known."""
    shapes, result = noted.shapes, noted.result
    if noted.kind != "op" or not shapes or result is None:
        return 0
    if noted.name in ("add", "mul"):
        return math.prod(result)
    if noted.name in ("matmul", "linear", "linear_bias"):
        # Each element of the result is one row by one column.
        return 2 * math.prod(result) * (shapes[0][-1] if shapes[0] else 1)
    if noted.name in ("conv", "conv_bias"):
        return 2 * math.prod(result) * math.prod(shapes[1][1:])
    return 0
