"""``vjp``, ``grad`` and ``jvp``: derivatives of functions as functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lampas.engine.backward import grad as tape_grad
from lampas.engine.modes import enable_grad, mode
from lampas.engine.tape import Leaf, ordered
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import Tracer, live
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    DTypeError,
    GradientError,
    ShapeError,
)
from lampas.ops.convert import clone
from lampas.ops.like import ones_like, zeros_like
from lampas.transform.captured import apart, refuse_captured
from lampas.transform.forward import ForwardLevel
from lampas.transform.reverse import ReverseLevel, source
from lampas.transform.tree import flatten, leaves, tree_map, unflatten

__all__ = ["grad", "grad_and_value", "jvp", "linearize", "vjp"]


def _require_tensors(name: str, what: str, values: list[Any]) -> None:
    for value in values:
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"{name}: {what} must be tensors, got {type(value).__name__}"
            )


def _split_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise ArgumentTypeError(
            f"{name}: with has_aux=True the function must return (output, aux), got "
            f"{type(result).__name__}"
        )
    return result


class _OnTape:
    """A pullback that uses the ordinary tape: no transform is around it."""

    def __init__(self, primals: list[Tensor]) -> None:
        with enable_grad():
            self.sources = [
                clone(x) if x.requires_grad else x.detach().requires_grad_()
                for x in primals
            ]
        self.outs: list[Any] = []
        self.outer = False

    def finish(self, outs: list[Any]) -> list[Any]:
        """The outputs as the caller may see them."""
        self.outs = outs
        self.outer = self._reaches_others()
        return [self.value_of(out) for out in outs]

    def value_of(self, out: Any) -> Any:
        """A result without the history that only the pullback needs."""
        kept = self.outer or not isinstance(out, Tensor)
        return out if kept else out.detach()

    def _reaches_others(self) -> bool:
        """Whether something else that requires grad takes part."""
        own = {x._node for x in self.sources}
        roots = [x._node for x in (*self.outs, *self.sources) if x._node is not None]
        return any(
            type(node) is Leaf and node not in own for node in ordered(roots, None)
        )

    def pull(self, cotangents: list[Tensor]) -> list[Any]:
        pairs = [
            (out, g)
            for out, g in zip(self.outs, cotangents, strict=True)
            if out._node is not None
        ]
        if not pairs:
            return [zeros_like(x) for x in self.sources]
        tensors = self.outer or any(isinstance(g, Tracer) for _, g in pairs)
        found = tape_grad(
            [out for out, _ in pairs],
            self.sources,
            [g for _, g in pairs],
            retain_graph=True,
            create_graph=tensors,
            allow_unused=True,
        )
        kept = [
            zeros_like(x) if g is None else g
            for x, g in zip(self.sources, found, strict=True)
        ]
        return kept if self.outer else [g.detach() for g in kept]


class _OnLevel:
    """A pullback inside other transforms: it has a level of its own."""

    def __init__(self, level: ReverseLevel, primals: list[Tensor]) -> None:
        self.level = level
        self.primals = primals
        self.sources: list[Any] = [source(level, x) for x in primals]
        self.outs: list[Any] = []

    def finish(self, outs: list[Any]) -> list[Any]:
        self.outs = outs
        return [self.value_of(out) for out in outs]

    def value_of(self, out: Any) -> Any:
        return self.level.value_of(out)

    def pull(self, cotangents: list[Tensor]) -> list[Any]:
        found = self.level.pull(self.outs, cotangents, self.sources)
        return [
            zeros_like(x) if g is None else g
            for x, g in zip(self.primals, found, strict=True)
        ]


def _traced(function: Callable[..., Any], primals: list[Tensor]) -> tuple[Any, Any]:
    """What the function of leaves gives, and its pullback."""
    for x in primals:
        if x.dtype.category < 2:
            raise DTypeError(
                f"derivatives are by floating or complex tensors, got {x.dtype}"
            )
    if not mode.levels:
        tape = _OnTape(primals)
        with enable_grad():
            return function(tape.sources), tape
    with live(ReverseLevel()) as level, enable_grad():
        pullback = _OnLevel(level, primals)
        result = apart(level, function(pullback.sources))
        refuse_captured(level, pullback.sources)
        return result, pullback


def vjp(
    func: Callable[..., Any], *primals: Any, has_aux: bool = False
) -> tuple[Any, ...]:
    """Evaluate a function, and make the function that pulls cotangents back.

    ``vjp_fn(v) = v^T J`` with the Jacobian ``J`` of ``func`` at ``primals``.

    Args:
        func: takes and returns tensors, or nested tuples, lists and dicts of them.
        primals: where to evaluate it.
        has_aux: ``func`` returns (output, aux); aux is handed on.

    Returns:
        (output, vjp_fn), or (output, vjp_fn, aux). ``vjp_fn`` takes a cotangent nested
        as the output and returns a tuple with one gradient for each primal.

    Raises:
        TypeError: a primal or the output is no tensor.

    >>> import lampas
    >>> y, pull = lampas.func.vjp(lampas.sin, lampas.zeros(2))
    >>> pull(lampas.ones(2))
    (tensor([1., 1.]),)
    """
    values, shape = flatten(primals)
    _require_tensors("vjp", "primals", values)
    result, pullback = _traced(lambda xs: func(*unflatten(shape, xs)), values)
    output, aux = _split_aux("vjp", result, has_aux)
    outs, form = flatten(output)
    _require_tensors("vjp", "what the function returns", outs)
    visible = unflatten(form, pullback.finish(outs))

    def vjp_fn(cotangents: Any) -> Any:
        given = leaves(cotangents)
        _check_like("vjp_fn", "cotangents", given, outs)
        return unflatten(shape, pullback.pull(given))

    if has_aux:
        return visible, vjp_fn, tree_map(pullback.value_of, aux)
    return visible, vjp_fn


def _check_like(name: str, what: str, given: list[Any], wanted: list[Any]) -> None:
    _require_tensors(name, what, given)
    if len(given) != len(wanted):
        raise ArgumentError(
            f"{name}: {what} has {len(given)} tensors, expected {len(wanted)}"
        )
    for g, x in zip(given, wanted, strict=True):
        if g._data.shape != x._data.shape:
            raise ShapeError(
                f"{name}: {what} must have shape {tuple(x.shape)}, got {tuple(g.shape)}"
            )


def grad_and_value(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Make the function that gives the gradient of a scalar function, and its value.

    Args:
        func: returns a 0-d tensor, or (that, aux).
        argnums: the arguments to differentiate by.
        has_aux: ``func`` returns (output, aux).

    Returns:
        A function with the arguments of ``func`` that returns (gradient, value), or
        (gradient, (value, aux)); the gradient is nested as the argument.

    Raises:
        RuntimeError: ``func`` does not return a 0-d tensor, or ``argnums`` is out of
            range.

    >>> import lampas
    >>> lampas.func.grad_and_value(lambda x: x * x)(lampas.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen, shape = flatten(_chosen("grad", args, argnums))
        _require_tensors("grad", "the arguments at argnums", chosen)

        def on_leaves(values: list[Any]) -> Any:
            own = _replaced(args, argnums, unflatten(shape, values))
            return func(*own, **kwargs)

        result, pullback = _traced(on_leaves, chosen)
        output, aux = _split_aux("grad", result, has_aux)
        if not isinstance(output, Tensor) or output.ndim:
            found = getattr(output, "shape", type(output).__name__)
            raise GradientError(
                f"grad: the function must return a 0-d tensor, got {found}"
            )
        (value,) = pullback.finish([output])
        gradient = unflatten(shape, pullback.pull([ones_like(value)]))
        if has_aux:
            return gradient, (value, tree_map(pullback.value_of, aux))
        return gradient, value

    return wrapped


def _chosen(name: str, args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Any:
    """The arguments at these places: one, or a tuple of them."""
    for number in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(number, int):
            raise GradientError(
                f"{name}: argnums must be an int or a tuple of ints, got {argnums!r}"
            )
        if not -len(args) <= number < len(args):
            raise GradientError(
                f"{name}: argnums has {number}, but there are {len(args)} positional "
                "arguments"
            )
    if isinstance(argnums, int):
        return args[argnums]
    if not argnums:
        raise GradientError(f"{name}: argnums must name at least one argument")
    return tuple(args[i] for i in argnums)


def _replaced(
    args: tuple[Any, ...], argnums: int | tuple[int, ...], chosen: Any
) -> list[Any]:
    """The arguments with others at these places."""
    own = list(args)
    if isinstance(argnums, int):
        own[argnums] = chosen
        return own
    for i, value in zip(argnums, chosen, strict=True):
        own[i] = value
    return own


def grad(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Make the function that gives the gradient of a scalar function.

    Args:
        func, argnums, has_aux: as for :func:`grad_and_value`.

    Returns:
        A function that returns the gradient, or (gradient, aux).

    Raises:
        RuntimeError: as for :func:`grad_and_value`.

    >>> import lampas
    >>> cube = lambda x: x ** 3
    >>> lampas.func.grad(lampas.func.grad(cube))(lampas.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        gradient, rest = both(*args, **kwargs)
        return (gradient, rest[1]) if has_aux else gradient

    return wrapped


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> tuple[Any, ...]:
    """Evaluate a function and its derivative along a direction: ``J v``.

    Args:
        func: takes and returns tensors, or nested tuples, lists and dicts of them.
        primals: where to evaluate it, a tuple.
        tangents: the direction, nested and shaped as ``primals``.
        strict: refuse an output that does not depend on the inputs.
        has_aux: ``func`` returns (output, aux).

    Returns:
        (output, tangent of the output), or (output, tangent, aux).

    Raises:
        RuntimeError: shapes differ; with ``strict``, an output does not depend on the
            inputs.

    >>> import lampas
    >>> lampas.func.jvp(lampas.sin, (lampas.zeros(1),), (lampas.ones(1),))
    (tensor([0.]), tensor([1.]))
    """
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple):
            raise ArgumentTypeError(
                f"jvp: {name} must be a tuple, got {type(value).__name__}"
            )
    values, shape = flatten(primals)
    _require_tensors("jvp", "primals", values)
    for x in values:
        if x.dtype.category < 2:
            raise ArgumentError(
                f"jvp: primals must be floating or complex, got {x.dtype}"
            )
    directions = leaves(tangents)
    _check_like("jvp", "tangents", directions, values)
    with live(ForwardLevel()) as level:
        moving = [level.wrap(x, t) for x, t in zip(values, directions, strict=True)]
        result = apart(level, func(*unflatten(shape, moving)))
        refuse_captured(level, moving)
        output, aux = _split_aux("jvp", result, has_aux)
        outs, form = flatten(output)
        _require_tensors("jvp", "what the function returns", outs)
        moved = [level.tangent_of(out) for out in outs]
        if strict and any(t is None for t in moved):
            raise GradientError("jvp: an output does not depend on the inputs")
        visible = [level.value_of(out) for out in outs]
        zeros = [
            zeros_like(x) if t is None else t
            for x, t in zip(visible, moved, strict=True)
        ]
        aux = tree_map(level.value_of, aux)
    answer = unflatten(form, visible), unflatten(form, zeros)
    return (*answer, aux) if has_aux else answer


def linearize(
    func: Callable[..., Any], *primals: Any
) -> tuple[Any, Callable[..., Any]]:
    """Evaluate a function, and make the linear function ``v -> J v`` at that point.

    Args:
        func, primals: as for :func:`vjp`.

    Returns:
        (output, jvp_fn); ``jvp_fn`` takes one tangent for each primal.

    >>> import lampas
    >>> y, push = lampas.func.linearize(lampas.square, lampas.tensor(3.0))
    >>> push(lampas.tensor(2.0))
    tensor(12.)
    """

    def jvp_fn(*tangents: Any) -> Any:
        return jvp(func, primals, tangents)[1]

    return func(*primals), jvp_fn
