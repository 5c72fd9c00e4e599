"""The tape: nodes that recorded operations leave behind, and the walk back over them.

Nodes point to the nodes of their inputs (never to tensors) and keep plain arrays. One
text of a gradient rule serves twice: on arrays in an ordinary backward pass, on tensors
(and so recorded again) with ``create_graph=True``.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.backend.native import bind
from lampas.dtypes import HALVES
from lampas.engine.modes import as_user, mode, silence, unsilence, warnings_now
from lampas.engine.record import Call, Record, raw_namespace, taped
from lampas.engine.rows import Rows
from lampas.errors import GradientError, VersionError

if TYPE_CHECKING:
    from lampas.engine.tensor import Tensor

__all__ = [
    "Hooks",
    "Leaf",
    "MultiNode",
    "Node",
    "Output",
    "make_node",
    "ordered",
    "walk",
]

_RAW = raw_namespace(np)
_ndarray = np.ndarray


def _added_to(total: Any, more: Any) -> Any:
    total += more
    return total


_add = bind("add", np.add)
_add_into = bind("add_into", _added_to)


class Hooks:
    """Functions called in the order in which they were added.

    Attributes:
        functions: by number.
        keep: called after all of them with what they made of the gradient.
    """

    __slots__ = ("functions", "keep")
    _ids = itertools.count()

    def __init__(self) -> None:
        self.functions: dict[int, Callable[..., Any]] = {}
        self.keep: Callable[[Any], None] | None = None

    def add(self, hook: Callable[..., Any]) -> Handle:
        """Add a hook; the handle's ``remove()`` takes it out again."""
        key = next(self._ids)
        self.functions[key] = hook
        return Handle(self.functions, key)


class Handle:
    """Removes a hook: by ``remove()`` or at the end of a ``with`` block."""

    def __init__(self, functions: dict[int, Callable[..., Any]], key: int) -> None:
        self._functions = functions
        self.id = key

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        self._functions.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class Node:
    """One recorded operation with one output.

    Attributes:
        call: the op, which inputs need a gradient, and the parameters.
        parents: the nodes of the inputs, None where an input needs no gradient.
        saved: what the gradient rule takes, in the order of ``record.saves``.
        guards: cell, version, name of each array that must not change, flat.
    """

    # Made without __init__, which would cost more than the rest: see make_node.
    __slots__ = ("call", "guards", "hooks", "parents", "saved")

    @property
    def record(self) -> Record:
        """The op."""
        return self.call.record

    def name(self) -> str:
        """The name of the operation, as PyTorch spells such names."""
        name = _NAMES.get(self.record.name, self.record.name)
        return "".join(word.title() for word in name.split("_")) + "Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of the inputs, each with the number of its output."""
        return tuple((p, 0) for p in self.parents)

    def add_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call ``hook`` with the gradient of this node's output."""
        if self.hooks is None:
            self.hooks = Hooks()
        return self.hooks.add(hook)

    def run(self, F: Any, g: Any) -> tuple[Any, ...]:
        """Cotangents of the inputs on arrays."""
        call, saved, guards = self.call, self.saved, self.guards
        if saved is None or call.vjp is None or (guards and _stale(guards)):
            self._check()
        if call.half is None:
            return call.vjp(F, g, *saved, need=call.need, **call.params)
        wide = map(_widen, (g, *saved))
        grads = call.vjp(F, *wide, need=call.need, **call.params)
        return tuple(_narrow(d, call.half) for d in grads)

    def run_taped(self, g: Any) -> tuple[Any, ...]:
        """Cotangents of the inputs on tensors, recorded in turn."""
        call = self.call
        self._check()
        saved = tuple(self._edge(i, value) for i, value in enumerate(self.saved))
        if call.half is None:
            return call.vjp(taped, g, *saved, need=call.need, **call.params)
        wide = [_widen_taped(v) for v in (g, *saved)]
        grads = call.vjp(taped, *wide, need=call.need, **call.params)
        return tuple(_narrow_taped(d, call.half) for d in grads)

    def _edge(self, index: int, value: Any) -> Any:
        """A saved array as a tensor, joined to the node it came from."""
        source = self.record.plan.sources[index]
        if source == "xs" and value and hasattr(value[0], "strides"):
            parents = self.parents[len(self.record.inputs) - 1 :]
            return tuple(map(WRAP[0], value, parents))
        if not hasattr(value, "strides"):
            return value
        if isinstance(source, int):
            return WRAP[0](value, self.parents[source])
        return WRAP[0](value, self._output_node(source))

    def _output_node(self, source: str) -> Any:
        return self

    def _check(self) -> None:
        """Raise if there is no gradient, if it was freed, or if an array changed."""
        record = self.call.record
        if record.vjp_rule is None:
            raise GradientError(f"op {record.name!r} has no gradient")
        if self.saved is None:
            raise GradientError(
                f"trying to backward through {record.name} a second time: its saved "
                "values were freed by the first. Call backward or grad with "
                "retain_graph=True the first time"
            )
        for i in range(0, len(self.guards), 3):
            cell, version, name = self.guards[i : i + 3]
            if cell[0] != version:
                raise VersionError(
                    f"{record.name}: its {name}, needed for the gradient, was changed "
                    f"in place{_by(cell)} after it was used: it is at version "
                    f"{cell[0]}, expected version {version}. Use the out-of-place "
                    "form, or clone() before changing it"
                )

    def release(self) -> None:
        """Let go of the saved arrays; a second backward is then an error."""
        if self.saved:
            self.saved = None  # type: ignore[assignment]


