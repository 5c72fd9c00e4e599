"""Angles: trigonometric and hyperbolic functions, element by element."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import pointwise
from lampas.engine.infer import broadcast, like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import require_tensors

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


_sin = op(
    "sin",
    kind=ELEMENTWISE,
    ufunc="sin",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="sin(x)",
)


@_sin.vjp
def sin_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.mul(g, F.conj(F.cos(x))),)


@method(inplace=True)
def sin(input: Tensor) -> Tensor:
    """The sine of angles in radians.

    >>> lampas.sin(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _sin.call(input)


_cos = op(
    "cos",
    kind=ELEMENTWISE,
    ufunc="cos",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="cos(x)",
)


@_cos.vjp
def cos_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.neg(g * F.conj(F.sin(x))),)


@method(inplace=True)
def cos(input: Tensor) -> Tensor:
    """The cosine of angles in radians.

    >>> lampas.cos(lampas.tensor([0.0]))
    tensor([1.])
    """
    return _cos.call(input)


_tan = op(
    "tan",
    kind=ELEMENTWISE,
    ufunc="tan",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="tan(x)",
    autocast="float:cuda",
)


@_tan.vjp
def tan_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * F.conj(y * y + 1),)


@method(inplace=True)
def tan(input: Tensor) -> Tensor:
    """The tangent of angles in radians.

    >>> lampas.tan(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _tan.call(input)


_asin = op(
    "asin",
    kind=ELEMENTWISE,
    ufunc="arcsin",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="asin(x)",
    autocast="float:cuda",
)


@_asin.vjp
def asin_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.conj(F.rsqrt(1 - x * x)),)


@method("asin", "arcsin", inplace=True)
def asin(input: Tensor) -> Tensor:
    """The angle with this sine, in [-pi/2, pi/2]; NaN outside [-1, 1].

    >>> lampas.asin(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _asin.call(input)


_acos = op(
    "acos",
    kind=ELEMENTWISE,
    ufunc="arccos",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="acos(x)",
    autocast="float:cuda",
)


@_acos.vjp
def acos_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.neg(g * F.conj(F.rsqrt(1 - x * x))),)


@method("acos", "arccos", inplace=True)
def acos(input: Tensor) -> Tensor:
    """The angle with this cosine, in [0, pi]; NaN outside [-1, 1].

    >>> lampas.acos(lampas.tensor([1.0]))
    tensor([0.])
    """
    return _acos.call(input)


_atan = op(
    "atan",
    kind=ELEMENTWISE,
    ufunc="arctan",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="atan(x)",
)


@_atan.vjp
def atan_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / F.conj(x * x + 1),)


@method("atan", "arctan", inplace=True)
def atan(input: Tensor) -> Tensor:
    """The angle with this tangent, in (-pi/2, pi/2).

    >>> lampas.atan(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _atan.call(input)


_sinh = op(
    "sinh",
    kind=ELEMENTWISE,
    ufunc="sinh",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="sinh(x)",
    autocast="float:cuda",
)


@_sinh.vjp
def sinh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.conj(F.cosh(x)),)


@method(inplace=True)
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine.

    >>> lampas.sinh(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _sinh.call(input)


_cosh = op(
    "cosh",
    kind=ELEMENTWISE,
    ufunc="cosh",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="cosh(x)",
    autocast="float:cuda",
)


@_cosh.vjp
def cosh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.conj(F.sinh(x)),)


@method(inplace=True)
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine.

    >>> lampas.cosh(lampas.tensor([0.0]))
    tensor([1.])
    """
    return _cosh.call(input)


_tanh = op(
    "tanh",
    kind=ELEMENTWISE,
    ufunc="tanh",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="tanh(x)",
)
_tanh_backward = op("tanh_backward", saves="g y", fresh=True, infer=like_input)
pointwise(_tanh_backward)


@_tanh.vjp
def tanh_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.tanh_backward(g, y),)


@_tanh_backward.forward
def tanh_backward_forward(xp: Any, g: Any, y: Any) -> Any:
    return g * xp.conj(1 - y * y)


@_tanh_backward.vjp
def tanh_backward_vjp(F: Any, h: Any, g: Any, y: Any, *, need: Any) -> Any:
    dg = F.tanh_backward(h, F.conj(y)) if need[0] else None
    dy = F.conj(h) * g * F.conj(y * -2) if need[1] else None
    return dg, dy


