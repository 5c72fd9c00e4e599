"""``autograd.Function``: an operation whose gradient the user writes."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.engine.modes import as_user, mode, no_grad
from lampas.engine.record import Call
from lampas.engine.tape import MultiNode, Output, make_node
from lampas.engine.tensor import Tensor, shared_cell, wrap
from lampas.engine.tracer import Tracer, top_level
from lampas.errors import ArgumentTypeError, GradientError, VersionError

__all__ = [
    "Function",
    "FunctionCtx",
    "once_differentiable",
    "record_outputs",
    "run_forward",
]


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, np.generic) else value


def _nothing() -> None:
    """Stands for a node before there is one."""


class FunctionCtx:
    """What ``forward`` keeps for ``backward``."""

    def __init__(self) -> None:
        self._saved: tuple[Any, ...] = ()
        # Which of the saved are outputs, and the node that they are joined to.
        self._outputs: dict[int, int] = {}
        self._node: Callable[[], Any] = _nothing
        self._guards: list[tuple[list[Any], int]] = []
        self._constant: set[int] = set()
        self._dirty: tuple[Tensor, ...] = ()
        self._materialize = True
        self.saved_for_forward: tuple[Any, ...] | None = None
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``backward``; changes in place are then noticed."""
        self._saved = tensors
        cells = [shared_cell(t) for t in tensors if isinstance(t, Tensor)]
        self._guards = [(cell, cell[0]) for cell in cells]

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``jvp``, which finds them as ``saved_tensors``."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` kept.

        Raises:
            RuntimeError: one of them was changed in place since.
        """
        if any(cell[0] != version for cell, version in self._guards):
            raise VersionError(
                "a tensor kept by save_for_backward was changed in place before "
                "backward; clone() it before the change"
            )
        node = self._node()
        return tuple(
            wrap(t._data, node._output_node(f"y{self._outputs[i]}"))
            if i in self._outputs and node is not None
            else t
            for i, t in enumerate(self._saved)
        )

    def _let_go_of_outputs(self, node: Any, outs: tuple[Any, ...]) -> None:
        """Keep only the arrays of saved outputs: output, node and context would
        otherwise hold each other until the garbage collector comes by."""
        self._node = weakref.ref(node)
        saved = list(self._saved)
        for i, tensor in enumerate(saved):
            for k, out in enumerate(outs):
                if tensor is out and isinstance(out, Tensor):
                    saved[i] = wrap(out._data)
                    if isinstance(out._node, Output):
                        self._outputs[i] = k
        self._saved = tuple(saved)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs have no gradient."""
        self._constant = {id(t) for t in tensors}

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that ``forward`` changed these inputs in place."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients reach ``backward`` as zeros (else as None)."""
        self._materialize = value


class _Op:
    """What the tape asks of a record."""

    fresh = False
    vjp_rule = None

    def __init__(self, name: str) -> None:
        self.name = name


class _FunctionNode(MultiNode):
    __slots__ = ("__weakref__", "backward", "ctx")

    def name(self) -> str:
        return self.record.name + "Backward"

    def _call(self, g: Any) -> tuple[Any, ...]:
        """Run the user's backward on tensors; one result for each input."""
        if self.ctx is None:
            raise GradientError(
                f"trying to backward through {self.name()} a second time: its saved "
                "values were freed; use retain_graph=True the first time"
            )
        grads = [self._cotangent(i, d) for i, d in enumerate(g)]
        results = as_user(self.backward, self.ctx, *grads)
        results = results if isinstance(results, tuple) else (results,)
        extra = results[len(self.call.need) :]
        if len(results) < len(self.call.need) or any(d is not None for d in extra):
            raise GradientError(
                f"{self.name()}: expected {len(self.call.need)} gradients, one for "
                f"each argument of forward, got {len(results)}"
            )
        return tuple(
            d if n else None for d, n in zip(results, self.call.need, strict=False)
        )

    def _cotangent(self, index: int, value: Any) -> Any:
        if value is None and self.ctx._materialize:
            shape, dtype, xp = self.specs[index]
            return wrap(xp.zeros(shape, dtype))
        return value

    def run(self, F: Any, g: Any) -> tuple[Any, ...]:
        # NumPy makes 0-d results scalars, which are no arrays.
        tensors = [None if d is None else wrap(_array(d)) for d in g]
        return tuple(None if d is None else d._data for d in self._call(tensors))

    def run_taped(self, g: Any) -> tuple[Any, ...]:
        return self._call(g)

    def release(self) -> None:
        self.ctx = None


