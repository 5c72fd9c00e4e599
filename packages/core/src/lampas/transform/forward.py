"""Forward mode: carry a tangent beside each tensor, op by op.

The rule of an op is its ``jvp``, or follows from its kind, or is the transpose of its
gradient: ``vjp`` is linear in the cotangent, so differentiating ``<vjp(g), t>`` by
``g`` gives the tangent of the output.
"""

from __future__ import annotations

from typing import Any

from lampas.engine.function import record_outputs, run_forward
from lampas.engine.modes import enable_grad
from lampas.engine.record import BILINEAR, ELEMENTWISE, LINEAR, SHAPE, Record, taped
from lampas.engine.tape import Leaf, MultiNode
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Level, Tracer, live, make
from lampas.errors import GradientError
from lampas.ops.like import zeros_like
from lampas.transform.reverse import ReverseLevel, any_float, record_call, source

__all__ = ["ForwardLevel", "ForwardTracer"]


class ForwardTracer(Tracer):
    """A tensor with its derivative along the direction of one ``jvp``."""

    _tangent: Tensor


class ForwardLevel(Level):
    """A ``jvp`` in progress."""

    def wrap(self, value: Tensor, tangent: Tensor) -> ForwardTracer:
        """A tensor with its tangent, of the same shape."""
        tracer = make(ForwardTracer, self, value, value._data)
        tracer._tangent = tangent
        return tracer

    def tangent_of(self, x: Any) -> Tensor | None:
        """The tangent of an operand, None for zero."""
        return x._tangent if self.owns(x) else None

    def process(
        self, record: Record, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        primals = tuple(self.value_of(x) for x in operands)
        tangents = tuple(self.tangent_of(x) for x in operands)
        outs = record.call(*primals, **params)
        moved = tangent(record, primals, tangents, outs, params)
        if record.outputs == 1:
            return outs if moved is None else self.wrap(outs, moved)
        return tuple(
            out if t is None else self.wrap(out, t)
            for out, t in zip(outs, moved, strict=True)
        )

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """A user's function: by its ``jvp``, or by differentiating its ``backward``."""
        primals = tuple(self.value_of(x) for x in args)
        tangents = tuple(self.tangent_of(x) for x in args)
        nodes = tuple(None if t is None else Leaf(t) for t in tangents)
        ctx, outs, single = run_forward(function, nodes, primals, kwargs)
        if hasattr(function, "jvp"):
            if ctx.saved_for_forward is not None:
                ctx.save_for_backward(*ctx.saved_for_forward)
            moved = function.jvp(ctx, *tangents)
            moved = moved if isinstance(moved, tuple) else (moved,)
        else:
            plain = tuple(x.detach() if isinstance(x, Tensor) else x for x in outs)
            node = record_outputs(function, ctx, nodes, plain)
            moved = _by_transposing(node, list(outs), tangents)
        outs = tuple(
            out if t is None else self.wrap(out, t)
            for out, t in zip(outs, moved, strict=True)
        )
        return outs[0] if single else outs


def tangent(
    record: Record, primals: Any, tangents: Any, outs: Any, params: dict[str, Any]
) -> Any:
    """The tangent of an op's output, or of each output; None for zero."""
    several = record.outputs != 1
    if not any_float(outs):
        return (None,) * len(outs) if several else None
    if record.jvp_rule is not None:
        return record.jvp_rule(taped, tangents, outs, *primals, **params)
    if record.vjp_rule is None:
        raise GradientError(f"op {record.name!r} has no derivative")
    if record.kind in (LINEAR, SHAPE) and len(primals) == 1:
        return record.call(tangents[0], **params)
    if record.kind == BILINEAR and len(primals) == 2:
        return _of_product(record, primals, tangents, params)
    if record.kind == ELEMENTWISE and not several and _all_real(primals, outs):
        return _of_elements(record, primals, tangents, outs, params)
    return _transposed(record, primals, tangents, outs, params)


def _of_product(record: Record, primals: Any, tangents: Any, params: Any) -> Any:
    """The product rule."""
    parts = []
    if tangents[0] is not None:
        parts.append(record.call(tangents[0], primals[1], **params))
    if tangents[1] is not None:
        parts.append(record.call(primals[0], tangents[1], **params))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _all_real(primals: Any, out: Tensor) -> bool:
    tensors = [p for p in primals if isinstance(p, Tensor)]
    return all(x.dtype.category == 2 for x in (*tensors, out))


def _of_elements(
    record: Record, primals: Any, tangents: Any, out: Tensor, params: Any
) -> Any:
    """The Jacobian of each element is a number, so its own transpose."""
    shape = out._data.shape
    primals = tuple(_spread(p, shape) for p in primals)
    total = None
    for i, t in enumerate(tangents):
        if t is None:
            continue
        nodes = tuple(True if j == i else None for j in range(len(primals)))
        node = record_call(record, primals, out, nodes, params)
        part = node.run_taped(_spread(t, shape))[i]
        if part is not None:
            total = part if total is None else total + part
    return total


def _spread(x: Any, shape: tuple[int, ...]) -> Any:
    if not isinstance(x, Tensor) or x._data.shape == shape:
        return x
    return taped.expand(x, shape=shape)


def _transposed(
    record: Record, primals: Any, tangents: Any, outs: Any, params: Any
) -> Any:
    """By differentiating the gradient rule by its cotangent."""
    several = record.outputs != 1
    nodes = tuple(None if t is None else True for t in tangents)
    node = record_call(record, primals, outs, nodes, params)
    moved = _by_transposing(node, list(outs) if several else [outs], tangents)
    return moved if several else moved[0]


def _by_transposing(node: Any, outs: list[Any], tangents: Any) -> tuple[Any, ...]:
    """The tangents of the outputs of a call, from its node."""
    with live(ReverseLevel()) as level:
        cotangents = [
            source(level, zeros_like(out))
            if isinstance(out, Tensor) and out.dtype.category >= 2
            else None
            for out in outs
        ]
        several = isinstance(node, MultiNode)
        with enable_grad():
            pulled = node.run_taped(cotangents if several else cotangents[0])
        sources = [c for c in cotangents if c is not None]
        found = iter(level.pull(pulled, tangents, sources))
    return tuple(None if c is None else next(found) for c in cotangents)
