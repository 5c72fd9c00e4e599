"""The call path: what happens between calling an op and its forward.

Each record gets a path made for its arity. The fast ones serve real tensors on the CPU;
whatever differs (devices, subclasses, ...) goes to :func:`_general`, which is complete.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lampas.dtypes import as_dtype, from_numpy_dtype, get_default_dtype
from lampas.engine.faults import FAULTS, argument_name, translated
from lampas.engine.modes import mode, silence, unsilence
from lampas.engine.operands import (
    NUMBERS,
    as_number,
    half_of,
    is_operand,
    one_device,
    rounded,
    without_numbers,
)
from lampas.engine.plan import Plan
from lampas.engine.promotion import result_type_of
from lampas.engine.record import CALL_PATH, Record
from lampas.engine.tape import WRAP, MultiNode, Node, Output, make_node
from lampas.engine.tensor import Tensor, shared_cell, wrap
from lampas.engine.tracer import Tracer, interpret, refuse_leaked
from lampas.engine.views import link_view
from lampas.engine.whole import whole
from lampas.errors import ArgumentTypeError

__all__ = ["CAST", "LAYOUTS", "call_path", "make_nodes_of", "operator"]

_F32 = np.dtype(np.float32)
_F64 = np.dtype(np.float64)
_new = object.__new__
_ndarray = np.ndarray

WRAP.append(wrap)

LAYOUTS: list[tuple[type[Tensor], Callable[..., Any]]] = []
"""Other layouts than the dense one, each its class and what runs an op on it."""


def make_nodes_of(single: type[Node], multiple: type[MultiNode]) -> None:
    """From now on, make nodes of these classes: engine.watch has some that watch."""
    global Node, MultiNode
    Node, MultiNode = single, multiple  # type: ignore[misc]


def call_path(record: Record) -> Callable[..., Any]:
    """Make the function behind ``record.call``."""
    record.plan = Plan(record)
    arity = -1 if record.variadic else len(record.inputs)
    simple = record.outputs == 1 and not record.view
    elementwise = record.promote is not None and not record.parametric
    if simple and elementwise and arity == 1:
        return _unary(record)
    if simple and record.ufunc is not None and arity == 2:
        return _binary(record)
    if arity == 1 and record.promote is None:
        return _single(record)
    if not record.view and arity != 1 and record.promote is None:
        return _several(record)
    if simple and arity > 0:
        return _alike(record)
    return partial(_general, record)


CALL_PATH.append(call_path)


def _unary(record: Record) -> Callable[..., Any]:
    ufunc = record.runner(np)
    sources = record.plan.sources
    keep_x, keep_y = 0 in sources, "y" in sources
    general = whole(record, partial(_general, record))
    plain = all(not attribute for _, attribute, _ in record.plan.steps)
    if not plain or (keep_x and keep_y) or record.kernels:
        return general
    differentiable = record.vjp_rule is not None
    once = record.call_for((True,), {})

    def call(x: Any) -> Any:
        if type(x) is not Tensor:
            return general(x)
        a = x._data
        dtype = a.dtype
        if (dtype is not _F32 and dtype is not _F64) or type(a) is not _ndarray:
            return general(x)
        token = silence()
        try:
            y = ufunc(a)
        except FAULTS as error:
            raise translated(record, (x,), error) from None
        finally:
            unsilence(token)
        if type(y) is not _ndarray:
            y = np.asarray(y)
        out = _new(Tensor)
        out._data = y
        out._cell = out._view = out._extra = None
        parent = x._node
        if parent is None or not mode.grad or not differentiable:
            out._node = None
            return out
        out._node = node = Node()
        node.call = once
        node.parents = (parent,)
        node.hooks = None
        if keep_x:
            cell = x._cell
            if cell is None:
                cell = x._cell = [0, None]
            node.saved = (a,)
            node.guards = (cell, cell[0], "input")
        elif keep_y:
            out._cell = cell = [0, None]
            node.saved = (y,)
            node.guards = (cell, 0, "result")
        else:
            node.saved = node.guards = ()
        return out

    return call


def _is_half(a: Any) -> bool:
    return a.itemsize == 2 and a.dtype.kind not in "iu"


def _single(record: Record) -> Callable[..., Any]:
    """The path of ops of one tensor with parameters: reductions, shapes, views."""
    general = partial(_general, record)
    run, view, widen = record.runner(np), record.view, record.widen
    one = record.outputs == 1
    differentiable = record.vjp_rule is not None

    def call(x: Any, **params: Any) -> Any:
        if type(x) is not Tensor:
            return general(x, **params)
        a = x._data
        if type(a) is not _ndarray or (widen and _is_half(a)):
            return general(x, **params)
        if not one and params and _has_scalars(params):
            return general(x, **params)
        token = silence()
        try:
            y = run(a, **params)
        except FAULTS as error:
            raise translated(record, (x,), error) from None
        finally:
            unsilence(token)
        if one and y.dtype is _F64 and a.dtype is not _F64 and _has_scalars(params):
            return call(x, **_plain(params))
        out = _wrap_results(record, y)
        if view:
            link_view(record, x, out, params)
        parent = x._node
        if parent is not None and mode.grad and differentiable:
            params = _plain(params)
            _remember(record, out, (x,), (a,), (True,), (parent,), params)
        return out

    return call


def _several(record: Record) -> Callable[..., Any]:
    """The path of ops of several tensors whose dtypes are left alone."""
    general = partial(_general, record)
    run, widen, variadic = record.runner(np), record.widen, record.variadic
    count, differentiable = len(record.inputs), record.vjp_rule is not None

    def call(*args: Any, **params: Any) -> Any:
        if (params and _has_scalars(params)) or not (variadic or len(args) == count):
            return general(*args, **params)
        arrays, need = [], []
        for x in args:
            if type(x) is not Tensor:
                return general(*args, **params)
            a = x._data
            if type(a) is not _ndarray or (widen and _is_half(a)):
                return general(*args, **params)
            arrays.append(a)
            need.append(x._node is not None)
        token = silence()
        try:
            y = run(*arrays, **params)
        except FAULTS as error:
            raise translated(record, args, error) from None
        finally:
            unsilence(token)
        out = _wrap_results(record, y)
        if differentiable and mode.grad and True in need:
            nodes = tuple(x._node for x in args)
            _remember(record, out, args, tuple(arrays), tuple(need), nodes, params)
        return out

    return call


def _alike(record: Record) -> Callable[..., Any]:
    """The path of ops that promote, for tensors of one dtype and numbers."""
    general = whole(record, partial(_general, record))
    run, count = record.runner(np), len(record.inputs)
    differentiable = record.vjp_rule is not None

    def call(*args: Any, **params: Any) -> Any:
        first = args[0]
        if type(first) is not Tensor or len(args) != count:
            return general(*args, **params)
        dtype = first._data.dtype
        if dtype is not _F32 and dtype is not _F64:
            return general(*args, **params)
        arrays, nodes = [], []
        for x in args:
            if type(x) is Tensor:
                a = x._data
                if a.dtype is not dtype or type(a) is not _ndarray:
                    return general(*args, **params)
                arrays.append(a)
                nodes.append(x._node)
            elif type(x) is float or type(x) is int:
                arrays.append(x)
                nodes.append(None)
            else:
                return general(*args, **params)
        if params and _has_scalars(params):
            return general(*args, **params)
        token = silence()
        try:
            y = run(*arrays, **params)
        except FAULTS as error:
            raise translated(record, args, error) from None
        finally:
            unsilence(token)
        out = wrap(np.asarray(y) if isinstance(y, np.generic) else y)
        if differentiable and mode.grad and any(n is not None for n in nodes):
            need = tuple(n is not None for n in nodes)
            _remember(record, out, args, tuple(arrays), need, tuple(nodes), params)
        return out

    return call


_NONE: dict[str, Any] = {}
_SECOND = (False, True)
_SHAPES = ("x.shape", "other.shape")
_CROSSWISE = ("x?1", "other?0", "x.shape", "other.shape")


def operator(
    record: Record,
    reverse: bool = False,
    check: Callable[[Any], None] | None = None,
) -> Callable[..., Any]:
    """The call path of a binary record as a method such as ``__mul__``.

    It returns NotImplemented for an operand that no op takes, so that Python can ask
    the operand. ``reverse`` makes the form of ``__rmul__``; ``check`` may refuse an
    operand (the short paths are for floats and numbers only, which none refuses).
    """
    complete = whole(record, partial(_general, record))

    def general(x: Any, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        if check is not None:
            check(x)
            check(other)
        return complete(other, x) if reverse else complete(x, other)

    return _reversed(record, general) if reverse else _binary(record, general)


def _reversed(record: Record, general: Callable[..., Any]) -> Callable[..., Any]:
    """The path of ``number - tensor`` and the like."""
    if record.kernels or record.ufunc is None:
        return general
    ufunc = record.runner(np)
    differentiable = record.vjp_rule is not None

    def call(x: Any, number: Any) -> Any:
        if type(x) is not Tensor or (
            type(number) is not float and type(number) is not int
        ):
            return general(x, number)
        a = x._data
        dtype = a.dtype
        if (dtype is not _F32 and dtype is not _F64) or type(a) is not _ndarray:
            return general(x, number)
        token = silence()
        try:
            y = ufunc(number, a)
        except FAULTS as error:
            raise translated(record, (number, x), error) from None
        finally:
            unsilence(token)
        out = wrap(y if type(y) is _ndarray else np.asarray(y))
        parent = x._node
        if parent is not None and mode.grad and differentiable:
            arrays = (np.asarray(number, dtype), a)
            _remember(record, out, (number, x), arrays, _SECOND, (None, parent), _NONE)
        return out

    return call


def _binary(
    record: Record, general: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    general = general or whole(record, partial(_general, record))
    if record.kernels or record.ufunc is None:
        return general
    ufunc = record.runner(np)
    differentiable = record.vjp_rule is not None
    crosswise, shapes = record.saves == _CROSSWISE, record.saves == _SHAPES
    both = record.call_for((True, True), _NONE)
    first = record.call_for((True, False), _NONE)
    second = record.call_for((False, True), _NONE)

    def call(x: Any, other: Any) -> Any:
        if type(x) is not Tensor:
            return general(x, other)
        a = x._data
        dtype = a.dtype
        if (dtype is not _F32 and dtype is not _F64) or type(a) is not _ndarray:
            return general(x, other)
        if type(other) is Tensor:
            b = other._data
            if b.dtype is not dtype or type(b) is not _ndarray:
                return general(x, other)
            parent2 = other._node
        elif type(other) is float or type(other) is int:
            b = other
            parent2 = None
        else:
            return general(x, other)
        token = silence()
        try:
            y = ufunc(a, b)
        except (ValueError, MemoryError) as error:
            raise translated(record, (x, other), error) from None
        finally:
            unsilence(token)
        if type(y) is not _ndarray:
            y = np.asarray(y)
        out = _new(Tensor)
        out._data = y
        out._cell = out._view = out._extra = out._node = None
        parent = x._node
        if (parent is None and parent2 is None) or not mode.grad or not differentiable:
            return out
        if type(b) is not _ndarray:
            b = np.asarray(b, dtype)
        if not (crosswise or shapes):
            need = (parent is not None, parent2 is not None)
            _remember(record, out, (x, other), (a, b), need, (parent, parent2), _NONE)
            return out
        out._node = node = Node()
        node.call = both if parent2 is not None else first
        node.parents = (parent, parent2)
        node.hooks = None
        node.guards = ()
        if shapes:
            if parent is None:
                node.call = second
            node.saved = (a.shape, b.shape)
            return out
        cell = x._cell
        if cell is None:
            cell = x._cell = [0, None]
        if parent2 is None:
            node.saved = (None, b, a.shape, b.shape)
            if type(other) is Tensor:
                cell = shared_cell(other)
                node.guards = (cell, cell[0], "other")
            return out
        if parent is None:
            node.call = second
            node.saved = (a, None, a.shape, b.shape)
            node.guards = (cell, cell[0], "x")
            return out
        cell2 = other._cell
        if cell2 is None:
            cell2 = other._cell = [0, None]
        node.saved = (a, b, a.shape, b.shape)
        node.guards = (cell, cell[0], "x", cell2, cell2[0], "other")
        return out

    return call


# ---- the complete path


def _has_scalars(params: dict[str, Any]) -> bool:
    """Whether a parameter is a NumPy scalar, which would widen what it meets."""
    for value in params.values():
        if isinstance(value, np.generic):
            return True
    return False


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with Python's numbers for NumPy's."""
    if not _has_scalars(params):
        return params
    pairs = params.items()
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in pairs}


