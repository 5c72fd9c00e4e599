"""Ops whose index differs between the examples of a ``vmap``, on the whole batch.

An index is read when an op is called, so it can't be hidden in a batch. These rules
bring the batch of operands to light as one more dimension, and index that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.engine.record import DECLINE, taped
from lampas.engine.tensor import Tensor, wrap
from lampas.ops._arguments import normalize_dim

__all__ = ["along_dim", "picked", "placed", "repeated", "rows_of_tables"]


def repeated(size: int, index: Any) -> Any:
    """An index array that all examples share, as one with the batch in front."""
    return np.broadcast_to(index, (size, *index.shape))


def along_dim(
    level: Any,
    function: Callable[..., Any],
    input: Tensor,
    dim: int,
    index: Tensor,
    *rest: Any,
    **named: Any,
) -> Any:
    """``function(input, dim, index, ...)`` where each operand is as wide as input."""
    tensors = [index, *rest, *named.values()]
    ranks = {x.ndim for x in tensors if isinstance(x, Tensor)}
    if input.ndim == 0 or ranks != {input.ndim}:
        return DECLINE
    dim = normalize_dim(dim, input.ndim) + 1
    shown = [level.reveal(x) for x in rest]
    named = {name: level.reveal(x) for name, x in named.items()}
    return level.hide(
        function(level.reveal(input), dim, level.reveal(index), *shown, **named)
    )


def picked(level: Any, function: Callable[..., Any], input: Tensor, index: Any) -> Any:
    """``function(input, index)`` for integer tensors side by side, slices around."""
    items = index if isinstance(index, tuple) else (index,)
    plain = [type(item) is slice for item in items]
    places = [i for i, known in enumerate(plain) if not known]
    first, count = places[0], len(places)
    arrays = items[first : first + count]
    if places[-1] - first + 1 != count or not all(
        isinstance(a, Tensor) and a.dtype.category == 1 for a in arrays
    ):
        return DECLINE
    if len(items) > input.ndim or level.size == 0:
        return DECLINE
    around = tuple(
        item if known else slice(None) for item, known in zip(items, plain, strict=True)
    )
    view = function(input, around)
    wide = max(a.ndim for a in arrays)
    chosen = [
        level.reveal(a).reshape(level.size, *(1,) * (wide - a.ndim), *a.shape)
        for a in arrays
    ]
    shared = level.shares(view)
    view = view if shared else level.reveal(view)
    lead = 0 if shared else 1
    rest = [d for d in range(view.ndim) if not lead + first <= d < lead + first + count]
    order = (*rest[:lead], *range(lead + first, lead + first + count), *rest[lead:])
    view = taped.permute(view, dims=order)
    if not shared:
        here = np.arange(level.size).reshape(-1, *(1,) * wide)
        chosen.insert(0, wrap(here))
    out = function(view, tuple(chosen))
    # Behind the batch: the dimensions of the index, those before it, those after it.
    order = (
        0,
        *range(1 + wide, 1 + wide + first),
        *range(1, 1 + wide),
        *range(1 + wide + first, out.ndim),
    )
    return level.hide(taped.permute(out, dims=order))


def placed(
    level: Any, function: Callable[..., Any], input: Tensor, index: Any, value: Any
) -> Any:
    """``function(input, index, value)`` for integer tensors from the front."""
    items = index if isinstance(index, (tuple, list)) else (index,)
    known = all(isinstance(a, Tensor) and a.dtype.category == 1 for a in items)
    if not known or len(items) > input.ndim:
        return DECLINE
    wide = max(a.ndim for a in items)
    chosen = [wrap(np.arange(level.size).reshape(-1, *(1,) * wide))]
    for a in items:
        shape = (level.size, *(1,) * (wide - a.ndim), *a.shape)
        chosen.append(level.reveal(a).reshape(shape))
    if isinstance(value, Tensor):
        missing = wide + input.ndim - len(items) - value.ndim
        if missing < 0:
            return DECLINE
        shape = (level.size, *(1,) * missing, *value.shape)
        value = level.reveal(value).reshape(shape)
    return level.hide(function(level.reveal(input), tuple(chosen), value))


def rows_of_tables(level: Any, index: Tensor, table: Tensor) -> tuple[Any, Any, Any]:
    """Rows of a table of each example as rows of one table.

    Returns:
        The index and the table, and where the table of each example begins.
    """
    count, width = table.shape
    tables = level.reveal(table).reshape(level.size * count, width)
    starts = np.arange(level.size) * count
    shape = (-1, *(1,) * index.ndim)
    return level.reveal(index) + wrap(starts.reshape(shape)), tables, starts
