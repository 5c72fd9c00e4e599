"""All operations, one file per family; importing this fills Tensor's methods."""

from lampas.engine import backward as _backward
from lampas.engine import inplace as _inplace
from lampas.ops import (
    arithmetic,
    choose,
    compare,
    convert,
    create,
    einsum,
    erf,
    extremes,
    gather,
    index,
    join,
    mask,
    matmul,
    neural,
    norms,
    operators,
    power,
    random,
    recurrent,
    reduce,
    scan,
    shape,
    sort,
    trig,
    unary,
    views,
)

FAMILIES = (
    arithmetic,
    choose,
    compare,
    convert,
    create,
    einsum,
    erf,
    extremes,
    gather,
    index,
    join,
    mask,
    matmul,
    neural,
    norms,
    power,
    random,
    recurrent,
    reduce,
    scan,
    shape,
    sort,
    trig,
    unary,
    views,
)
"""The modules whose ``__all__`` makes the functions of the ``lampas`` namespace."""

__all__ = ["FAMILIES"]

_ = (_backward, _inplace, operators)