def _general(record: Record, *args: Any, **params: Any) -> Any:
    params = _plain(params)
    operands = tuple(_operand(record, i, a) for i, a in enumerate(args))
    if not record.variadic and len(operands) != len(record.inputs):
        raise ArgumentTypeError(
            f"{record.name} takes {len(record.inputs)} tensors, got {len(operands)}"
        )
    for layout, dispatch in LAYOUTS:
        if any(isinstance(x, layout) for x in operands):
            return dispatch(record, operands, params)
    if record.promote is not None:
        operands = _promote(record, operands)
    if mode.levels and any(isinstance(x, Tracer) for x in operands):
        return interpret(record, operands, params)
    tensors = [x for x in operands if isinstance(x, Tensor)]
    arrays = tuple(x._data if isinstance(x, Tensor) else x for x in operands)
    xp, arrays = one_device(record, tensors, arrays)
    half = half_of(record, tensors)
    if half is not None:
        wide = tuple(
            a.astype(np.float32) if getattr(a, "dtype", None) == half else a
            for a in arrays
        )
        result = rounded(_compute(record, xp, operands, wide, params), half)
    else:
        result = _compute(record, xp, operands, arrays, params)
    nodes = tuple(x._node if isinstance(x, Tensor) else None for x in operands)
    recorded = mode.grad and any(n is not None for n in nodes)
    if recorded:
        refuse_leaked(record, operands)
        recorded = record.vjp_rule is not None or _has_float(result)
    outs = _wrap_results(record, result)
    if record.view:
        link_view(record, operands[0], outs, params)
    if recorded:
        need = tuple(n is not None for n in nodes)
        kept = tuple(x._data if isinstance(x, Tensor) else x for x in operands)
        _remember(record, outs, operands, kept, need, nodes, params, half)
    return outs


