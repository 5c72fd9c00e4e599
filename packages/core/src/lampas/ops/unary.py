"""Exponentials, logarithms, rounding and signs of one tensor, element by element."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.batching import pointwise
from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, LINEAR, OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops.convert import clone

__all__ = [
    "abs",
    "absolute",
    "ceil",
    "conj",
    "exp",
    "exp2",
    "expm1",
    "fix",
    "floor",
    "frac",
    "log",
    "log1p",
    "log2",
    "log10",
    "positive",
    "round",
    "sgn",
    "sigmoid",
    "sign",
    "trunc",
]

_conj = op("conj", kind=LINEAR, widen=False, infer=like_input)


@_conj.forward
def conj_forward(xp: Any, x: Any) -> Any:
    return xp.conj(x) if x.dtype.kind == "c" else x


@_conj.vjp
def conj_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.conj(g),)


@method()
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor is returned as it is.

    >>> lampas.conj(lampas.tensor([1.0]))
    tensor([1.])
    """
    return _conj.call(input) if input._data.dtype.kind == "c" else input


_exp = op(
    "exp",
    kind=ELEMENTWISE,
    ufunc="exp",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="exp(x)",
    autocast="float:cuda",
)


@_exp.vjp
def exp_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.mul(g, F.conj(y)),)


@method(inplace=True)
def exp(input: Tensor) -> Tensor:
    """The exponential: ``y = e ** x``.

    >>> lampas.exp(lampas.tensor([0.0]))
    tensor([1.])
    """
    return _exp.call(input)


_exp2 = op(
    "exp2",
    kind=ELEMENTWISE,
    ufunc="exp2",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="exp2(x)",
)


@_exp2.vjp
def exp2_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * F.conj(y * math.log(2)),)


@method(inplace=True)
def exp2(input: Tensor) -> Tensor:
    """Two to the power of each element: ``y = 2 ** x``.

    >>> lampas.exp2(lampas.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return _exp2.call(input)


_expm1 = op(
    "expm1",
    kind=ELEMENTWISE,
    ufunc="expm1",
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="expm1(x)",
    autocast="float:cuda",
)


@_expm1.vjp
def expm1_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * F.conj(y + 1),)


@method(inplace=True)
def expm1(input: Tensor) -> Tensor:
    """``y = e ** x - 1``, exact for small elements.

    >>> lampas.expm1(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _expm1.call(input)


_log = op(
    "log",
    kind=ELEMENTWISE,
    ufunc="log",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="log(x)",
    autocast="float:cuda",
)


@_log.vjp
def log_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.div(g, F.conj(x)),)


@method(inplace=True)
def log(input: Tensor) -> Tensor:
    """The natural logarithm; -inf of 0, NaN of negative elements.

    >>> lampas.log(lampas.tensor([1.0]))
    tensor([0.])
    """
    return _log.call(input)


_log2 = op(
    "log2",
    kind=ELEMENTWISE,
    ufunc="log2",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="log2(x)",
    autocast="float:cuda",
)


@_log2.vjp
def log2_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / F.conj(x * math.log(2)),)


@method(inplace=True)
def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2.

    >>> lampas.log2(lampas.tensor([8.0]))
    tensor([3.])
    """
    return _log2.call(input)


_log10 = op(
    "log10",
    kind=ELEMENTWISE,
    ufunc="log10",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="log10(x)",
    autocast="float:cuda",
)


@_log10.vjp
def log10_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / F.conj(x * math.log(10)),)


@method(inplace=True)
def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10.

    >>> lampas.log10(lampas.tensor([10.0]))
    tensor([1.])
    """
    return _log10.call(input)


_log1p = op(
    "log1p",
    kind=ELEMENTWISE,
    ufunc="log1p",
    promote="float",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="log1p(x)",
    autocast="float:cuda",
)


