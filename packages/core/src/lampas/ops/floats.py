"""Floating numbers taken apart: mantissas, exponents, neighbours."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lampas.engine.infer import Spec, broadcast
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_tensors
from lampas.ops._results import printed_as
from lampas.ops.power import pow

__all__ = ["frexp", "ldexp", "nextafter"]


@printed_as("frexp")
class FrexpResult(NamedTuple):
    """What :func:`lampas.frexp` returns."""

    mantissa: Tensor
    exponent: Tensor


def _parts(specs: Any) -> list[Spec]:
    shape, dtype = specs[0]
    return [Spec(shape, dtype), Spec(shape, np.dtype(np.int32))]


_frexp = op("frexp", kind=ELEMENTWISE, outputs=2, saves="y1", fresh=True, infer=_parts)


@_frexp.forward
def frexp_forward(xp: Any, x: Any) -> Any:
    mantissa, exponent = xp.frexp(x)
    finite = xp.isfinite(x)
    # What frexp says of infinities and NaN depends on the C library.
    return xp.where(finite, mantissa, x), xp.where(finite, exponent, 0)


@_frexp.vjp
def frexp_vjp(F: Any, g: Any, exponent: Any, *, need: Any) -> Any:
    dmantissa, _ = g
    if dmantissa is None:
        return (None,)
    return (dmantissa / F.pow(2.0, F.cast(exponent, dtype=dmantissa.dtype)),)


@method()
def frexp(input: Tensor) -> FrexpResult:
    """Take numbers apart: ``x = mantissa * 2 ** exponent``, ``0.5 <= |mantissa| < 1``.

    Args:
        input: floating, any shape.

    Returns:
        The named pair of mantissas and exponents (int32).

    Raises:
        RuntimeError: the input is not floating.

    >>> mantissa, exponent = lampas.frexp(lampas.tensor([6.0]))
    >>> mantissa, exponent.tolist()
    (tensor([0.7500]), [3])
    """
    if not input.is_floating_point():
        raise DTypeError(f"frexp: input must be floating, got {input.dtype}")
    return FrexpResult(*_frexp.call(input))


@method(inplace=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``y = input * 2 ** other``.

    Args:
        input, other: tensors that broadcast against each other; integers give the
            default floating dtype.

    >>> lampas.ldexp(lampas.tensor([1.5]), lampas.tensor([3]))
    tensor([12.])
    """
    require_tensors("ldexp", input=input, other=other)
    return input * pow(2.0, other)


_nextafter = op(
    "nextafter",
    kind=ELEMENTWISE,
    ufunc="nextafter",
    saves="x other x.shape other.shape",
    widen=False,
    infer=broadcast,
)


@_nextafter.vjp
def nextafter_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    # The step follows x; only where there is none, no gradient does, as in PyTorch.
    dx = F.sum_to(F.masked(g, x != other), shape=shape) if need[0] else None
    return dx, F.sum_to(F.zeros_like(g), shape=other_shape) if need[1] else None


@method(inplace=True)
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next representable number after ``input`` on the way to ``other``.

    Args:
        input, other: floating tensors that broadcast against each other.

    Raises:
        RuntimeError: they are not floating.

    >>> x = lampas.nextafter(lampas.tensor([1.0]), lampas.tensor([2.0]))
    >>> float(x - 1) == lampas.finfo(lampas.float32).eps
    True
    """
    require_tensors("nextafter", input=input, other=other)
    for x in (input, other):
        if not x.is_floating_point():
            raise DTypeError(
                f"nextafter is not implemented for {x.dtype}, only for floats"
            )
    return _nextafter.call(input, other)
