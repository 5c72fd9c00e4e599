"""Functions of one tensor, element by element."""

from __future__ import annotations

from typing import Any

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, LINEAR, op
from lampas.engine.tensor import Tensor, method

__all__ = ["conj", "exp"]

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
)


@_exp.vjp
def exp_vjp(F: Any, g: Any, y: Any, *, need: Any) -> Any:
    return (g * F.conj(y),)


@method(inplace=True)
def exp(input: Tensor) -> Tensor:
    """The exponential: ``y = e ** x``.

    >>> lampas.exp(lampas.tensor([0.0]))
    tensor([1.])
    """
    return _exp.call(input)
