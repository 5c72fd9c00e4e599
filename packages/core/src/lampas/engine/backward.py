"""``backward`` and ``grad``: from tensors to the walk over the tape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.backend.native import Block
from lampas.engine.callpath import CAST
from lampas.engine.exhausted import out_of_memory
from lampas.engine.modes import BEFORE_WALK, mode
from lampas.engine.record import taped
from lampas.engine.rows import Rows
from lampas.engine.tape import Leaf, Node, walk
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import Tracer, TransformError
from lampas.errors import ArgumentTypeError, GradientError, ShapeError

__all__ = ["backward", "grad"]


def _roots(
    tensors: Sequence[Tensor], gradients: Sequence[Tensor | None], graph: bool
) -> list[tuple[Any, Any]]:
    if mode.levels and any(isinstance(x, Tracer) for x in tensors):
        raise TransformError(
            "autograd.grad and backward can't start at a tensor inside a function "
            "transform; use lampas.func.grad or vjp there"
        )
    roots = []
    for i, (tensor, g) in enumerate(zip(tensors, gradients, strict=True)):
        if tensor._node is None:
            raise GradientError(
                f"element {i} of tensors does not require grad and was not made by a "
                "recorded operation, so there is nothing to go back over"
            )
        g = _checked(tensor, g, i)
        roots.append((tensor._node, g if graph else g._data))
    return roots


def _checked(tensor: Tensor, g: Tensor | None, i: int) -> Tensor:
    data = tensor._data
    if g is None:
        if data.size != 1:
            raise GradientError(
                "a gradient can be made implicitly only for a scalar output, got shape "
                f"{tuple(tensor.shape)}; pass gradient= (the cotangent) of that shape"
            )
        if data.dtype.kind == "c":
            raise GradientError(
                "a gradient can be made implicitly only for real outputs, got "
                f"{tensor.dtype}; pass gradient=, or take the real part or abs() first"
            )
        ones = namespace_of(data).empty(data.shape, data.dtype)
        ones.fill(1)
        return wrap(ones)
    if g._data.shape != data.shape:
        raise ShapeError(
            f"the gradient of output {i} must have its shape {tuple(tensor.shape)}, "
            f"got {tuple(g.shape)}"
        )
    return g if g._data.dtype == data.dtype else CAST[0](g, dtype=data.dtype)


def _sequence(value: Any, name: str, optional: bool = False) -> tuple[Any, ...]:
    """The tensors of one or of any number; ``optional`` ones may be None."""
    if isinstance(value, Tensor):
        return (value,)
    if not isinstance(value, Iterable):
        raise ArgumentTypeError(
            f"{name} must be a tensor or tensors, got {type(value).__name__}"
        )
    found = tuple(value)
    for i, x in enumerate(found):
        if not isinstance(x, Tensor) and not (optional and x is None):
            raise GradientError(
                f"element {i} of {name} must be a tensor, got {type(x).__name__}"
            )
    return found


def _inputs(value: Any) -> tuple[Any, ...]:
    found = _sequence(value, "inputs")
    if not found:
        raise GradientError("inputs must hold at least one tensor, got none")
    return found


def _cotangents(value: Any, name: str, count: int) -> tuple[Any, ...]:
    return (None,) * count if value is None else _sequence(value, name, True)


def _visited(error: BaseException) -> str:
    """The node at which a walk stood when an error was raised."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        node = trace.tb_frame.f_locals.get("node")
        if isinstance(node, (Node, Leaf)):
            found = f" at {node!r}"
        trace = trace.tb_next
    return found


def _go_back(roots: list[tuple[Any, Any]], **options: Any) -> None:
    for prepare in BEFORE_WALK:
        prepare(roots)
    try:
        walk(roots, **options)
    except MemoryError as error:
        raise out_of_memory("backward" + _visited(error), error) from None


