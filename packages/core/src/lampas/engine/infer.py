"""Shape rules: helpers that give an op's output specs from its input specs.

A spec is (shape, dtype); sizes may be symbols, so the helpers compare and combine
sizes but never compute with their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lampas.errors import ShapeError

__all__ = [
    "Spec",
    "broadcast",
    "broadcast_shapes",
    "given_shape",
    "like_input",
    "predicate",
    "reduced",
    "reduced_twice",
]


class Spec(NamedTuple):
    """Shape and NumPy dtype of an array that need not exist."""

    shape: tuple[Any, ...]
    dtype: np.dtype


def like_input(specs: Sequence[Spec], **params: Any) -> Spec:
    """The first input's shape and dtype."""
    return specs[0]


def given_shape(specs: Sequence[Spec], *, shape: Any, **params: Any) -> Spec:
    """The shape that a parameter says; the first input's dtype."""
    return Spec(tuple(shape), specs[0].dtype)


def broadcast_shapes(*shapes: Sequence[Any]) -> tuple[Any, ...]:
    """The shape to which all of these broadcast.

    Raises:
        RuntimeError: two sizes differ and neither is 1.
    """
    ndim = max((len(s) for s in shapes), default=0)
    result: list[Any] = [1] * ndim
    for shape in shapes:
        for i, size in enumerate(shape, start=ndim - len(shape)):
            if result[i] == 1:
                result[i] = size
            elif size != 1 and size != result[i]:
                raise ShapeError(
                    f"shapes {', '.join(str(tuple(s)) for s in shapes)} can't be "
                    f"broadcast: at dimension {i}, {size} meets {result[i]}"
                )
    return tuple(result)


def broadcast(specs: Sequence[Spec], **params: Any) -> Spec:
    """The broadcast shape; the first input's dtype."""
    return Spec(broadcast_shapes(*(s.shape for s in specs)), specs[0].dtype)


def predicate(specs: Sequence[Spec], **params: Any) -> Spec:
    """The broadcast shape; bool."""
    return Spec(broadcast_shapes(*(s.shape for s in specs)), np.dtype(bool))


def reduced(specs: Sequence[Spec], *, dim: Any, keepdim: bool, **params: Any) -> Spec:
    """The first input without the dimensions ``dim`` (None: without any)."""
    shape, dtype = specs[0]
    dims = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim
    gone = {d % len(shape) for d in dims} if shape else set()
    if keepdim:
        kept = tuple(1 if i in gone else s for i, s in enumerate(shape))
    else:
        kept = tuple(s for i, s in enumerate(shape) if i not in gone)
    return Spec(kept, dtype)


def reduced_twice(specs: Sequence[Spec], **params: Any) -> tuple[Spec, Spec]:
    """Two results of one reduction."""
    spec = reduced(specs, **params)
    return spec, spec
