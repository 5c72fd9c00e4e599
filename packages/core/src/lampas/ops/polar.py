"""Complex numbers put together from parts, their angles and conjugates."""

from __future__ import annotations

import math
from typing import Any

from lampas.dtypes import bool_, from_numpy_dtype
from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import ELEMENTWISE, RECORDS, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_tensors
from lampas.ops.complex import imag
from lampas.ops.like import ones_like
from lampas.ops.trig import cos, sin
from lampas.ops.unary import conj
from lampas.ops.views import broadcast_tensors

__all__ = [
    "angle",
    "complex",
    "conj_physical",
    "conj_physical_",
    "is_conj",
    "is_neg",
    "isreal",
    "polar",
    "resolve_conj",
    "resolve_neg",
]


def _require_parts(name: str, **parts: Tensor) -> None:
    require_tensors(name, **parts)
    (first, a), (second, b) = parts.items()
    if a._data.dtype.char not in "fd" or b._data.dtype != a._data.dtype:
        raise DTypeError(
            f"{name}: {first} and {second} must both be float32 or float64, got "
            f"{a.dtype} and {b.dtype}"
        )


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """Complex numbers from their parts: ``y = real + imag * 1j``.

    Args:
        real, imag: float32 or float64, both the same; they broadcast.

    Raises:
        RuntimeError: other dtypes.

    >>> lampas.complex(lampas.tensor([1.0]), lampas.tensor([2.0]))
    tensor([1.+2.j])
    """
    _require_parts("complex", real=real, imag=imag)
    return RECORDS["complex"].call(*broadcast_tensors(real, imag))


@computes_in("float")
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """Complex numbers from length and angle: ``y = abs * exp(angle * 1j)``.

    Args:
        abs, angle: float32 or float64, both the same; they broadcast.

    Raises:
        RuntimeError: other dtypes.

    >>> lampas.polar(lampas.tensor([2.0]), lampas.tensor([0.0]))
    tensor([2.+0.j])
    """
    _require_parts("polar", abs=abs, angle=angle)
    return complex(abs * cos(angle), abs * sin(angle))


def _part(specs: Any) -> Spec:
    return Spec(specs[0].shape, from_numpy_dtype(specs[0].dtype).to_real().numpy)


_angle = op("angle", kind=ELEMENTWISE, saves="x", fresh=True, infer=_part)
_half_turn = op(
    "half_turn",
    kind=ELEMENTWISE,
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
)
"""The angle of real numbers: 0, or pi where they are negative."""


@_angle.forward
def angle_forward(xp: Any, x: Any) -> Any:
    return xp.arctan2(x.imag, x.real)


@_angle.vjp
def angle_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    # At 0 the angle turns at any speed; PyTorch says 0.
    return (F.masked(g * F.sgn(x) * 1j / F.abs(x), x != 0),)


@_half_turn.forward
def half_turn_forward(xp: Any, x: Any) -> Any:
    turned = xp.where(x < 0, x.dtype.type(math.pi), x.dtype.type(0))
    return xp.where(xp.isnan(x), x, turned)


@_half_turn.vjp
def half_turn_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.zeros_like(x),)


@method()
def angle(input: Tensor) -> Tensor:
    """The angle of complex numbers in radians, in ``[-pi, pi]``.

    Of real numbers it is 0, or pi where they are negative. The gradient at 0 is 0.

    >>> lampas.angle(lampas.tensor([1 + 1j, -1 + 0j]))
    tensor([0.7854, 3.1416])
    """
    if input._data.dtype.kind == "c":
        return _angle.call(input)
    return _half_turn.call(input)


@method()
def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part is zero (bool).

    >>> lampas.isreal(lampas.tensor([1 + 1j, 2 + 0j]))
    tensor([False,  True])
    """
    if input._data.dtype.kind == "c":
        return imag(input) == 0
    return ones_like(input, dtype=bool_)


@method(inplace=True)
def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor is returned as it is.

    Here every conjugate is computed at once, so this is :func:`conj`.

    >>> lampas.conj_physical(lampas.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return conj(input)


def conj_physical_(input: Tensor) -> Tensor:
    """In-place version of :func:`conj_physical`."""
    return input.conj_physical_()  # type: ignore[attr-defined]


@method()
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: its conjugation is never pending, as it may be in PyTorch."""
    return input


@method()
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: its negation is never pending, as it may be in PyTorch."""
    return input


@method()
def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is pending: never."""
    return False


@method()
def is_neg(input: Tensor) -> bool:
    """Whether a negation is pending: never."""
    return False
