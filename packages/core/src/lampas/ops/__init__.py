"""All operations, one file per family; importing this fills Tensor's methods."""

from lampas.engine import backward as _backward
from lampas.engine import inplace as _inplace
from lampas.ops import (
    _late,
    arithmetic,
    arrange,
    attributes,
    choose,
    compare,
    complex,
    convert,
    create,
    diagonal,
    erf,
    extremes,
    gather,
    grid,
    index,
    join,
    like,
    logs,
    mask,
    matmul,
    norms,
    operators,
    power,
    random,
    random_fill,
    reduce,
    replace,
    scan,
    scatter,
    shape,
    sort,
    split,
    trig,
    unary,
    variance,
    views,
)

FAMILIES = (
    arithmetic,
    arrange,
    choose,
    compare,
    complex,
    convert,
    create,
    diagonal,
    erf,
    extremes,
    gather,
    grid,
    index,
    join,
    like,
    logs,
    mask,
    matmul,
    norms,
    power,
    random,
    reduce,
    replace,
    scan,
    scatter,
    shape,
    sort,
    split,
    trig,
    unary,
    variance,
    views,
)
"""The modules whose ``__all__`` makes the functions of the ``lampas`` namespace.

Those of neural networks are in ``lampas.nn.functional``; ``neural`` names the ones that
PyTorch has in its top namespace too. Families of which few programs need anything are
loaded late and stand in ``_late``.
"""

__all__ = ["FAMILIES"]

_ = (_backward, _inplace, _late, attributes, operators, random_fill)