def make_node(
    kind: type[Any],
    call: Call,
    parents: tuple[Any, ...],
    saved: tuple[Any, ...],
    guards: tuple[Any, ...],
) -> Any:
    """A node of the given kind (Node or a class derived from it)."""
    node = kind()
    node.call = call
    node.parents = parents
    node.saved = saved
    node.guards = guards
    node.hooks = None
    return node


def _stale(guards: tuple[Any, ...]) -> bool:
    """Whether a guarded array was changed; two arrays are the usual most."""
    if guards[0][0] != guards[1] or len(guards) > 6:
        return True
    return len(guards) == 6 and guards[3][0] != guards[4]


def _by(cell: list[Any]) -> str:
    return f" by {cell[2]}" if len(cell) > 2 else ""


class MultiNode(Node):
    """One recorded operation with several outputs; it takes a list of cotangents."""

    __slots__ = ("outs", "specs")

    def run(self, F: Any, g: Any) -> tuple[Any, ...]:
        return Node.run(self, F, tuple(g))

    def run_taped(self, g: Any) -> tuple[Any, ...]:
        return Node.run_taped(self, tuple(g))

    def _output_node(self, source: str) -> Any:
        index = int(source[1:])
        branch = self.outs[index]()
        if branch is None:
            # The output was let go, but its value takes part in the gradient.
            branch = Output(self, index)
            self.outs[index] = weakref.ref(branch)
        return branch


class Output:
    """One output of a MultiNode; its gradient goes to that node's list."""

    __slots__ = ("__weakref__", "hooks", "index", "parents")

    def __init__(self, node: MultiNode, index: int) -> None:
        self.parents = (node,)
        self.index = index
        self.hooks: Hooks | None = None

    add_hook = Node.add_hook
    next_functions = Node.next_functions

    def name(self) -> str:
        """The name of the operation, as PyTorch spells such names."""
        return self.parents[0].name()

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def release(self) -> None:
        """Nothing is kept here."""


# What PyTorch calls an op whose record has another name.
_NAMES = {
    "cast": "to_copy",
    "cross_entropy": "nll_loss",
    "linear_bias": "addmm",
    "max_dim": "max",
    "min_dim": "min",
    "pow_number": "pow",
    "reshape": "view",
    "take": "index",
}


class Leaf:
    """Gathers the gradient of a tensor that the user made."""

    __slots__ = ("__weakref__", "after", "grad", "hooks", "tensor")

    parents = ()

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)
        self.grad: Tensor | None = None
        self.hooks: Hooks | None = None
        self.after: Hooks | None = None

    add_hook = Node.add_hook

    @property
    def variable(self) -> Tensor | None:
        """The tensor whose gradient is gathered."""
        return self.tensor()

    def accumulate(self, g: Any, owned: bool) -> None:
        """Add an array to the gradient; ``owned`` says that it may be kept."""
        grad = self.grad
        if type(g) is not _ndarray:
            if type(g) is Rows:
                self.grad = g.gathered(grad)
                self._done()
                return
            if isinstance(g, np.generic):
                g = np.asarray(g)
        if grad is None:
            self.grad = WRAP[0](g if owned else g.copy(), None)
        elif grad.is_sparse:
            self.grad = WRAP[0](Rows.of(grad) + g, None)
        elif grad._node is None:
            if grad._cell is not None:
                grad._cell[0] += 1
            _add_into(grad._data, g)
        else:
            self.grad = WRAP[0](grad._data + g, None)
        self._done()

    def accumulate_taped(self, g: Tensor) -> None:
        """Add a tensor to the gradient, keeping its history."""
        self.grad = taped.clone(g) if self.grad is None else self.grad + g
        self._done()

    def _done(self) -> None:
        if self.after is not None:
            for hook in list(self.after.functions.values()):
                as_user(hook, self.tensor())

    def release(self) -> None:
        """Nothing is kept here."""