def backward(
    tensors: Tensor | Iterable[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add to the leaves' ``grad`` the derivatives of the tensors' weighted sum.

    Args:
        tensors: outputs to differentiate.
        grad_tensors: a cotangent for each, of its shape; may be left out for scalars.
        retain_graph: keep what the gradient needs, for a second pass; by default
            what ``create_graph`` says.
        create_graph: record the computation of the gradient itself.
        inputs: gather only into these.

    Raises:
        RuntimeError: nothing was recorded, a second pass over a freed graph, or a
            saved value that was changed in place.

    >>> import lampas
    >>> x = lampas.tensor([1.0, 2.0], requires_grad=True)
    >>> lampas.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    outputs = _sequence(tensors, "tensors")
    given = _cotangents(grad_tensors, "grad_tensors", len(outputs))
    if len(given) != len(outputs):
        raise GradientError(
            f"got {len(outputs)} tensors and {len(given)} gradients; give one for each"
        )
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        roots = _roots(outputs, given, create_graph)
        _go_back(roots, create_graph=create_graph, retain_graph=retain)
        return
    chosen = _inputs(inputs)
    found = grad(outputs, chosen, given, retain, create_graph, True, True)
    for x, g in zip(chosen, found, strict=True):
        if g is not None:
            x.grad = g if x.grad is None else x.grad + g


def _rows(grad_outputs: Any) -> list[tuple[Any, ...]]:
    """The cotangents of each pass, from those of all."""
    given = _cotangents(grad_outputs, "grad_outputs", 0)
    sizes = {g.shape[0] if g.ndim else 0 for g in given if isinstance(g, Tensor)}
    if len(sizes) != 1 or sizes == {0}:
        raise GradientError(
            "grad with is_grads_batched=True: grad_outputs must have one size along "
            f"their first dimension, at least 1; got {sorted(sizes)}"
        )
    (size,) = sizes
    return [tuple(None if g is None else g[i] for g in given) for i in range(size)]


def grad(
    outputs: Tensor | Iterable[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The derivatives of the outputs' weighted sum with respect to the inputs.

    Args:
        outputs: tensors to differentiate.
        inputs: tensors to differentiate by; leaves or not.
        grad_outputs: a cotangent for each output; may be left out for scalars.
        retain_graph: keep what the gradient needs for a second pass.
        create_graph: record the computation, for derivatives of higher order.
        only_inputs: accepted; the gradients of other leaves are never added to.
        allow_unused: give None for an input that the outputs do not depend on,
            instead of an error.
        is_grads_batched: ``grad_outputs`` have one more dimension in front, and so do
            the results: a gradient for each entry.
        materialize_grads: give zeros instead of None there.

    Returns:
        One gradient for each input, of its shape.

    >>> import lampas
    >>> x = lampas.tensor(3.0, requires_grad=True)
    >>> (first,) = lampas.autograd.grad(x * x * x, x, create_graph=True)
    >>> lampas.autograd.grad(first, x)
    (tensor(18.),)
    """
    outs, ins = _sequence(outputs, "outputs"), _inputs(inputs)
    if is_grads_batched:
        rows = _rows(grad_outputs)
        rest = (create_graph, True, allow_unused, False, materialize_grads)
        found = [grad(outs, ins, row, True, *rest) for row in rows[:-1]]
        keep = create_graph if retain_graph is None else retain_graph
        found.append(grad(outs, ins, rows[-1], keep, *rest))
        return tuple(
            None if parts[0] is None else taped.stack(*parts, dim=0)
            for parts in zip(*found, strict=True)
        )
    given = _cotangents(grad_outputs, "grad_outputs", len(outs))
    for i, x in enumerate(ins):
        if x._node is None:
            raise GradientError(
                f"element {i} of inputs does not require grad; call requires_grad_() "
                "on it before the outputs are computed"
            )
    retain = create_graph if retain_graph is None else retain_graph
    wanted: dict[Any, Any] = {x._node: None for x in ins}
    # Cotangents inside of function transforms are tensors to the end.
    traced = [g for g in given if isinstance(g, Tracer)]
    record = create_graph or any(g.requires_grad for g in traced)
    taping = create_graph or bool(traced)
    roots = _roots(outs, given, taping)
    _go_back(
        roots,
        create_graph=taping,
        retain_graph=retain,
        wanted=wanted,
        record=record,
    )
    results = [_own(wanted[x._node], roots, wanted) for x in ins]
    if materialize_grads:
        results = [
            wrap(namespace_of(x._data).zeros(x._data.shape, x._data.dtype))
            if g is None
            else g
            for x, g in zip(ins, results, strict=True)
        ]
    elif not allow_unused and any(g is None for g in results):
        i = next(i for i, g in enumerate(results) if g is None)
        raise GradientError(
            f"element {i} of inputs appears not to have been used in the graph; "
            "set allow_unused=True if that is meant"
        )
    return tuple(results)


def _own(g: Any, roots: list[tuple[Any, Any]], wanted: dict[Any, Any]) -> Any:
    """A gradient as a tensor whose memory nothing else shares."""
    if g is None or isinstance(g, Tensor):
        return g
    if type(g) is Rows:
        return g.tensor()
    array = np.asarray(g) if isinstance(g, np.generic) else g
    shared = array.base is not None and type(array.base) is not Block
    shared = shared or any(array is r for _, r in roots)
    shared = shared or sum(array is other for other in wanted.values()) > 1
    return wrap(array.copy() if shared else array)


@method("backward")
def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Differentiate this tensor; see :func:`lampas.autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, inputs)