def _operand(record: Record, index: int, value: Any) -> Any:
    if isinstance(value, np.number) and isinstance(value, (float, complex)):
        # A NumPy double is a Python number too, and as weak: x / np.sqrt(d).
        value = value.item()
    if isinstance(value, (Tensor, *NUMBERS)):
        if record.promote is None and not isinstance(value, Tensor):
            return wrap(np.asarray(value, as_dtype(type(value)).numpy))
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return wrap(np.asarray(value))
    name = argument_name(record, index)
    raise ArgumentTypeError(
        f"{record.name}: {name} must be a Tensor, got {type(value).__name__}"
    )


def _promote(record: Record, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Bring the operands to their common dtype, by recorded casts."""
    arrays = [x._data if isinstance(x, Tensor) else x for x in operands]
    dtype = result_type_of(arrays)
    if record.promote == "float" and dtype.category < 2:
        dtype = get_default_dtype()
    target = dtype.numpy
    result = []
    for x in operands:
        if isinstance(x, Tensor):
            result.append(x if x._data.dtype == target else _cast(x, target))
        else:
            result.append(as_number(x, target, len(operands)))
    if not any(isinstance(x, Tensor) for x in result):
        result[0] = wrap(np.asarray(result[0], target))
    return tuple(result)


def _cast(x: Tensor, target: np.dtype) -> Tensor:
    from_record = CAST[0]
    return from_record(x, dtype=target)


# ops.create puts the cast record's call here.
CAST: list[Callable[..., Tensor]] = []


def _compute(
    record: Record,
    xp: Any,
    operands: tuple[Any, ...],
    arrays: tuple[Any, ...],
    params: dict[str, Any],
) -> Any:
    token = silence()
    try:
        return record.run(xp, *arrays, **params)
    except FAULTS as error:
        raise translated(record, operands, error) from None
    finally:
        unsilence(token)


def _has_float(result: Any) -> bool:
    results = result if isinstance(result, (tuple, list)) else (result,)
    return any(r.dtype.kind in "fcV" for r in results)


def _wrap_results(record: Record, result: Any) -> Any:
    if record.outputs == 1:
        return wrap(np.asarray(result) if isinstance(result, np.generic) else result)
    return tuple(
        wrap(np.asarray(r) if isinstance(r, np.generic) else r) for r in result
    )


def _remember(
    record: Record,
    outs: Any,
    operands: tuple[Any, ...],
    arrays: tuple[Any, ...],
    need: tuple[bool, ...],
    nodes: tuple[Any, ...],
    params: dict[str, Any],
    half: Any = None,
) -> None:
    """Put the node of one call on its outputs."""
    single = record.outputs == 1
    results = (outs,) if single else outs
    if record.promote is not None:
        arrays = without_numbers(arrays)
    saved: list[Any] = []
    guards: list[Any] = []
    for source, attribute, when in record.plan.steps:
        value: Any
        if source == "xs":
            first = len(record.inputs) - 1
            rest = arrays[first:]
            if attribute:
                saved.append(tuple(getattr(a, attribute) for a in rest))
                continue
            saved.append(tuple(rest))
            for x in operands[first:]:
                cell = shared_cell(x)
                guards += (cell, cell[0], "tensors")
            continue
        if isinstance(source, int):
            value, owner, name = arrays[source], operands[source], record.inputs[source]
        else:
            owner = results[int(source[1:] or 0)]
            value, name = owner._data, "result"
        if when and not any(need[i] for i in when):
            saved.append(None)
        elif attribute:
            saved.append(getattr(value, attribute))
        else:
            saved.append(value)
            if isinstance(owner, Tensor):
                cell = shared_cell(owner)
                guards += (cell, cell[0], name)
    kind = Node if single else MultiNode
    call = record.call_for(need, params, half)
    node = make_node(kind, call, nodes, tuple(saved), tuple(guards))
    if single:
        outs._node = node
    else:
        branch(node, outs)


def branch(node: MultiNode, outs: tuple[Tensor, ...]) -> None:
    """Give each floating output of a multi-output op its own branch of the node."""
    node.outs = []
    node.specs = tuple((o._data.shape, o._data.dtype) for o in outs)
    for i, out in enumerate(outs):
        branch = Output(node, i)
        node.outs.append(weakref.ref(branch))
        if from_numpy_dtype(out._data.dtype).category >= 2:
            out._node = branch