@_log1p.forward
def log1p_forward(xp: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return xp.log1p(x)
    # NumPy adds the 1 first, and loses the real part where x is small.
    re, im = x.real, x.imag
    near = xp.log1p(re * (2 + re) + im * im) / 2
    result = xp.empty(x.shape, x.dtype)
    result.real = xp.where(xp.absolute(x) < 0.5, near, xp.log(xp.absolute(1 + x)))
    result.imag = xp.arctan2(im, 1 + re)
    return result


@_log1p.vjp
def log1p_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (g / F.conj(x + 1),)


@method(inplace=True)
def log1p(input: Tensor) -> Tensor:
    """``y = log(1 + x)``, exact for small elements.

    >>> lampas.log1p(lampas.tensor([0.0]))
    tensor([0.])
    """
    return _log1p.call(input)


_sigmoid = op(
    "sigmoid",
    kind=ELEMENTWISE,
    promote="float",
    saves="y",
    fresh=True,
    infer=like_input,
    expr="1 / (1 + exp(-x))",
)
_sigmoid_backward = op("sigmoid_backward", saves="g y", fresh=True, infer=like_input)


@_sigmoid.forward
def sigmoid_forward(xp: Any, x: Any) -> Any:
    return xp.reciprocal(xp.exp(-x) + 1)


@_sigmoid.vjp
def sigmoid_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (F.sigmoid_backward(g, y),)


@_sigmoid_backward.forward
def sigmoid_backward_forward(xp: Any, g: Any, y: Any) -> Any:
    return g * xp.conj(y * (1 - y))


@_sigmoid_backward.vjp
def sigmoid_backward_vjp(F: Any, h: Any, g: Any, y: Any, *, need: Any) -> Any:
    dg = F.sigmoid_backward(h, F.conj(y)) if need[0] else None
    dy = F.conj(h) * g * F.conj(1 - y * 2) if need[1] else None
    return dg, dy


@method(inplace=True)
def sigmoid(input: Tensor) -> Tensor:
    """The logistic function: ``y = 1 / (1 + e ** -x)``.

    >>> lampas.sigmoid(lampas.tensor([0.0]))
    tensor([0.5000])
    """
    return _sigmoid.call(input)


# ---- signs

_abs = op(
    "abs",
    kind=ELEMENTWISE,
    ufunc="absolute",
    saves="x",
    fresh=True,
    infer=like_input,
    expr="fabs(x)",
)
_sgn = op("sgn", kind=ELEMENTWISE, saves="x", infer=like_input)


@_abs.vjp
def abs_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.mul(g, F.sgn(x)),)


@_sgn.forward
def sgn_forward(xp: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        # Of NaN it is 0, as in PyTorch.
        found = xp.asarray(xp.sign(x))
        if x.dtype.kind == "f":
            xp.copyto(found, 0, where=found != found)
        return found
    size = xp.absolute(x)
    return xp.where(size == 0, 0, x / xp.where(size == 0, 1, size)).astype(x.dtype)


@_sgn.vjp
def sgn_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    # Of real numbers this is 0.
    y = F.sgn(x)
    along = (F.conj(y) * g + F.conj(g) * y) * 0.5
    known = F.logical_and(x != 0, x == x)
    # Where it is not known the size is 1: what divides by 0 has NaN for a gradient.
    size = F.masked(F.abs(x), known) + F.logical_not(known)
    return (F.masked((g - along * y) / size, known),)


def abs(input: Tensor) -> Tensor:
    """The absolute value; its gradient at 0 is 0.

    Raises:
        RuntimeError: the input is bool.

    >>> lampas.abs(lampas.tensor([-2.0, 3.0]))
    tensor([2., 3.])
    """
    if input._data.dtype.kind == "b":
        raise DTypeError("abs is not implemented for bool")
    return _abs.call(input)


def sgn(input: Tensor) -> Tensor:
    """The sign, -1, 0 or 1; of complex elements ``x / |x|``.

    >>> lampas.sgn(lampas.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    return clone(input) if input._data.dtype.kind == "b" else _sgn.call(input)


def sign(input: Tensor) -> Tensor:
    """The sign: -1, 0 or 1. Its gradient is 0.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.sign(lampas.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    _refuse("sign", input, "c")
    return sgn(input)


def positive(input: Tensor) -> Tensor:
    """The tensor itself, as Python's unary ``+``.

    Raises:
        RuntimeError: the input is bool.

    >>> lampas.positive(lampas.tensor([-2.0]))
    tensor([-2.])
    """
    _refuse("positive", input, "b")
    return input


def _refuse(name: str, input: Tensor, kinds: str) -> None:
    if input._data.dtype.kind in kinds:
        raise DTypeError(f"{name} is not implemented for {input.dtype}")


# ---- rounding

_floor = op(
    "floor",
    kind=ELEMENTWISE,
    ufunc="floor",
    saves="x",
    infer=like_input,
    expr="floor(x)",
)


@_floor.vjp
def floor_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.zeros_like(x),)


def floor(input: Tensor) -> Tensor:
    """Round down. Integers are copied; the gradient is 0.

    Raises:
        RuntimeError: the input is bool or complex.

    >>> lampas.floor(lampas.tensor([1.7, -1.2]))
    tensor([ 1., -2.])
    """
    _refuse("floor", input, "bc")
    return clone(input) if input._data.dtype.kind in "iu" else _floor.call(input)


_ceil = op(
    "ceil", kind=ELEMENTWISE, ufunc="ceil", saves="x", infer=like_input, expr="ceil(x)"
)


@_ceil.vjp
def ceil_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.zeros_like(x),)


