"""Arithmetic of sparse tensors: what keeps zeros zero works on the listed values.

All of it is linear in the values, so places that are listed twice need no adding up
before.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from lampas.engine.record import RECORDS
from lampas.engine.sparse import RULES, LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError

__all__: list[str] = []

_cat, _cast, _clone = RECORDS["cat"], RECORDS["cast"], RECORDS["clone"]


def _neg(x: SparseTensor) -> Tensor:
    return x.with_values(-x._stored)  # type: ignore[operator]


def _mul(x: Any, other: Any) -> Tensor:
    if isinstance(x, numbers.Number):
        x, other = other, x
    if not isinstance(other, numbers.Number):
        raise LayoutError("mul: a sparse tensor is multiplied by a number only")
    return x.with_values(x._stored * other)


def _div(x: Any, other: Any) -> Tensor:
    if not isinstance(other, numbers.Number):
        raise LayoutError("div: a sparse tensor is divided by a number only")
    return x.with_values(x._stored / other)


def _add(x: Any, other: Any) -> Tensor:
    if not isinstance(x, Tensor) or not isinstance(other, Tensor):
        raise LayoutError("add: a number can't be added to a sparse tensor")
    if not isinstance(x, SparseTensor):
        return x + other.to_dense()  # type: ignore[attr-defined, operator]
    if not isinstance(other, SparseTensor):
        return x.to_dense() + other  # type: ignore[attr-defined]
    return _joined(x, other)


def _joined(x: SparseTensor, other: SparseTensor) -> Tensor:
    """The sum of two sparse tensors: the places of both, listed one after the other."""
    if x.shape != other.shape:
        raise ShapeError(
            f"add: sparse tensors must have one shape, got {tuple(x.shape)} and "
            f"{tuple(other.shape)}"
        )
    if len(x._places) != len(other._places) or x.dtype is not other.dtype:
        raise LayoutError(
            "add: sparse tensors must have as many sparse dimensions and one dtype"
        )
    places = np.concatenate([x._places, other._places], axis=1)
    return sparse_of(places, _cat.call(x._stored, other._stored, dim=0), tuple(x.shape))


def _sub(x: Any, other: Any) -> Tensor:
    return _add(x, -other)


def _cast_to(x: SparseTensor, *, dtype: Any) -> Tensor:
    return x.with_values(_cast.call(x._stored, dtype=dtype))


def _cloned(x: SparseTensor, **params: Any) -> Tensor:
    return x.with_values(_clone.call(x._stored, **params))


RULES.update(
    neg=_neg, mul=_mul, div=_div, add=_add, sub=_sub, cast=_cast_to, clone=_cloned
)
