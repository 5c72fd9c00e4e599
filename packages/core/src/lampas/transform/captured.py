"""Tensors from outside that a function changes in place by values from inside.

Such a tensor would be left a tracer of a transform that has ended. What the function
makes for itself may be changed so: it is gone when the function has returned.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Level, Tracer, TransformError, make
from lampas.transform.tree import tree_map

__all__ = ["apart", "refuse_captured"]


def apart(level: Level, result: Any) -> Any:
    """The result with other tensor objects in the place of those that were changed."""
    return tree_map(_copied, result) if level.changed else result


def _copied(x: Any) -> Any:
    if not isinstance(x, Tracer):
        return x
    copy = make(type(x), x._level, x._value, x._data)
    copy.__dict__.update(x.__dict__)
    copy._node = x._node
    return copy


def refuse_captured(level: Level, args: Iterable[Any]) -> None:
    """Refuse that the function changed tensors from outside in place.

    Args:
        level: the transform, whose function has returned; nothing may hold its result.
        args: what the function was given.

    Raises:
        RuntimeError: it has changed some; they are as before.
    """
    if not level.changed:
        return
    ids = {id(x) for x in args if isinstance(x, Tensor)}
    if not _changed_but(level, ids):
        return
    gc.collect()  # A cycle may have kept what the function made.
    if _changed_but(level, ids):
        level.restore()
        raise TransformError(
            "inside a function transform, a tensor from outside of the function was "
            "changed in place by values from inside; return the new values from the "
            "function, or change a clone() made inside"
        )


def _changed_but(level: Level, ids: set[int]) -> bool:
    found = (reference() for reference, _ in list(level.changed.values()))
    return any(
        x is not None
        and id(x) not in ids
        and not (x._view is not None and id(x._view.base) in ids)
        for x in found
    )