# Set by the tensor module's user, engine.callpath: wrap(array, node) -> Tensor.
WRAP: list[Callable[..., Any]] = []


def _widen(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_widen(v) for v in value)
    if getattr(value, "dtype", None) in HALVES and value is not None:
        return value.astype(np.float32)
    return value


def _narrow(value: Any, half: Any) -> Any:
    if value is None or value.dtype != np.float32:
        return value
    return value.astype(half)


def _widen_taped(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_widen_taped(v) for v in value)
    data = getattr(value, "_data", None)
    if data is not None and data.dtype in HALVES:
        return taped.cast(value, dtype=np.dtype(np.float32))
    return value


def _narrow_taped(value: Any, half: Any) -> Any:
    if value is None or value._data.dtype != np.float32:
        return value
    return taped.cast(value, dtype=half)


def _run_hooks(node: Any, g: Any, graph: bool) -> Any:
    if g is None:
        return None
    if type(g) is Rows:
        return _run_row_hooks(node, g)
    if isinstance(g, np.generic):
        g = np.asarray(g)
    for hook in list(node.hooks.functions.values()):
        replaced = as_user(hook, g if graph else WRAP[0](g, None))
        if replaced is not None:
            g = replaced if graph else replaced._data
    if node.hooks.keep is not None:
        node.hooks.keep(g if graph else WRAP[0](g, None))
    return g


def _run_row_hooks(node: Any, g: Rows) -> Any:
    """The hooks of a leaf whose gradient is sparse; one may return a dense one."""
    tensor = g.tensor()
    for hook in list(node.hooks.functions.values()):
        replaced = as_user(hook, tensor)
        tensor = tensor if replaced is None else replaced
    return Rows.of(tensor) if tensor.is_sparse else tensor._data


def ordered(roots: Iterable[Any], keep: set[Any] | None) -> list[Any]:
    """The nodes reachable from the roots, each before the nodes of its inputs.

    Leaves come last: nothing is behind them.
    """
    leaves: list[Any] = []
    backwards: list[Any] = []
    seen: set[Any] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node is None:
            # All parents of the node below the marker are placed.
            backwards.append(stack.pop())
        elif node not in seen and (keep is None or node in keep):
            seen.add(node)
            if type(node) is Leaf:
                leaves.append(node)
                continue
            stack.append(node)
            stack.append(None)
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    stack.append(parent)
    backwards.reverse()
    return backwards + leaves


def _leading_to(roots: Iterable[Any], wanted: set[Any]) -> set[Any]:
    """The nodes from which a wanted node can be reached."""
    keep = set(wanted)
    seen: set[Any] = set()
    stack = [(root, False) for root in roots]
    while stack:
        node, done = stack.pop()
        if done:
            if any(parent in keep for parent in node.parents):
                keep.add(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents if p is not None)
    return keep


def walk(
    roots: list[tuple[Any, Any]],
    *,
    create_graph: bool,
    retain_graph: bool,
    wanted: dict[Any, Any] | None = None,
    record: bool | None = None,
) -> None:
    """Carry cotangents from the roots back to the leaves, or to the wanted nodes.

    Args:
        roots: (node, cotangent) pairs; cotangents are arrays, or tensors with
            ``create_graph``.
        create_graph: run the rules on tensors so that they are recorded.
        retain_graph: keep the saved values for another pass.
        wanted: maps nodes to None; filled with their cotangents. Leaves then gather
            nothing.
        record: whether rules that run on tensors are recorded, if not always.
    """
    before = mode.grad, mode.warnings
    mode.grad = create_graph if record is None else record
    mode.warnings = warnings_now()
    token = silence()
    grads: dict[Any, Any] = {}
    try:
        for node, g in roots:
            grads[node] = g if node not in grads else grads[node] + g
        if wanted is None and not create_graph:
            _gather(grads, retain_graph)
        else:
            _walk(grads, create_graph, retain_graph, wanted)
    finally:
        unsilence(token)
        mode.grad, mode.warnings = before


