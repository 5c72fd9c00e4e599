"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import GradientError
from lampas.ops.like import ones_like
from lampas.transform import gradient
from lampas.transform import jacobian as jacobians

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _like(value: tuple[Any, ...], given: Any) -> Any:
    """A tuple where ``given`` is one, else its only entry."""
    return value if isinstance(given, tuple) else value[0]


def _finished(result: Any, create_graph: bool) -> Any:
    """Cut off from history unless that is wanted."""
    if create_graph:
        return result
    if isinstance(result, tuple):
        return tuple(_finished(r, False) for r in result)
    return result.detach()


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of a function: of shape (*output shape, *input shape).

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        create_graph: let the result be differentiated further.
        strict, vectorize: accepted as PyTorch accepts them; rows are always computed
            together, and an output that does not depend on an input gives zeros.
        strategy: ``"reverse-mode"`` or ``"forward-mode"``.

    Returns:
        A tensor; a tuple over inputs or outputs where these are tuples.

    >>> import lampas
    >>> jacobian(lampas.exp, lampas.zeros(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    xs = _tuple(inputs)
    make = jacobians.jacrev if strategy == "reverse-mode" else jacobians.jacfwd
    found = make(func, tuple(range(len(xs))))(*xs)
    if isinstance(found[0], tuple):
        result = tuple(_like(rows, inputs) for rows in found)
    else:
        result = _like(found, inputs)
    return _finished(result, create_graph)


def _scalar(name: str, output: Any) -> Tensor:
    """The single element that a function must return, without dimensions."""
    if not isinstance(output, Tensor) or output.numel() != 1:
        raise GradientError(f"{name}: the function must return a single element")
    return output.reshape(())


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function that returns a single element.

    Args:
        func, inputs, create_graph, strict, vectorize: as for :func:`jacobian`.
        outer_jacobian_strategy: mode of the outer derivative.

    Returns:
        A tensor; a tuple of tuples where ``inputs`` is a tuple.

    Raises:
        RuntimeError: ``func`` returns several elements.

    >>> import lampas
    >>> hessian(lambda x: x.prod(), lampas.tensor([2.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    xs = _tuple(inputs)
    places = tuple(range(len(xs)))
    reverse = outer_jacobian_strategy == "reverse-mode"
    outer = jacobians.jacrev if reverse else jacobians.jacfwd
    inner = gradient.grad(lambda *given: _scalar("hessian", func(*given)), places)
    found = outer(inner, places)(*xs)
    result = found if isinstance(inputs, tuple) else found[0][0]
    return _finished(result, create_graph)


def vjp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function and ``v^T J``.

    Args:
        func, inputs, create_graph, strict: as for :func:`jacobian`.
        v: a cotangent for each output; may be left out for a single element.

    Returns:
        (output, product), the latter as the inputs.

    Raises:
        RuntimeError: ``v`` has another shape, or is missing.

    >>> import lampas
    >>> vjp(lampas.square, lampas.tensor([1.0, 2.0]), lampas.ones(2))[1]
    tensor([2., 4.])
    """
    output, pull = gradient.vjp(func, *_tuple(inputs))
    if v is None:
        v = _default("vjp", output)
    found = _like(pull(v), inputs)
    return _finished(output, create_graph), _finished(found, create_graph)


def _default(name: str, output: Any) -> Tensor:
    if not isinstance(output, Tensor) or output.numel() != 1:
        raise GradientError(f"{name}: v is needed unless the output is one element")
    return ones_like(output)


def _direction(name: str, v: Any, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """A tangent for each input; only a single element has one by default."""
    if v is None:
        v = _default(name, xs[0] if len(xs) == 1 else None)
    return _tuple(v)


def jvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function and ``J v``.

    Args:
        func, inputs, create_graph, strict: as for :func:`jacobian`.
        v: a tangent for each input; may be left out for a single element.

    Returns:
        (output, product), both as the function returns them.

    Raises:
        RuntimeError: ``v`` has another shape, or is missing.

    >>> import lampas
    >>> jvp(lampas.square, lampas.tensor([1.0, 2.0]), lampas.ones(2))[1]
    tensor([2., 4.])
    """
    xs = _tuple(inputs)
    found = gradient.jvp(func, xs, _direction("jvp", v, xs))
    return _finished(found[0], create_graph), _finished(found[1], create_graph)


def _second(
    name: str, func: Callable[..., Any], inputs: Tensors, v: Any, forward: bool
) -> tuple[Any, Any]:
    xs = _tuple(inputs)
    v = _direction(name, v, xs)

    def with_value(*given: Any) -> Any:
        output = func(*given)
        return _scalar(name, output), output

    gradients = gradient.grad(with_value, tuple(range(len(xs))), has_aux=True)
    if forward:
        _, product, output = gradient.jvp(gradients, xs, v, has_aux=True)
    else:
        _, pull, output = gradient.vjp(gradients, *xs, has_aux=True)
        product = pull(v)
    return output, _like(product, inputs)


def hvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function of a single element, and ``H v``.

    Args:
        func, inputs, v, create_graph, strict: as for :func:`jvp`.

    Returns:
        (output, product), the latter as the inputs.

    Raises:
        RuntimeError: ``func`` returns several elements, or ``v`` has another shape.

    >>> import lampas
    >>> hvp(lambda x: (x**3).sum(), lampas.tensor([1.0, 2.0]), lampas.ones(2))[1]
    tensor([ 6., 12.])
    """
    return _finished(_second("hvp", func, inputs, v, True), create_graph)


def vhp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The value of a function of a single element, and ``v^T H``, in reverse mode.

    Args:
        func, inputs, v, create_graph, strict: as for :func:`jvp`.

    Returns:
        (output, product), the latter as the inputs.

    Raises:
        RuntimeError: ``func`` returns several elements, or ``v`` has another shape.

    >>> import lampas
    >>> vhp(lambda x: (x**3).sum(), lampas.tensor([1.0, 2.0]), lampas.ones(2))[1]
    tensor([ 6., 12.])
    """
    return _finished(_second("vhp", func, inputs, v, False), create_graph)
