"""Single examples of a batch, and batches of them, as ops that every level can pass.

A tensor may be batched by one transform and recorded by another inside it. Taking out
an example is then an op of the inner transform on what the outer one holds; so these
are records, of which the batching level named in the parameters does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.batching import moved
from lampas.engine.record import LINEAR, Record, op, taped
from lampas.engine.tracer import Tracer
from lampas.ops.create import zeros
from lampas.ops.join import stack
from lampas.ops.views import movedim, narrow, select

__all__ = ["hide_batch", "join_examples", "reveal_batch", "take_example"]

_take = op("take_example", kind=LINEAR, widen=False)
_put = op("put_example", kind=LINEAR, widen=False)
"""A batch of zeros but for one example: the transpose of ``take_example``."""
_join = op("join_examples", kind=LINEAR, widen=False)


@_take.forward
def take_example_forward(xp: Any, x: Any, *, level: Any, index: int) -> Any:
    return x


@_take.vjp
def take_example_vjp(F: Any, g: Any, *, need: Any, level: Any, index: int) -> Any:
    return (F.put_example(g, level=level, index=index),)


@_put.forward
def put_example_forward(xp: Any, x: Any, *, level: Any, index: int) -> Any:
    return x


@_put.vjp
def put_example_vjp(F: Any, g: Any, *, need: Any, level: Any, index: int) -> Any:
    return (F.take_example(g, level=level, index=index),)


@_join.forward
def join_examples_forward(xp: Any, *xs: Any, level: Any) -> Any:
    return xs


@_join.vjp
def join_examples_vjp(F: Any, g: Any, *, need: Any, level: Any) -> Any:
    return tuple(
        F.take_example(g, level=level, index=i) if wanted else None
        for i, wanted in enumerate(need)
    )


moved(_take, _put, _join)

_reveal = op("reveal_batch", kind=LINEAR, widen=False)
"""The batch behind an example, as a tensor with one more dimension in front."""
_hide = op("hide_batch", kind=LINEAR, widen=False)


@_reveal.forward
def reveal_batch_forward(xp: Any, x: Any, *, level: Any) -> Any:
    return x


@_reveal.vjp
def reveal_batch_vjp(F: Any, g: Any, *, need: Any, level: Any) -> Any:
    return (F.hide_batch(g, level=level),)


@_hide.forward
def hide_batch_forward(xp: Any, x: Any, *, level: Any) -> Any:
    return x


@_hide.vjp
def hide_batch_vjp(F: Any, g: Any, *, need: Any, level: Any) -> Any:
    return (F.reveal_batch(g, level=level),)


@_reveal.batch
def reveal_batch_batch(
    F: Any, size: int, batched: Any, /, x: Any, *, level: Any
) -> Any:
    return movedim(F.reveal_batch(x, level=level), 1, 0)


@_hide.batch
def hide_batch_batch(F: Any, size: int, batched: Any, /, x: Any, *, level: Any) -> Any:
    return F.hide_batch(movedim(x, 0, 1), level=level)


def _at_its_level(record: Record, work: Callable[..., Any]) -> Callable[..., Any]:
    """The call path: levels inside the batching level first, then ``work``."""

    def call(*xs: Any, level: Any, **params: Any) -> Any:
        top = level
        for x in xs:
            if isinstance(x, Tracer) and x._level.depth > top.depth:
                top = x._level
        if top is level:
            return work(level, *xs, **params)
        return top.process(record, xs, {"level": level, **params})

    record.call = call
    setattr(taped, record.name, call)
    return call


def _taken(level: Any, x: Any, *, index: int) -> Any:
    if not level.owns(x):
        return x
    if level.size == 0:
        return zeros(x._value.shape[1:], dtype=x.dtype, device=x.device)
    return select(x._value, 0, index)


def _placed(level: Any, x: Any, *, index: int) -> Any:
    shape = (level.size, *x.shape)
    return level.wrap(taped.slice_embed(x, shape=shape, index=(index,)))


def _joined(level: Any, *xs: Any) -> Any:
    together = stack(xs, 0)
    return level.wrap(together if level.size else narrow(together, 0, 0, 0))


def _revealed(level: Any, x: Any) -> Any:
    if level.owns(x):
        return x._value
    return taped.expand(x, shape=(level.size, *x.shape))


def _hidden(level: Any, x: Any) -> Any:
    return level.wrap(x)


take_example = _at_its_level(_take, _taken)
"""``take_example(x, level=, index=)``: one example of what ``level`` batches."""
_at_its_level(_put, _placed)
join_examples = _at_its_level(_join, _joined)
"""``join_examples(*xs, level=)``: results of all examples as a batch of ``level``."""
reveal_batch = _at_its_level(_reveal, _revealed)
"""``reveal_batch(x, level=)``: (size, *x.shape); repeated if ``level`` has no batch."""
hide_batch = _at_its_level(_hide, _hidden)
"""``hide_batch(x, level=)``: each entry of the first dimension as an example."""
