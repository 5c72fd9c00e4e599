"""Batching rules that many ops share.

A rule is ``rule(F, size, batched, *values, **params)``: the op on ``size`` examples at
once. Values of which ``batched`` is True have the examples along their first
dimension, as every result must. A rule may return DECLINE; the op is then run example
by example. (The first three are positional only: an op may have such parameters.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.record import DECLINE, Record

__all__ = [
    "aligned",
    "all_batched",
    "folded",
    "indexed",
    "moved",
    "pointwise",
    "prefixed",
    "shifted",
]


def all_batched(F: Any, size: int, batched: Any, values: Any) -> list[Any]:
    """The values, those without a batch repeated ``size`` times as views."""
    return [
        v if known else F.expand(v, shape=(size, *v.shape))
        for v, known in zip(values, batched, strict=True)
    ]


def aligned(F: Any, batched: Any, values: Any) -> list[Any]:
    """Batched values with dimensions of size 1 behind the batch, to equal ranks."""
    ranks = [
        getattr(v, "ndim", 0) - known for v, known in zip(values, batched, strict=True)
    ]
    most = max(ranks)
    return [
        F.reshape(v, shape=(v.shape[0], *(1,) * (most - rank), *v.shape[1:]))
        if known and rank < most
        else v
        for v, known, rank in zip(values, batched, ranks, strict=True)
    ]


def pointwise(*records: Record) -> None:
    """Batch ops whose operands broadcast against each other."""
    for record in records:
        record.batch(_pointwise_rule(record))


def _pointwise_rule(record: Record) -> Callable[..., Any]:
    def rule(F: Any, size: int, batched: Any, /, *values: Any, **params: Any) -> Any:
        return record.call(*aligned(F, batched, values), **params)

    return rule


# ---- parameters of one example as those of the batch


def shifted(size: int, dim: Any) -> Any:
    """Dimensions, counted from the front."""
    return dim + 1 if isinstance(dim, int) else tuple(d + 1 for d in dim)


def prefixed(size: int, shape: Any) -> Any:
    """A shape."""
    return (size, *shape)


def indexed(size: int, index: Any) -> Any:
    """An index; DECLINE where arrays that stand apart move their dimensions."""
    places = [i for i, item in enumerate(index) if hasattr(item, "shape")]
    if places and places[-1] - places[0] + 1 != len(places):
        return DECLINE
    return (slice(None), *index)


def moved(
    *records: Record, least: int = 0, **params: Callable[[int, Any], Any]
) -> None:
    """Batch ops that take the batch as one more dimension in front.

    Args:
        records: the ops.
        least: how many dimensions an example must have.
        params: for each parameter that speaks of dimensions, how it changes: one of
            the functions above.
    """
    for record in records:
        record.batch(_moved_rule(record, least, params))


def folded(*records: Record) -> None:
    """Batch ops of one operand whose first dimension already counts examples."""
    for record in records:
        record.batch(_folded_rule(record))


def _folded_rule(record: Record) -> Callable[..., Any]:
    def rule(F: Any, size: int, batched: Any, /, x: Any, **params: Any) -> Any:
        rows = F.reshape(x, shape=(size * x.shape[1], *x.shape[2:]))
        out = record.call(rows, **params)
        return F.reshape(out, shape=(size, x.shape[1], *out.shape[1:]))

    return rule


def _moved_rule(
    record: Record, least: int, changes: dict[str, Callable[[int, Any], Any]]
) -> Callable[..., Any]:
    def rule(F: Any, size: int, batched: Any, /, *values: Any, **params: Any) -> Any:
        values = all_batched(F, size, batched, values)
        if any(v.ndim - 1 < least for v in values):
            return DECLINE
        for name, change in changes.items():
            if params[name] is None:
                return DECLINE
            params[name] = change(size, params[name])
            if params[name] is DECLINE:
                return DECLINE
        return record.call(*values, **params)

    return rule
