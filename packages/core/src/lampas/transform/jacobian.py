"""Jacobians and Hessians, by rows (reverse mode) or by columns (forward mode)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError
from lampas.ops.create import ones, zeros
from lampas.ops.diagonal import diag_embed
from lampas.ops.split import split
from lampas.ops.views import movedim
from lampas.transform.gradient import _chosen, _replaced, jvp, vjp
from lampas.transform.tree import flatten, unflatten
from lampas.transform.vmap import vmap

__all__ = ["hessian", "jacfwd", "jacrev"]


def _basis(tensors: list[Tensor]) -> list[Tensor]:
    """For each tensor the unit vectors of all of them: (total, *shape)."""
    total = sum(x.numel() for x in tensors)
    blocks = []
    before = 0
    for x in tensors:
        count = x.numel()
        block = zeros(total, count, dtype=x.dtype, device=x.device)
        eye = diag_embed(ones(count, dtype=x.dtype, device=x.device))
        block[before : before + count] = eye
        blocks.append(block.reshape(total, *x.shape))
        before += count
    return blocks


def _on_chosen(
    func: Callable[..., Any], args: Any, argnums: Any, kwargs: Any
) -> Callable[..., Any]:
    def function(chosen: Any) -> Any:
        return func(*_replaced(args, argnums, chosen), **kwargs)

    return function


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Make the function that gives the Jacobian, row by row in reverse mode.

    ``J[i, j] = d output[i] / d input[j]``; of shape (*output shape, *input shape).

    Args:
        func: takes and returns tensors, or nested tuples, lists and dicts of them.
        argnums: the arguments to differentiate by.
        has_aux: ``func`` returns (output, aux).
        chunk_size: how many rows to compute at once; all by default.

    Returns:
        A function that returns Jacobians, nested as the output and in it as the
        argument; or (these, aux).

    Raises:
        TypeError: the function does not return tensors.

    >>> import lampas
    >>> lampas.func.jacrev(lampas.square)(lampas.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen("jacrev", args, argnums)
        function = _on_chosen(func, args, argnums, kwargs)
        output, pull, *aux = vjp(function, chosen, has_aux=has_aux)
        outs, form = flatten(output)
        xs, shape = flatten(chosen)
        rows = vmap(lambda *g: pull(unflatten(form, list(g)))[0], chunk_size=chunk_size)
        pulled = flatten(rows(*_basis(outs)))[0]
        blocks = [split(p, [out.numel() for out in outs]) for p in pulled]
        jacobian = [
            unflatten(
                shape,
                [
                    b[i].reshape(*out.shape, *x.shape)
                    for b, x in zip(blocks, xs, strict=True)
                ],
            )
            for i, out in enumerate(outs)
        ]
        result = unflatten(form, jacobian)
        return (result, aux[0]) if has_aux else result

    return wrapped


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Make the function that gives the Jacobian, column by column in forward mode.

    Cheaper than :func:`jacrev` where there are fewer inputs than outputs.

    Args:
        func, argnums, has_aux: as for :func:`jacrev`.
        randomness: as for :func:`vmap`.
        chunk_size: how many columns to compute at once; all by default.

    Returns:
        As for :func:`jacrev`.

    Raises:
        TypeError: an argument to differentiate by is no tensor.

    >>> import lampas
    >>> lampas.func.jacfwd(lampas.square)(lampas.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        chosen = _chosen("jacfwd", args, argnums)
        function = _on_chosen(func, args, argnums, kwargs)
        xs, shape = flatten(chosen)
        for x in xs:
            if not isinstance(x, Tensor):
                raise ArgumentTypeError(
                    f"jacfwd: arguments must be tensors, got {type(x).__name__}"
                )
        kept: list[Any] = []

        def column(*tangent: Any) -> Any:
            direction = unflatten(shape, list(tangent))
            output, moved, *aux = jvp(
                function, (chosen,), (direction,), has_aux=has_aux
            )
            kept[:] = [flatten(output), aux]
            return moved

        columns = vmap(column, randomness=randomness, chunk_size=chunk_size)
        moved, form = flatten(columns(*_basis(xs)))
        sizes = [x.numel() for x in xs]
        jacobian = [
            unflatten(
                shape,
                [
                    movedim(part, 0, -1).reshape(*m.shape[1:], *x.shape)
                    for part, x in zip(split(m, sizes), xs, strict=True)
                ],
            )
            for m in moved
        ]
        result = unflatten(form, jacobian)
        return (result, kept[1][0]) if has_aux else result

    return wrapped


def hessian(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., Any]:
    """Make the function that gives second derivatives: forward over reverse mode.

    ``H[i, j] = d^2 output / d input[i] d input[j]``.

    Args:
        func, argnums: as for :func:`jacrev`.

    Returns:
        A function that returns Hessians, nested as the output, then twice as the
        argument.

    Raises:
        TypeError: the function does not return tensors.

    >>> import lampas
    >>> lampas.func.hessian(lambda x: x.prod())(lampas.tensor([2.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