def ceil(input: Tensor) -> Tensor:
    """Round up. Integers are copied; the gradient is 0.

    Raises:
        RuntimeError: the input is bool or complex.

    >>> lampas.ceil(lampas.tensor([1.2, -1.7]))
    tensor([ 2., -1.])
    """
    _refuse("ceil", input, "bc")
    return clone(input) if input._data.dtype.kind in "iu" else _ceil.call(input)


_trunc = op(
    "trunc",
    kind=ELEMENTWISE,
    ufunc="trunc",
    saves="x",
    infer=like_input,
    expr="trunc(x)",
)


@_trunc.vjp
def trunc_vjp(F: Any, g: Any, x: Any, *, need: Any) -> Any:
    return (F.zeros_like(x),)


def trunc(input: Tensor) -> Tensor:
    """Round towards zero. Integers are copied; the gradient is 0.

    Raises:
        RuntimeError: the input is bool or complex.

    >>> lampas.trunc(lampas.tensor([1.7, -1.7]))
    tensor([ 1., -1.])
    """
    _refuse("trunc", input, "bc")
    return clone(input) if input._data.dtype.kind in "iu" else _trunc.call(input)


_round = op("round", kind=OPAQUE, saves="x", infer=like_input)


@_round.forward
def round_forward(xp: Any, x: Any, *, decimals: int) -> Any:
    return xp.round(x, decimals)


@_round.vjp
def round_vjp(F: Any, g: Any, x: Any, *, need: Any, decimals: int) -> Any:
    return (F.zeros_like(x),)


pointwise(_conj, _round, _sigmoid_backward)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round to the nearest number, halves to the even one; the gradient is 0.

    Args:
        input: any shape, not bool or complex.
        decimals: decimal places to keep.

    Raises:
        RuntimeError: ``decimals`` is given for integers.

    >>> lampas.round(lampas.tensor([0.5, 1.5, 2.25]), decimals=0)
    tensor([0., 2., 2.])
    """
    _refuse("round", input, "bc")
    if input._data.dtype.kind in "iu":
        if decimals:
            raise DTypeError(f"round: decimals must be 0 for {input.dtype}")
        return clone(input)
    return _round.call(input, decimals=decimals)


def frac(input: Tensor) -> Tensor:
    """The fraction: ``y = x - trunc(x)``, with the sign of ``x``.

    Raises:
        RuntimeError: the input is not floating.

    >>> lampas.frac(lampas.tensor([1.5, -1.5]))
    tensor([ 0.5000, -0.5000])
    """
    _refuse("frac", input, "biuc")
    return input - trunc(input)


method("abs", "absolute", inplace=True)(abs)
method(inplace=True)(sgn)
method(inplace=True)(sign)
method("positive", "__pos__")(positive)
method(inplace=True)(floor)
method(inplace=True)(ceil)
method("trunc", "fix", inplace=True)(trunc)
method(inplace=True)(round)
method(inplace=True)(frac)
absolute, fix = abs, trunc
