"""Scores to probabilities along a dimension: softmax and its relatives."""

from __future__ import annotations

import warnings
from typing import Any

from lampas.dtypes import DType, as_dtype
from lampas.engine.infer import like_input
from lampas.engine.record import ALONG_AXIS, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentError, DTypeError
from lampas.ops._arguments import normalize_dim, numpy_names, source_of
from lampas.ops.create import cast
from lampas.random import Generator

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]

_softmax = op(
    "softmax",
    kind=ALONG_AXIS,
    saves="y",
    fresh=True,
    infer=like_input,
    autocast="float:cuda",
)
_softmax_backward = op(
    "softmax_backward", kind=ALONG_AXIS, saves="g y", fresh=True, infer=like_input
)
_log_softmax = op(
    "log_softmax",
    kind=ALONG_AXIS,
    saves="y",
    fresh=True,
    infer=like_input,
    autocast="float:cuda",
)
_log_softmax_backward = op(
    "log_softmax_backward", kind=ALONG_AXIS, saves="g y", fresh=True, infer=like_input
)


@_softmax.forward
def softmax_forward(xp: Any, x: Any, *, dim: Any) -> Any:
    if not x.size:
        return x.copy()
    # A row of -inf alone would give nan - as it does in PyTorch.
    weights = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
    weights /= xp.sum(weights, axis=dim, keepdims=True)
    return weights


@_softmax.vjp
def softmax_vjp(F: Any, g: Any, y: Any, *, need: Any, dim: Any) -> Any:
    return (F.softmax_backward(g, y, dim=dim),)


@_softmax_backward.forward
def softmax_backward_forward(xp: Any, g: Any, y: Any, *, dim: Any) -> Any:
    product = g * y
    product -= y * xp.sum(product, axis=dim, keepdims=True)
    return product


@_softmax_backward.vjp
def softmax_backward_vjp(F: Any, h: Any, g: Any, y: Any, *, need: Any, dim: Any) -> Any:
    dg = F.softmax_backward(h, y, dim=dim) if need[0] else None
    dy = None
    if need[1]:
        inner = F.sum(g * y, dim=dim, keepdim=True)
        dy = h * (g - inner) - g * F.sum(h * y, dim=dim, keepdim=True)
    return dg, dy


@_softmax.onnx
def softmax_onnx(graph: Any, x: Any, *, dim: Any) -> Any:
    return graph.node("Softmax", x, axis=dim)


@_log_softmax.forward
def log_softmax_forward(xp: Any, x: Any, *, dim: Any) -> Any:
    if not x.size:
        return x.copy()
    shifted = x - xp.max(x, axis=dim, keepdims=True)
    shifted -= xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))
    return shifted


@_log_softmax.vjp
def log_softmax_vjp(F: Any, g: Any, y: Any, *, need: Any, dim: Any) -> Any:
    return (F.log_softmax_backward(g, y, dim=dim),)


@_log_softmax_backward.forward
def log_softmax_backward_forward(xp: Any, g: Any, y: Any, *, dim: Any) -> Any:
    return g - xp.exp(y) * xp.sum(g, axis=dim, keepdims=True)


@_log_softmax_backward.vjp
def log_softmax_backward_vjp(
    F: Any, h: Any, g: Any, y: Any, *, need: Any, dim: Any
) -> Any:
    weighted = h * F.exp(y)
    dg = h - F.sum(weighted, dim=dim, keepdim=True) if need[0] else None
    dy = F.neg(weighted * F.sum(g, dim=dim, keepdim=True)) if need[1] else None
    return dg, dy


def _along(input: Tensor, dim: int | None, name: str) -> Any:
    """The record's dim: a tuple, empty for a 0-d input."""
    ndim = input._data.ndim
    if dim is None:
        warnings.warn(
            f"implicit dimension choice for {name} has been deprecated; pass dim",
            stacklevel=3,
        )
        dim = 0 if ndim in (0, 1, 3) else 1
    dim = normalize_dim(dim, ndim)
    return (dim,) if ndim else ()


def _floating(input: Tensor, dtype: DType | None, name: str) -> Tensor:
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    if input.dtype.category < 2:
        raise DTypeError(f"{name} is not implemented for {input.dtype}; pass dtype=")
    return input


@method()
@numpy_names
def softmax(
    input: Tensor,
    dim: int | None = None,
    dtype: DType | None = None,
    _stacklevel: int = 3,
) -> Tensor:
    """Turn scores along ``dim`` into probabilities.

    ``y[i] = exp(x[i]) / sum_j exp(x[j])``; the largest score is subtracted first, so
    no input overflows.

    Args:
        input: scores, any shape, floating.
        dim: the dimension whose entries will sum to one.
        dtype: cast the input to this first.

    Returns:
        Probabilities with the shape of ``input``.

    Raises:
        IndexError: ``dim`` is outside ``[-input.ndim, input.ndim - 1]``.
        RuntimeError: the input is of integers.

    >>> softmax(lampas.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input = _floating(input, dtype, "softmax")
    return _softmax.call(input, dim=_along(input, dim, "softmax"))


@method()
@numpy_names
def log_softmax(
    input: Tensor,
    dim: int | None = None,
    dtype: DType | None = None,
    _stacklevel: int = 3,
) -> Tensor:
    """The logarithm of :func:`softmax`, computed without losing small numbers.

    Args:
        input, dim, dtype: as for :func:`softmax`.

    >>> log_softmax(lampas.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    input = _floating(input, dtype, "log_softmax")
    return _log_softmax.call(input, dim=_along(input, dim, "log_softmax"))


def softmin(
    input: Tensor,
    dim: int | None = None,
    dtype: DType | None = None,
    _stacklevel: int = 3,
) -> Tensor:
    """:func:`softmax` of ``-input``.

    >>> lampas.nn.functional.softmin(lampas.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input = _floating(input, dtype, "softmin")
    return _softmax.call(-input, dim=_along(input, dim, "softmin"))


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    generator: Generator | None = None,
) -> Tensor:
    """A sample from the Gumbel-softmax distribution.

    Args:
        logits: unnormalised log-probabilities.
        tau: temperature, positive.
        hard: one-hot in the forward pass, with the soft sample's gradient.
        eps: accepted; not used.
        dim: the dimension of the classes.
        generator: source of randomness.

    Raises:
        ValueError: ``tau`` is not positive.

    >>> y = lampas.nn.functional.gumbel_softmax(lampas.zeros(4), hard=True)
    >>> y.sum().item()
    1.0
    """
    if tau <= 0:
        raise ArgumentError(f"tau must be positive, got {tau}")
    source = source_of(generator)
    noise = wrap(source.exponential(logits._data.shape)).to(logits)  # type: ignore[attr-defined]
    soft = softmax((logits - noise.log()) / tau, dim=dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)  # type: ignore[attr-defined]
    one_hot = (soft.detach() * 0).scatter_(dim, index, 1.0)  # type: ignore[attr-defined]
    return one_hot - soft.detach() + soft
