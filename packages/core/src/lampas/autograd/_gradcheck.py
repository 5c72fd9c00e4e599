"""Checks of gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lampas.engine.backward import grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, GradientError
from lampas.ops.create import from_numpy
from lampas.transform.gradient import jvp, vjp
from lampas.transform.vmap import vmap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(GradientError):
    """A gradient differs from what finite differences say."""


def _leaves(inputs: Any) -> tuple[Any, ...]:
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    checked = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ArgumentError(
            "gradcheck: expected at least one input that requires grad, got none"
        )
    return tuple(inputs)


def _outputs(value: Any) -> list[Tensor]:
    found = value if isinstance(value, (tuple, list)) else (value,)
    return [x for x in found if isinstance(x, Tensor) and x.dtype.category >= 2]


def _numerical(
    function: Callable[..., Any], inputs: tuple[Any, ...], place: int, eps: float
) -> list[np.ndarray]:
    """For each output its derivative by one real input: (inputs, outputs).

    Complex numbers count as pairs of real ones.
    """
    array = inputs[place].detach().numpy().copy()
    parts = array.view(array.real.dtype).reshape(-1)
    rows = []
    for i in range(parts.size):
        before = parts[i]
        values = []
        for step in (eps, -eps):
            parts[i] = before + step
            moved = [*inputs]
            moved[place] = from_numpy(array.copy()).requires_grad_()
            outs = _outputs(function(*moved))
            values.append([_real(out.detach().numpy()) for out in outs])
        parts[i] = before
        rows.append([(a - b) / (2 * eps) for a, b in zip(*values, strict=True)])
    count = len(rows[0]) if rows else 0
    return [np.stack([row[k] for row in rows]) for k in range(count)]


def _real(array: np.ndarray) -> np.ndarray:
    """The real numbers in an array, in a row; of a copy, as views need one block."""
    array = np.ascontiguousarray(array)
    return array.view(array.real.dtype).reshape(-1).astype(np.float64)


def _units(like: Tensor) -> list[Tensor]:
    """The unit cotangents of an output; complex ones have two for each element."""
    made = []
    size = _real(like.detach().numpy()).size
    for i in range(size):
        unit = np.zeros(like.shape, like.detach().numpy().dtype)
        unit.view(unit.real.dtype).reshape(-1)[i] = 1
        made.append(from_numpy(unit))
    return made


def _analytical(out: Tensor, x: Tensor) -> np.ndarray:
    """The derivative of an output by an input in reverse mode: (inputs, outputs)."""
    columns = []
    for unit in _units(out):
        (g,) = grad(out, x, unit, retain_graph=True, allow_unused=True)
        empty = np.zeros(_real(x.detach().numpy()).size)
        columns.append(empty if g is None else _real(g.detach().numpy()))
    return np.stack(columns, axis=1)


def _forward(
    function: Callable[..., Any], inputs: tuple[Any, ...], place: int
) -> list[np.ndarray]:
    """The derivatives of all outputs by an input in forward mode."""

    def alone(x: Tensor) -> tuple[Tensor, ...]:
        given = [*inputs]
        given[place] = x
        return tuple(_outputs(function(*given)))

    rows = [
        [_real(m.detach().numpy()) for m in jvp(alone, (x,), (unit,))[1]]
        for x in [inputs[place].detach()]
        for unit in _units(x)
    ]
    return [np.stack([row[k] for row in rows]) for k in range(len(rows[0]))]


def _compare(
    what: str, found: np.ndarray, wanted: np.ndarray, atol: float, rtol: float
) -> None:
    if found.shape == wanted.shape and np.allclose(found, wanted, rtol, atol):
        return
    worst = np.abs(found - wanted).max() if found.shape == wanted.shape else np.nan
    raise GradcheckError(
        f"gradcheck: {what} does not agree with finite differences (largest "
        f"difference {worst:.3g}, atol {atol}, rtol {rtol});\nnumerical:\n{wanted}\n"
        f"analytical:\n{found}"
    )


def _check(
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    eps: float,
    atol: float,
    rtol: float,
    forward: bool,
    batched: bool,
) -> None:
    outs = _outputs(function(*inputs))
    for i, x in enumerate(inputs):
        if not (isinstance(x, Tensor) and x.requires_grad):
            continue
        wanted = _numerical(function, inputs, i, eps)
        for k, out in enumerate(outs):
            name = f"the gradient of output {k} by input {i}"
            if out.requires_grad:
                _compare(name, _analytical(out, x), wanted[k], atol, rtol)
            elif np.abs(wanted[k]).max(initial=0) > atol:
                raise GradcheckError(f"gradcheck: {name} is missing: it is not zero")
        if forward:
            for k, moved in enumerate(_forward(function, inputs, i)):
                name = f"the forward derivative of output {k} by input {i}"
                _compare(name, moved, wanted[k], atol, rtol)
    if batched:
        _check_batched(outs, inputs)


def _check_batched(outs: list[Tensor], inputs: tuple[Any, ...]) -> None:
    """Pulling back a batch of cotangents is pulling back each."""
    leaves = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    for k, out in enumerate(outs):
        if not out.requires_grad:
            continue
        units = _units(out)
        if not units:
            continue
        basis = np.stack([unit.numpy() for unit in units])

        def pull(g: Tensor, out: Tensor = out) -> Any:
            return grad(
                out,
                leaves,
                g,
                retain_graph=True,
                create_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )

        together = vmap(pull)(from_numpy(basis))
        for i, (x, rows) in enumerate(zip(leaves, together, strict=True)):
            found = np.stack([_real(row.detach().numpy()) for row in rows], axis=1)
            name = f"the batched gradient of output {k} by checked input {i}"
            _compare(name, found, _analytical(out, x), 1e-9, 1e-9)


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    check_batched_grad: bool = False,
    check_forward_ad: bool = False,
) -> bool:
    """Compare gradients with central differences, element by element.

    ``(f(x + eps e_i) - f(x - eps e_i)) / (2 eps)`` for each element of each input that
    requires grad; a complex element counts as two real ones.

    Args:
        func: takes the inputs, returns a tensor or a tuple of tensors.
        inputs: tensors, of which those that require grad are checked; they should be
            float64, or the differences are too coarse.
        eps: the step.
        atol, rtol: the absolute and relative error allowed.
        raise_exception: raise an error where they differ, instead of returning False.
        check_batched_grad: also hold ``vmap`` over cotangents against each of them.
        check_forward_ad: also compare forward mode.

    Returns:
        Whether they agree.

    Raises:
        RuntimeError: they differ and ``raise_exception`` is set.
        ValueError: no input requires grad.

    >>> import lampas
    >>> x = lampas.tensor([0.5], dtype=lampas.float64, requires_grad=True)
    >>> lampas.autograd.gradcheck(lampas.sin, x, check_forward_ad=True)
    True
    """
    given = _leaves(inputs)
    try:
        _check(func, given, eps, atol, rtol, check_forward_ad, check_batched_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
) -> bool:
    """Compare gradients of gradients with central differences of the gradients.

    Args:
        func, inputs: as for :func:`gradcheck`.
        grad_outputs: a cotangent for each output, by default drawn from the normal
            distribution by a generator of its own; they are checked as inputs, too.
        eps, atol, rtol, raise_exception, check_batched_grad: as for
            :func:`gradcheck`.
        check_fwd_over_rev: also compare forward mode over the gradient.

    Returns:
        Whether they agree.

    Raises:
        RuntimeError: they differ and ``raise_exception`` is set.
        ValueError: no input requires grad.

    >>> import lampas
    >>> x = lampas.tensor([0.5], dtype=lampas.float64, requires_grad=True)
    >>> lampas.autograd.gradgradcheck(lampas.exp, x)
    True
    """
    given = _leaves(inputs)
    outs = _outputs(func(*given))
    chosen = [k for k, out in enumerate(outs) if out.requires_grad]
    cotangents = _cotangents([outs[k] for k in chosen], grad_outputs)
    count = len(given)
    places = [
        i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad
    ]

    def gradients(*values: Any) -> tuple[Tensor, ...]:
        def alone(*xs: Tensor) -> tuple[Tensor, ...]:
            full = [*values[:count]]
            for i, x in zip(places, xs, strict=True):
                full[i] = x
            found = _outputs(func(*full))
            return tuple(found[k] for k in chosen)

        return vjp(alone, *(values[i] for i in places))[1](values[count:])

    return gradcheck(
        gradients,
        (*given, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
    )


def _cotangents(outs: list[Tensor], given: Any) -> list[Tensor]:
    if given is not None:
        chosen = given if isinstance(given, (tuple, list)) else (given,)
        return [g if g.requires_grad else g.detach().requires_grad_() for g in chosen]
    rng = np.random.default_rng(0)
    made = []
    for out in outs:
        array = np.empty(out.shape, out.detach().numpy().dtype)
        parts = array.view(array.real.dtype)
        parts[...] = rng.standard_normal(parts.shape)
        made.append(from_numpy(array).requires_grad_())
    return made