@method(inplace=True)
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent.

    >>> lampas.tanh(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _tanh.call(input)


_asinh = op(
    "asinh",
    kind=ELEMENTWISE,
    ufunc="arcsinh",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="asinh(x)",
)


@_asinh.vjp
def asinh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.conj(F.rsqrt(x * x + 1)),)


@method("asinh", "arcsinh", inplace=True)
def asinh(input: Tensor) -> Tensor:
    """The inverse of :func:`sinh`.

    >>> lampas.asinh(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _asinh.call(input)


_acosh = op(
    "acosh",
    kind=ELEMENTWISE,
    ufunc="arccosh",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="acosh(x)",
)


@_acosh.vjp
def acosh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g * F.conj(F.rsqrt(x - 1) * F.rsqrt(x + 1)),)


@method("acosh", "arccosh", inplace=True)
def acosh(input: Tensor) -> Tensor:
    """The inverse of :func:`cosh`; NaN below 1.

    >>> lampas.acosh(lampas.tensor([1.0]))
    tensor([0.])
    """
    return _acosh.call(input)


_atanh = op(
    "atanh",
    kind=ELEMENTWISE,
    ufunc="arctanh",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="atanh(x)",
)


@_atanh.vjp
def atanh_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / F.conj(1 - x * x),)


@method("atanh", "arctanh", inplace=True)
def atanh(input: Tensor) -> Tensor:
    """The inverse of :func:`tanh`; NaN outside [-1, 1].

    >>> lampas.atanh(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _atanh.call(input)


_atan2 = op(
    "atan2",
    kind=ELEMENTWISE,
    ufunc="arctan2",
    promote="float",
    saves="x other x.shape other.shape",
    fresh=True,
    infer=broadcast,
)


@_atan2.vjp
def atan2_vjp(
    F: Any, g: Any, x: Any, other: Any, shape: Any, other_shape: Any, *, need: Any
) -> Any:
    # At the origin the gradient is taken as 0.
    square = x * x + other * other
    scale = F.masked(g / square, square != 0)
    return (
        F.sum_to(scale * other, shape=shape) if need[0] else None,
        F.sum_to(F.neg(scale * x), shape=other_shape) if need[1] else None,
    )


@method("atan2", "arctan2", inplace=True)
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point ``(other, input)``, in [-pi, pi].

    Args:
        input, other: ordinates and abscissas that broadcast against each other.

    >>> lampas.atan2(lampas.tensor([0.0]), lampas.tensor([1.0]))
    tensor([0.])
    """
    require_tensors("atan2", input=input, other=other)
    return _atan2.call(input, other)


_hypot = op(
    "hypot",
    kind=ELEMENTWISE,
    ufunc="hypot",
    promote="float",
    saves="x other y x.shape other.shape",
    fresh=True,
    infer=broadcast,
)


@_hypot.vjp
def hypot_vjp(
    F: Any,
    g: Any,
    x: Any,
    other: Any,
    y: Any,
    shape: Any,
    other_shape: Any,
    *,
    need: Any,
) -> Any:
    return (
        F.sum_to(g * (x / y), shape=shape) if need[0] else None,
        F.sum_to(g * (other / y), shape=other_shape) if need[1] else None,
    )


@method(inplace=True)
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """The hypotenuse: ``y = sqrt(input ** 2 + other ** 2)`` without overflow.

    Args:
        input, other: floating tensors that broadcast against each other.

    >>> lampas.hypot(lampas.tensor([3.0]), lampas.tensor([4.0]))
    tensor([5.])
    """
    require_tensors("hypot", input=input, other=other)
    return _hypot.call(input, other)


def _scaled_angle(name: str, input: Tensor, factor: float) -> Tensor:
    if input.dtype.category == 3:
        raise DTypeError(f"{name} is not implemented for {input.dtype}")
    return input * factor


@method(inplace=True)
def deg2rad(input: Tensor) -> Tensor:
    """Angles from degrees to radians.

    >>> lampas.deg2rad(lampas.tensor([180.0]))
    tensor([3.1416])
    """
    return _scaled_angle("deg2rad", input, math.pi / 180)


@method(inplace=True)
def rad2deg(input: Tensor) -> Tensor:
    """Angles from radians to degrees.

    >>> lampas.rad2deg(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _scaled_angle("rad2deg", input, 180 / math.pi)


arccos, arccosh, arcsin, arcsinh = acos, acosh, asin, asinh
arctan, arctan2, arctanh = atan, atan2, atanh