FUNCTION_NODE: list[type[_FunctionNode]] = [_FunctionNode]
"""The class of which nodes of functions are made: engine.watch has another."""


class Function:
    """Base of operations with a hand-written gradient.

    ``forward(ctx, *args)`` computes on tensors without being recorded;
    ``backward(ctx, *grads)`` returns a gradient (or None) for each argument. With
    ``setup_context(ctx, inputs, output)``, ``forward`` takes no ``ctx``.

    >>> import lampas
    >>> class Square(lampas.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = lampas.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    setup_context: Callable[..., Any] | None = None

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record the call."""
        if not hasattr(cls, "forward") or not hasattr(cls, "backward"):
            raise ArgumentTypeError(
                f"{cls.__name__} must define the static methods forward and backward"
            )
        if mode.levels and any(isinstance(a, Tracer) for a in args):
            return top_level(args).apply(cls, args, kwargs)
        nodes = tuple(a._node if isinstance(a, Tensor) else None for a in args)
        ctx, outs, single = run_forward(cls, nodes, args, kwargs)
        if mode.grad and any(ctx.needs_input_grad):
            record_outputs(cls, ctx, nodes, outs)
        return outs[0] if single else outs


def run_forward(
    cls: type[Function], nodes: tuple[Any, ...], args: Any, kwargs: dict[str, Any]
) -> tuple[FunctionCtx, tuple[Any, ...], bool]:
    """The context after ``forward``, its outputs, and whether it returned just one."""
    ctx = FunctionCtx()
    ctx.needs_input_grad = tuple(n is not None for n in nodes)
    with no_grad():
        if cls.setup_context is None:
            outputs = cls.forward(ctx, *args, **kwargs)
        else:
            outputs = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, outputs)
    single = not isinstance(outputs, tuple)
    outs = (outputs,) if single else outputs
    return ctx, tuple(_separate(o, args, ctx) for o in outs), single


def _separate(out: Any, args: tuple[Any, ...], ctx: FunctionCtx) -> Any:
    """An output that is an unchanged input becomes a tensor of its own."""
    same = any(out is a for a in args) and not any(out is d for d in ctx._dirty)
    if not same or not isinstance(out, Tensor):
        return out
    copy = wrap(out._data)
    if id(out) in ctx._constant:
        ctx._constant.add(id(copy))
    return copy


def record_outputs(
    cls: type[Function], ctx: FunctionCtx, nodes: tuple[Any, ...], outs: Any
) -> Any:
    """Put the node of one call on its outputs; returns it."""
    need = tuple(n is not None for n in nodes)
    call = Call(_Op(cls.__name__), need, {})
    node = make_node(FUNCTION_NODE[0], call, nodes, (True,), ())
    node.ctx, node.backward = ctx, cls.backward
    specs = []
    node.outs = []
    for i, out in enumerate(outs):
        branch = Output(node, i)
        node.outs.append(weakref.ref(branch))
        if not isinstance(out, Tensor):
            specs.append(((), None, None))
            continue
        specs.append((out._data.shape, out._data.dtype, namespace_of(out._data)))
        if id(out) not in ctx._constant and out.dtype.category >= 2:
            out._node = branch
    node.specs = tuple(specs)
    ctx._let_go_of_outputs(node, outs)
    return node


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that must not itself be differentiated."""

    @functools.wraps(backward)
    def wrapped(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            return backward(ctx, *grads)

    return wrapped