def _gather(grads: dict[Any, Any], retain: bool) -> None:
    """The usual pass: on arrays, from the roots to all leaves, which add them up.

    It says again in one loop what :func:`_walk` and :meth:`Node.run` say in general:
    the cost of a small training step is made here.
    """
    # Nodes whose pending array belongs to this pass alone, so may be added to.
    owned: set[Any] = set()
    for node in ordered(grads, None):
        g = grads.pop(node, None)
        if type(node) is not Node or node.hooks is not None:
            results = _visit(node, g, grads, owned, retain)
            if results is None:
                continue
            call, saved = node.call, None
        elif g is None:
            continue
        else:
            call, saved, guards = node.call, node.saved, node.guards
            if saved is None or call.vjp is None or (guards and _stale(guards)):
                node._check()
            F = _RAW if type(g) is _ndarray else _namespace(g)
            if call.half is None:
                results = call.vjp(F, g, *saved, need=call.need, **call.params)
            else:
                results = node.run(F, g)
        if not retain and saved:
            node.saved = None
        fresh = call.fresh
        # Not strict: that costs, and every op's rule is tested for its count.
        for parent, d in zip(node.parents, results):
            if d is not None and parent is not None:
                if parent not in grads:
                    grads[parent] = d
                    if fresh:
                        owned.add(parent)
                    continue
                previous = grads[parent]
                if type(d) is not _ndarray or type(previous) is not _ndarray:
                    grads[parent] = previous + d
                elif parent in owned:
                    _add_into(previous, d)
                elif fresh and d.dtype == previous.dtype:
                    # The order does not matter, and what is fresh has no other owner.
                    grads[parent] = _add_into(d, previous)
                else:
                    grads[parent] = _add(previous, d)
                owned.add(parent)


def _visit(
    node: Any, g: Any, grads: dict[Any, Any], owned: set[Any], retain: bool
) -> Any:
    """One step of :func:`_gather` at a node that is not of the usual kind.

    Returns the cotangents of its inputs, if it is an operation that was reached.
    """
    if node.hooks is not None:
        g = _run_hooks(node, g, False)
        owned.discard(node)
    if g is None:
        return None
    if type(node) is Leaf:
        node.accumulate(g, node in owned)
    elif type(node) is Output:
        _deliver(node, g, grads)
    else:
        results = node.run(_namespace(g), g)
        if not retain:
            node.release()
        return results
    return None


def _deliver(node: Output, g: Any, grads: dict[Any, Any]) -> None:
    """Put the cotangent of one output into the list of its MultiNode."""
    parent = node.parents[0]
    if parent not in grads:
        grads[parent] = [None] * len(parent.outs)
    grads[parent][node.index] = g


def _spread(node: Any, results: Any, grads: dict[Any, Any]) -> None:
    """Add the cotangents of the inputs to what is pending there."""
    for parent, d in zip(node.parents, results, strict=True):
        if d is not None and parent is not None:
            grads[parent] = d if parent not in grads else grads[parent] + d


def _walk(
    grads: dict[Any, Any], graph: bool, retain: bool, wanted: dict[Any, Any] | None
) -> None:
    """The general pass: recorded in turn, or to wanted nodes only."""
    keep = None if wanted is None else _leading_to(grads, set(wanted))
    for node in ordered(grads, keep):
        g = grads.pop(node, None)
        if node.hooks is not None:
            g = _run_hooks(node, g, graph)
        if wanted is not None and node in wanted:
            wanted[node] = g
        if g is None:
            continue
        if type(node) is Leaf:
            if wanted is None:
                node.accumulate_taped(g)
        elif type(node) is Output:
            _deliver(node, g, grads)
        elif keep is None or any(parent in keep for parent in node.parents):
            if graph:
                _spread(node, node.run_taped(g), grads)
            else:
                _spread(node, node.run(_namespace(g), g), grads)
            if not retain:
                node.release()


def _namespace(g: Any) -> Any:
    if type(g) is list:
        g = next(d for d in g if d is not None)
    return _RAW if type(g) is _ndarray else raw_namespace(namespace_of(g))
