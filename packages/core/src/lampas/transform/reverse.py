"""Reverse mode as a level: a tape of its own over what other transforms hold.

Only used inside other transforms; a gradient that stands alone uses the ordinary tape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.callpath import branch
from lampas.engine.function import record_outputs, run_forward
from lampas.engine.modes import mode
from lampas.engine.operands import half_of
from lampas.engine.record import Record
from lampas.engine.tape import Leaf, MultiNode, Node, make_node, walk
from lampas.engine.tensor import Tensor, shared_cell, wrap
from lampas.engine.tracer import Level, Tracer, make

__all__ = ["ReverseLevel", "ReverseTracer", "any_float", "record_call", "source"]


class ReverseTracer(Tracer):
    """A tensor whose operations one ``grad`` or ``vjp`` records."""


class ReverseLevel(Level):
    """A ``grad`` or ``vjp`` in progress inside another transform."""

    def wrap(self, value: Tensor, node: Any) -> ReverseTracer:
        """A tensor of this level with its node."""
        tracer = make(ReverseTracer, self, value, value._data)
        tracer._node = node
        return tracer

    def process(
        self, record: Record, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        values = tuple(self.value_of(x) for x in operands)
        nodes = self._nodes(operands)
        outs = record.call(*values, **params)
        if not mode.grad or (record.vjp_rule is None and not any_float(outs)):
            return outs
        single = record.outputs == 1
        node = record_call(record, values, outs, nodes, params)
        if single:
            return self.wrap(outs, node)
        traced = tuple(self.wrap(out, None) for out in outs)
        branch(node, traced)
        return tuple(t if t._node is not None else t._value for t in traced)

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """A user's function, whose ``backward`` this level will call."""
        values = tuple(self.value_of(x) for x in args)
        nodes = self._nodes(args)
        ctx, outs, single = run_forward(function, nodes, values, kwargs)
        if mode.grad and any(ctx.needs_input_grad):
            outs = tuple(
                self.wrap(out, None) if isinstance(out, Tensor) else out for out in outs
            )
            record_outputs(function, ctx, nodes, outs)
        return outs[0] if single else outs

    def _nodes(self, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(x._node if self.owns(x) else None for x in operands)

    def pull(self, outs: Any, cotangents: Any, sources: Any) -> list[Any]:
        """The cotangents of the sources: None where an output does not depend on it.

        Args:
            outs: what the function returned.
            cotangents: one for each output that belongs to this level, None elsewhere.
            sources: tracers from :func:`source`.
        """
        wanted: dict[Any, Any] = {x._node: None for x in sources}
        roots = [
            (out._node, g)
            for out, g in zip(outs, cotangents, strict=True)
            if g is not None and self.owns(out)
        ]
        walk(
            roots, create_graph=True, retain_graph=True, wanted=wanted, record=mode.grad
        )
        return list(wanted.values())


def any_float(outs: Any) -> bool:
    """Whether an output of a call can have a derivative."""
    results = outs if isinstance(outs, tuple) else (outs,)
    return any(out.dtype.category >= 2 for out in results)


def source(level: ReverseLevel, value: Tensor) -> ReverseTracer:
    """A tensor by which the level differentiates."""
    tracer = level.wrap(value, None)
    tracer._node = Leaf(tracer)
    return tracer


def record_call(
    record: Record,
    values: tuple[Any, ...],
    outs: Any,
    nodes: tuple[Any, ...],
    params: dict[str, Any],
) -> Any:
    """The node of one call: like the tape's, but it saves tensors instead of arrays."""
    results = (outs,) if record.outputs == 1 else outs
    values = _without_numbers(values)
    need = tuple(n is not None for n in nodes)
    saved: list[Any] = []
    guards: list[Any] = []
    for origin, attribute, when in record.plan.steps:
        if origin == "xs":
            rest = values[len(record.inputs) - 1 :]
            picked = [getattr(v._data, attribute) if attribute else v for v in rest]
            saved.append(tuple(picked))
            for v in () if attribute else rest:
                cell = shared_cell(v)
                guards += (cell, cell[0], "tensors")
            continue
        if isinstance(origin, int):
            value, name = values[origin], record.inputs[origin]
        else:
            value, name = results[int(origin[1:] or 0)], "result"
        if when and not any(need[i] for i in when):
            saved.append(None)
        elif attribute:
            saved.append(getattr(value._data, attribute))
        else:
            saved.append(value)
            cell = shared_cell(value)
            guards += (cell, cell[0], name)
    kind = Node if record.outputs == 1 else MultiNode
    call = record.call_for(need, params, half_of(record, values))
    return make_node(kind, call, nodes, tuple(saved), tuple(guards))


def _without_numbers(values: tuple[Any, ...]) -> tuple[Any, ...]:
    dtype = next(v._data.dtype for v in values if isinstance(v, Tensor))
    return tuple(
        v if isinstance(v, Tensor) else wrap(np.asarray(v, dtype)) for v in values
    )
