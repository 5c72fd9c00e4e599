"""Nodes that are watched: hooks on the values they keep, and the search for NaN.

Plain nodes know nothing of it. While a hook or anomaly detection is on, the call path
makes nodes of the classes here; the walk back meets them as it meets any node that is
not of the usual kind.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lampas.backend.device import namespace_of
from lampas.engine import callpath, function
from lampas.engine.modes import BEFORE_WALK, anomaly, mode
from lampas.engine.tape import MultiNode, Node, ordered
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import GradientError

__all__ = ["saved_tensors_hooks", "watch_anomaly"]


_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep
_lock = threading.Lock()
_users = 0


class _Pending(threading.local):
    """The node made last by this thread, and the hooks that will take its values.

    They are taken when the next node is made: an in-place op may still replace them.
    """

    node: Any = None
    hooks: Any = None


_pending = _Pending()


class _Packed:
    """What a pack hook returned for a value."""

    __slots__ = ("array", "value")

    def __init__(self, value: Any, array: bool) -> None:
        self.value = value
        self.array = array


def _pack(value: Any, pack: Callable[[Tensor], Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_pack(v, pack) for v in value)
    if isinstance(value, Tensor):
        return _Packed(pack(value), False)
    if hasattr(value, "strides"):
        return _Packed(pack(wrap(value)), True)
    return value


def _unpack(value: Any, unpack: Callable[[Any], Tensor]) -> Any:
    if isinstance(value, tuple):
        return tuple(_unpack(v, unpack) for v in value)
    if isinstance(value, dict):
        return {
            k: _unpack(v, unpack) if isinstance(v, _Packed) else v
            for k, v in value.items()
        }
    if not isinstance(value, _Packed):
        return value
    tensor = unpack(value.value)
    return tensor._data if value.array else tensor


class _Watched:
    """What the watched classes add to a node."""

    __slots__ = ()

    line: Any
    unpack: Any
    saved: Any
    call: Any
    name: Callable[[], str]

    def __init__(self) -> None:
        self.unpack = None
        self.line = _forward_lines() if anomaly.on else None
        if mode.hooks:
            _flush()
            _pending.node, _pending.hooks = self, mode.hooks[-1]

    def _kept(self) -> Any:
        return self.saved

    def _keep(self, values: Any) -> None:
        self.saved = values

    def _watch(self, run: Callable[..., Any], *args: Any) -> Any:
        """Run the gradient rule with the values unpacked, and look at what it gives."""
        packed, params = self._kept(), self.call.params
        try:
            if self.unpack is not None and packed is not None:
                self._keep(_unpack(packed, self.unpack))
                self.call.params = _unpack(params, self.unpack)
            results = run(*args)
        except Exception as error:
            if self.line is not None:
                error.add_note(_where(self))
            raise
        finally:
            self._keep(packed)
            self.call.params = params
        if anomaly.on:
            _check(self, results)
        return results

    def run(self, F: Any, g: Any) -> Any:
        return self._watch(super().run, F, g)  # type: ignore[misc]

    def run_taped(self, g: Any) -> Any:
        return self._watch(super().run_taped, g)  # type: ignore[misc]


class _WatchedNode(_Watched, Node):
    __slots__ = ("line", "unpack")


class _WatchedMultiNode(_Watched, MultiNode):
    __slots__ = ("line", "unpack")


class _WatchedFunctionNode(_Watched, function._FunctionNode):
    __slots__ = ("line", "unpack")

    def _kept(self) -> Any:
        return None if self.ctx is None else self.ctx._saved

    def _keep(self, values: Any) -> None:
        if self.ctx is not None:
            self.ctx._saved = values


class _CheckedNode(Node):
    """A node made before anomaly detection was on: only its gradients are checked."""

    __slots__ = ()

    line = None

    def run(self, F: Any, g: Any) -> Any:
        return _checked(self, super().run(F, g))

    def run_taped(self, g: Any) -> Any:
        return _checked(self, super().run_taped(g))


def _flush() -> None:
    """Hand the values of the node made last to its hooks."""
    node, hooks = _pending.node, _pending.hooks
    _pending.node = None
    if node is None:
        return
    values, params = node._kept(), node.call.params
    pack, unpack = hooks
    if values:
        node.unpack = unpack
        node._keep(_pack(values, pack))
    if any(hasattr(v, "strides") for v in params.values()):
        # A mask of dropout, say; a call with parameters serves this node alone.
        node.unpack = unpack
        node.call.params = {
            k: _pack(v, pack) if hasattr(v, "strides") else v for k, v in params.items()
        }


def _count_users(change: int) -> None:
    global _users
    with _lock:
        _users += change
        if _users:
            callpath.make_nodes_of(_WatchedNode, _WatchedMultiNode)
            function.FUNCTION_NODE[0] = _WatchedFunctionNode
        else:
            callpath.make_nodes_of(Node, MultiNode)
            function.FUNCTION_NODE[0] = function._FunctionNode


class saved_tensors_hooks:
    """Context manager: keep something else than the tensors that gradients need.

    Args:
        pack_hook: called with each tensor that an operation inside keeps for its
            gradient; what it returns is kept. It must not change the tensor.
        unpack_hook: called with that when the gradient is computed; gives the tensor.

    >>> import lampas
    >>> from lampas.autograd.graph import saved_tensors_hooks
    >>> kept = []
    >>> x = lampas.tensor([1.0, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: kept.append(t) or len(kept) - 1, kept.pop):
    ...     y = x.exp()
    >>> kept[0].tolist() == y.tolist()
    True
    >>> y.sum().backward()
    >>> x.grad.tolist() == y.tolist()
    True
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _flush()
        _count_users(1)
        mode.hooks = (*mode.hooks, (self.pack_hook, self.unpack_hook))

    def __exit__(self, *exc: object) -> None:
        try:
            _flush()
        finally:
            _pending.node = None
            mode.hooks = mode.hooks[:-1]
            _count_users(-1)


def watch_anomaly(on: bool, check_nan: bool) -> None:
    """Switch anomaly detection, for all threads."""
    if on is not anomaly.on:
        _count_users(1 if on else -1)
        if on:
            # Before the profiler, which takes nodes of any class.
            BEFORE_WALK.insert(0, _prepare)
        else:
            BEFORE_WALK.remove(_prepare)
    anomaly.on = on
    anomaly.check_nan = check_nan


# ---- anomalies


def _forward_lines() -> list[tuple[str, int, str]]:
    """Where the op is called: lines outside of lampas, the innermost first."""
    lines = []
    frame: Any = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            lines.append((code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    return lines


def _where(node: Any) -> str:
    if not node.line:
        return (
            f"the line that called the forward of {node.name()} is not known: switch "
            "detect_anomaly on before the forward"
        )
    shown = [f"{node.name()} comes from this line of the forward:"]
    # The program's entry is far up and says little.
    for file, number, name in node.line[:10]:
        shown.append(f'  File "{file}", line {number}, in {name}')
        if text := linecache.getline(file, number).strip():
            shown.append(f"    {text}")
    return "\n".join(shown)


def _check(node: Any, results: tuple[Any, ...]) -> None:
    if not anomaly.check_nan:
        return
    for i, value in enumerate(results):
        array = getattr(value, "_data", value)
        if array is None or getattr(array, "dtype", None) is None:
            continue
        if array.dtype.kind not in "fcV":
            continue
        if bool(namespace_of(array).isnan(array).any()):
            raise GradientError(
                f"{node.name()} returned nan values for its input {i}; {_where(node)}"
            )


def _checked(node: Any, results: tuple[Any, ...]) -> tuple[Any, ...]:
    if anomaly.on:
        _check(node, results)
    return results


def _prepare(roots: list[tuple[Any, Any]]) -> None:
    """Let nodes made before detection was on be searched for NaN too."""
    for node in ordered([node for node, _ in roots], None):
        if type(node) is Node:
            node.__class__ = _CheckedNode
