"""Picking and placing elements of rows by index: what irregular pooling rests on."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor
from lampas.ops.index import add_at

__all__ = ["gather_flat", "scatter_flat"]


def _like_index(specs: Any, **params: Any) -> Spec:
    return Spec(specs[1].shape, specs[0].dtype)


def _with_size(specs: Any, *, size: int, **params: Any) -> Spec:
    return Spec((*specs[0].shape[:-1], size), specs[0].dtype)


_gather = op(
    "gather_flat", kind=LINEAR, saves="index x.shape", fresh=True, infer=_like_index
)
_scatter = op("scatter_flat", kind=LINEAR, saves="index", fresh=True, infer=_with_size)


@_gather.forward
def gather_flat_forward(xp: Any, x: Any, index: Any, *, unique: bool) -> Any:
    return xp.take_along_axis(x, index, axis=-1)


@_gather.vjp
def gather_flat_vjp(
    F: Any, g: Any, index: Any, shape: Any, *, need: Any, unique: bool
) -> Any:
    return F.scatter_flat(g, index, size=shape[-1], unique=unique), None


@_scatter.forward
def scatter_flat_forward(
    xp: Any, x: Any, index: Any, *, size: int, unique: bool
) -> Any:
    result = xp.zeros((*x.shape[:-1], size), x.dtype)
    if unique:
        xp.put_along_axis(result, index, x, axis=-1)
        return result
    start = xp.arange(math.prod(x.shape[:-1])).reshape(*x.shape[:-1], 1) * size
    add_at(xp, result.reshape(-1), ((index + start).reshape(-1),), x.reshape(-1))
    return result


@_scatter.vjp
def scatter_flat_vjp(
    F: Any, g: Any, index: Any, *, need: Any, size: int, unique: bool
) -> Any:
    return F.gather_flat(g, index, unique=unique), None


def gather_flat(input: Tensor, index: Tensor, unique: bool = False) -> Tensor:
    """The elements of the last dimension at ``index``; ``unique``: none twice."""
    return _gather.call(input, index, unique=unique)


def scatter_flat(
    input: Tensor, index: Tensor, size: int, unique: bool = False
) -> Tensor:
    """Zeros of ``size`` along the last dimension, with ``input`` added at ``index``."""
    return _scatter.call(input, index, size=size, unique=unique)
