"""Batching: run an op on all examples of a ``vmap`` at once.

A batched tensor shows the shape of one example; the tensor behind it has the examples
along its first dimension. Each op is run by its batching rule, by the rule of its kind,
or example by example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lampas.engine import batching
from lampas.engine.record import (
    ALONG_AXIS,
    DECLINE,
    ELEMENTWISE,
    REDUCTION,
    Record,
    taped,
)
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Hidden, HiddenValues, Level, Tracer, make
from lampas.ops.views import movedim
from lampas.random import default_generator
from lampas.transform.examples import (
    hide_batch,
    join_examples,
    reveal_batch,
    take_example,
)
from lampas.transform.tree import broadcast_prefix, flatten, tree_map, unflatten

__all__ = ["BatchLevel", "BatchTracer"]


class VmapInfo(NamedTuple):
    """What the ``vmap`` of an ``autograd.Function`` is told."""

    batch_size: int
    randomness: str


class BatchTracer(Tracer):
    """One example of a batch, standing for each of them."""

    def detach(self) -> Tensor:
        """The batch without history."""
        level: Any = self._level
        return level.wrap(self._value.detach())

    @property  # type: ignore[misc]
    def requires_grad(self) -> bool:
        """Whether operations on the batch are recorded."""
        return self._value.requires_grad


class BatchLevel(Level):
    """A ``vmap`` in progress.

    Args:
        size: how many examples there are.
        randomness: ``"error"``, ``"different"`` or ``"same"`` random numbers in each.
    """

    def __init__(self, size: int, randomness: str) -> None:
        super().__init__()
        self.size = size
        self.randomness = randomness

    def wrap(self, value: Tensor) -> BatchTracer:
        """A batched tensor; the examples are the first dimension of ``value``."""
        return make(BatchTracer, self, value, Hidden(self, value._data))

    def process(
        self, record: Record, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        batched = tuple(self.owns(x) for x in operands)
        values = tuple(self.value_of(x) for x in operands)
        if record.batch_rule is None:
            _rule_from_kind(record, params)
        outs: Any = DECLINE
        if record.batch_rule is not None:
            outs = record.batch_rule(taped, self.size, batched, *values, **params)
        if outs is DECLINE:
            return self.unroll(record.call, operands, params)
        if record.outputs == 1:
            return self.wrap(outs)
        return tuple(self.wrap(out) for out in outs)

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """A user's function: by its ``vmap`` if it has one, else by example."""
        if not hasattr(function, "vmap"):
            return self.unroll(function.apply, args, kwargs)
        values, shape = flatten(args)
        in_dims = [0 if self.owns(x) else None for x in values]
        info = VmapInfo(self.size, self.randomness)
        given = [self.value_of(x) for x in values]
        outs, out_dims = function.vmap(
            info, unflatten(shape, in_dims), *unflatten(shape, given), **kwargs
        )
        flat, form = flatten(outs)
        places = broadcast_prefix("vmap: out_dims", out_dims, outs)
        return unflatten(
            form,
            [
                out if place is None else self.wrap(movedim(out, place, 0))
                for out, place in zip(flat, places, strict=True)
            ],
        )

    def reveal(self, x: Any) -> Any:
        """An operand of each example as one operand, the batch its first dimension."""
        return reveal_batch(x, level=self) if isinstance(x, Tensor) else x

    def hide(self, x: Tensor) -> Tensor:
        """The entries of the first dimension as examples again."""
        return hide_batch(x, level=self)

    def shares(self, x: Tensor) -> bool:
        """Whether all examples have this operand in common, whatever is done to it."""
        return not isinstance(x, Tracer) or x._level.depth < self.depth

    def unroll(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        """Call a function for each example and stack what it returns."""
        results = []
        shape: Any = None
        state = default_generator.get_state() if self.randomness == "same" else None
        before = self.randomness, self.unrolling
        self.unrolling = True
        if self.randomness == "different":
            self.randomness = "same"
        try:
            # An empty batch is given an example of zeros, for the shapes of results.
            for i in range(max(self.size, 1)):
                if state is not None:
                    default_generator.set_state(state)
                own = tree_map(lambda x, i=i: self._example(x, i), (args, kwargs))
                values, shape = flatten(function(*own[0], **own[1]))
                results.append(values)
        finally:
            self.randomness, self.unrolling = before
        return unflatten(
            shape, [self._stacked(parts) for parts in zip(*results, strict=True)]
        )

    def _example(self, x: Any, i: int) -> Any:
        if isinstance(x, Hidden) and x.level is self:
            raise HiddenValues(self, "a parameter")
        if isinstance(x, Tracer) and x._level.depth >= self.depth:
            return take_example(x, level=self, index=i)
        return x

    def _stacked(self, parts: tuple[Any, ...]) -> Any:
        if not isinstance(parts[0], Tensor):
            return parts[0]
        return join_examples(*parts, level=self)


def _rule_from_kind(record: Record, params: dict[str, Any]) -> None:
    """Give a record the batching rule that follows from its kind, if one does."""
    if record.kind == ELEMENTWISE:
        batching.pointwise(record)
    elif record.kind in (REDUCTION, ALONG_AXIS) and "dim" in params:
        # A single dimension of an example that has none is no dimension of the batch.
        least = 1 if isinstance(params["dim"], int) else 0
        batching.moved(record, least=least, dim=batching.shifted)
