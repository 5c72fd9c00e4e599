"""Joining views to the tensor whose memory they share."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from lampas.engine.record import Record
from lampas.engine.tensor import Tensor, View, shared_cell

__all__ = ["join_view", "link_view"]


def link_view(record: Record, x: Tensor, outs: Any, params: dict[str, Any]) -> None:
    """Join views to their base: shared version cell, and the steps that lead there."""
    source = x._data
    # Memory borrowed from a buffer has that as its base, but is its views' owner.
    owner = source.base if type(source.base) is type(source) else source
    for i, out in enumerate((outs,) if record.outputs == 1 else outs):
        memory = out._data.base
        if out._data is not source and memory is not owner:
            if memory is None or not np.may_share_memory(out._data, source):
                continue
        join_view(record, x, out, i, params)


def join_view(
    record: Record, x: Tensor, out: Tensor, index: int, params: dict[str, Any]
) -> None:
    """Join the output ``index`` of a call on ``x`` to the base of ``x``."""
    cell = out._cell = shared_cell(x)
    base, steps = (x, ()) if x._view is None else (x._view.base, x._view.steps)
    step = (record, params, None if record.outputs == 1 else index)
    out._view = View(base, (*steps, step))
    _register(cell, out)


def _register(cell: list[Any], view: Tensor) -> None:
    """Remember a live view, so that in-place changes can renew its history."""
    views = cell[1]
    if views is None:
        views = cell[1] = []
    elif len(views) > 16 and len(views) & (len(views) - 1) == 0:
        views[:] = [ref for ref in views if ref() is not None]
    views.append(weakref.ref(view))
