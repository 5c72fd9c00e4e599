"""Arithmetic of sparse tensors: what keeps zeros zero works on the listed values.

What is linear in the values needs no adding up of places that are listed twice.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.engine.record import RECORDS
from lampas.engine.sparse import RULES, LayoutError, SparseTensor, sparse_of
from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._places import coalesced, matches, picked, summed_up

__all__: list[str] = []

_cat, _cast, _clone = RECORDS["cat"], RECORDS["cast"], RECORDS["clone"]
_permute, _take = RECORDS["permute"], RECORDS["take"]


def _neg(x: SparseTensor) -> Tensor:
    return x.with_values(-x._stored)  # type: ignore[operator]


def _is_scalar(x: Any) -> bool:
    return isinstance(x, numbers.Number) or x.ndim == 0


def _mul(x: Any, other: Any) -> Tensor:
    if not isinstance(x, SparseTensor):
        x, other = other, x
    if _is_scalar(other):
        return x.with_values(x._stored * other)
    if isinstance(other, SparseTensor):
        return _both(x, other)
    if other.ndim > x.ndim:
        raise ShapeError(
            f"mul: a dense tensor of shape {tuple(other.shape)} can't be broadcast to "
            f"the sparse one's {tuple(x.shape)}"
        )
    theirs = _take.call(other.expand(x.shape), index=tuple(x._places))
    return x.with_values(x._stored * theirs)


def _both(x: SparseTensor, other: SparseTensor) -> Tensor:
    """The product at the places that both list, or at all of one that repeats some."""
    if x.shape != other.shape or len(x._places) != len(other._places):
        raise ShapeError(
            "mul: sparse tensors must have one shape and as many sparse dimensions, "
            f"got {tuple(x.shape)} and {tuple(other.shape)}"
        )
    if x._is_coalesced and not other._is_coalesced:
        x, other = other, x
    other = coalesced(other)
    found, at = matches(other, x._places)
    parts = picked(x._stored, found) * picked(other._stored, at)  # type: ignore[operator]
    if x._is_coalesced:
        return sparse_of(x._places[:, found], parts, tuple(x.shape), True)
    return x.with_values(summed_up(parts, found, x._places.shape[1]))


def _div(x: Any, other: Any) -> Tensor:
    if not isinstance(x, SparseTensor) or not _is_scalar(other):
        raise LayoutError("div: a sparse tensor is divided by a single number only")
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


def _chained(*xs: Any, dim: int) -> Tensor:
    """Sparse tensors one behind the other along a sparse dimension."""
    first = xs[0]
    for x in xs:
        if not isinstance(x, SparseTensor) or len(x._places) != len(first._places):
            raise LayoutError(
                "cat: all tensors must be sparse, with as many sparse dimensions"
            )
    if dim >= len(first._places):
        raise LayoutError(f"cat: dimension {dim} is dense; call to_dense() first")
    places = np.concatenate([x._places for x in xs], axis=1)
    ends = np.cumsum([x.shape[dim] for x in xs])
    counts = [x._places.shape[1] for x in xs]
    places[dim] += np.repeat(ends - [x.shape[dim] for x in xs], counts)
    shape = (*first.shape[:dim], int(ends[-1]), *first.shape[dim + 1 :])
    return sparse_of(places, _cat.call(*(x._stored for x in xs), dim=0), shape)


def _permuted(x: SparseTensor, *, dims: tuple[int, ...]) -> Tensor:
    """The dimensions in another order, sparse ones among themselves."""
    depth = len(x._places)
    if any(d >= depth for d in dims[:depth]):
        raise LayoutError(
            f"permute: the first {depth} dimensions are sparse and change places with "
            f"each other only, got the order {dims}"
        )
    stored = x._stored
    if dims[depth:] != tuple(range(depth, x.ndim)):
        inner = (0, *(d - depth + 1 for d in dims[depth:]))
        stored = _permute.call(stored, dims=inner)
    if dims[:2] == (1, 0) and depth == 2:
        return x.turned_with(stored)
    if dims[:depth] == tuple(range(depth)):
        return x.with_values(stored)
    shape = tuple(x.shape[d] for d in dims)
    return sparse_of(x._places[list(dims[:depth])], stored, shape)


def _transposed(x: SparseTensor) -> Tensor:
    last = x.ndim - 1
    return _permuted(x, dims=(*range(last - 1), last, last - 1))


def _pow(x: SparseTensor, *, exponent: float) -> Tensor:
    if exponent == 0:
        raise LayoutError(
            "pow: the power 0 of a sparse tensor has no zeros; call to_dense() first"
        )
    x = coalesced(x)
    return x.with_values(RECORDS["pow_number"].call(x._stored, exponent=exponent))


_ZERO_AT_ZERO = """
abs asin asinh atan atanh ceil erf erfinv expm1 floor frac isinf isnan log1p
nan_to_num relu round sgn sign signbit sin sinh sqrt square tan tanh trunc
""".split()


def _of_values(name: str) -> Callable[..., Tensor]:
    """An op that is zero at zero, on the sums of what is listed of each place."""

    def rule(x: SparseTensor, **params: Any) -> Tensor:
        x = x if x.is_distinct else coalesced(x)
        return x.with_values(RECORDS[name].call(x._stored, **params))

    return rule


RULES.update({name: _of_values(name) for name in _ZERO_AT_ZERO})
RULES.update(
    neg=_neg,
    mul=_mul,
    div=_div,
    add=_add,
    sub=_sub,
    cast=_cast_to,
    cat=_chained,
    clone=_cloned,
    matrix_transpose=_transposed,
    permute=_permuted,
    pow_number=_pow,
)
