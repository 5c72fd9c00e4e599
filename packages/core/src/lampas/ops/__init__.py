"""All operations, one file per family; importing this fills Tensor's methods."""

from lampas.engine import backward as _backward
from lampas.engine import inplace as _inplace
from lampas.ops import (
    arithmetic,
    create,
    gather,
    index,
    join,
    mask,
    matmul,
    operators,
    reduce,
    shape,
    unary,
    views,
)

FAMILIES = (
    arithmetic,
    create,
    gather,
    index,
    join,
    mask,
    matmul,
    reduce,
    shape,
    unary,
    views,
)
"""The modules whose ``__all__`` makes the functions of the ``lampas`` namespace."""

__all__ = ["FAMILIES"]

_ = (_backward, _inplace, operators)
