"""Losses between a prediction and a target, element by element or by vectors."""

from __future__ import annotations

import math
import warnings
from typing import Any

from lampas.engine.autocast import computes_in
from lampas.engine.batching import pointwise
from lampas.engine.infer import broadcast, broadcast_shapes, like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops.activation import logsigmoid, softplus
from lampas.ops.cross_entropy import reduction_of

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()  # type: ignore[attr-defined]
    return losses.sum() if reduction == "sum" else losses  # type: ignore[attr-defined]


def finish(
    losses: Tensor, reduction: str, size_average: Any = None, reduce: Any = None
) -> Tensor:
    return _reduced(losses, reduction_of(reduction, size_average, reduce))


def _pair(name: str, input: Tensor, target: Tensor) -> None:
    """Warn where input and target broadcast; refuse where they can't."""
    have, want = tuple(target._data.shape), tuple(input._data.shape)
    if have == want:
        return
    broadcast_shapes(want, have)
    warnings.warn(
        f"{name}: using a target size {have} that is different to the input size "
        f"{want}. This will likely lead to incorrect results due to broadcasting",
        stacklevel=3,
    )


@computes_in("float")
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared error: ``(input - target) ** 2``.

    Args:
        input, target: of one shape.
        size_average, reduce: PyTorch's deprecated forms of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: factors of the elements; ``"mean"`` divides by their sum.

    >>> x = lampas.tensor([1.0, 3.0])
    >>> lampas.nn.functional.mse_loss(x, lampas.tensor([1.0, 1.0]))
    tensor(2.)
    """
    _pair("mse_loss", input, target)
    difference = input - target
    return _weighted(difference * difference, weight, reduction, size_average, reduce)


def _check_floating(name: str, **arguments: Tensor) -> None:
    """Refuse integers where half of an answer would be lost or guessed."""
    for argument, x in arguments.items():
        if x._data.dtype.kind in "biu":
            raise DTypeError(f"{name}: {argument} must be floating, got {x.dtype}")


def _weighted(
    losses: Tensor,
    weight: Tensor | None,
    reduction: str,
    size_average: Any,
    reduce: Any,
) -> Tensor:
    reduction = reduction_of(reduction, size_average, reduce)
    if weight is None:
        return _reduced(losses, reduction)
    if weight._data.shape != losses._data.shape:
        raise ArgumentError(
            f"weight must have the shape of input {tuple(losses.shape)}, "
            f"got {tuple(weight.shape)}"
        )
    losses = losses * weight
    if reduction == "mean":
        return losses.sum() / weight.sum()  # type: ignore[attr-defined]
    return _reduced(losses, reduction)


@computes_in("float")
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute error: ``|input - target|``.

    Args:
        input, target, size_average, reduce, reduction, weight: as for
            :func:`mse_loss`.

    >>> x = lampas.tensor([1.0, 3.0])
    >>> lampas.nn.functional.l1_loss(x, lampas.tensor([1.0, 1.0]))
    tensor(1.)
    """
    _pair("l1_loss", input, target)
    losses = (input - target).abs()
    return _weighted(losses, weight, reduction, size_average, reduce)


# ---- huber: a parabola near 0, straight lines outside

_huber = op(
    "huber",
    kind=ELEMENTWISE,
    saves="x target x.shape target.shape",
    fresh=True,
    infer=broadcast,
    autocast="float",
)
_huber_backward = op("huber_backward", saves="g x target", infer=like_input)
pointwise(_huber_backward)


@_huber.forward
def huber_forward(xp: Any, x: Any, target: Any, *, delta: float, slope: float) -> Any:
    gap = x - target
    size = xp.abs(gap)
    parabola = 0.5 * slope / delta * gap * gap
    return xp.where(size < delta, parabola, slope * (size - 0.5 * delta))


@_huber.vjp
def huber_vjp(
    F: Any,
    g: Any,
    x: Any,
    target: Any,
    shape: Any,
    target_shape: Any,
    *,
    need: Any,
    delta: float,
    slope: float,
) -> Any:
    dx = F.huber_backward(g, x, target, delta=delta, slope=slope)
    return (
        F.sum_to(dx, shape=shape) if need[0] else None,
        F.sum_to(F.neg(dx), shape=target_shape) if need[1] else None,
    )


@_huber_backward.forward
def huber_backward_forward(
    xp: Any, g: Any, x: Any, target: Any, *, delta: float, slope: float
) -> Any:
    bent = slope / delta * (x - target)
    return g * xp.minimum(xp.maximum(bent, -slope), slope)


@_huber_backward.vjp
def huber_backward_vjp(
    F: Any,
    h: Any,
    g: Any,
    x: Any,
    target: Any,
    *,
    need: Any,
    delta: float,
    slope: float,
) -> Any:
    dg = dx = dtarget = None
    if need[0]:
        dg = F.huber_backward(h, x, target, delta=delta, slope=slope)
    if need[1] or need[2]:
        dx = F.gate(h * g * (slope / delta), x - target, low=-delta, high=delta)
        dtarget = F.neg(dx)
    return dg, dx, dtarget


@computes_in("float")
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Half the squared error where it is below ``delta``, else linear.

    Args:
        input, target, reduction, weight: as for :func:`mse_loss`.
        delta: where the parabola ends, positive.

    Raises:
        RuntimeError: ``delta`` is not positive.

    >>> x = lampas.tensor([0.0, 3.0])
    >>> lampas.nn.functional.huber_loss(x, lampas.tensor([1.0, 1.0]), "none")
    tensor([0.5000, 1.5000])
    """
    if delta <= 0:
        raise ShapeError(f"huber_loss: delta must be positive, got {delta}")
    _check_floating("huber_loss", input=input)
    _pair("huber_loss", input, target)
    losses = _huber.call(input, target, delta=delta, slope=delta)
    return _weighted(losses, weight, reduction, None, None)


@computes_in("float")
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """:func:`huber_loss` divided by ``beta``; the absolute error for ``beta`` 0.

    Args:
        input, target, size_average, reduce, reduction: as for :func:`mse_loss`.
        beta: where the parabola ends.

    Raises:
        RuntimeError: ``beta`` is negative.

    >>> x = lampas.tensor([0.0, 3.0])
    >>> lampas.nn.functional.smooth_l1_loss(x, lampas.tensor([1.0, 1.0]))
    tensor(1.)
    """
    if beta < 0:
        raise ShapeError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    _check_floating("smooth_l1_loss", input=input)
    _pair("smooth_l1_loss", input, target)
    losses = _huber.call(input, target, delta=beta, slope=1.0)
    return finish(losses, reduction, size_average, reduce)


# ---- binary cross entropy

_bce = op(
    "binary_cross_entropy",
    kind=ELEMENTWISE,
    saves="x target",
    infer=like_input,
    autocast="float",
)


@_bce.forward
def binary_cross_entropy_forward(xp: Any, x: Any, target: Any) -> Any:
    on = xp.maximum(xp.log(x), -100)
    off = xp.maximum(xp.log1p(-x), -100)
    return (target - 1) * off - target * on


@_bce.vjp
def binary_cross_entropy_vjp(F: Any, g: Any, x: Any, target: Any, *, need: Any) -> Any:
    dx = dtarget = None
    if need[0]:
        dx = g * (x - target) / F.hardtanh(x * (1 - x), low=1e-12, high=math.inf)
    if need[1]:
        on = F.hardtanh(F.log(x), low=-100, high=math.inf)
        dtarget = g * (F.hardtanh(F.log(1 - x), low=-100, high=math.inf) - on)
    return dx, dtarget


@computes_in("float")
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(target log(input) + (1 - target) log(1 - input))``; logs are at least -100.

    Args:
        input: probabilities in [0, 1].
        target: of the same shape, in [0, 1].
        weight: factors that broadcast to the input.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: shapes differ.
        RuntimeError: an input outside [0, 1], or dtypes that differ.

    >>> p = lampas.tensor([0.5])
    >>> lampas.nn.functional.binary_cross_entropy(p, lampas.tensor([1.0]))
    tensor(0.6931)
    """
    if target._data.shape != input._data.shape:
        raise ArgumentError(
            f"using a target size {tuple(target.shape)} that is different to the input "
            f"size {tuple(input.shape)} is deprecated; they must have the same size"
        )
    _check_floating("binary_cross_entropy", input=input)
    if target.dtype is not input.dtype:
        raise DTypeError(
            f"binary_cross_entropy: target must have input's dtype {input.dtype}, got "
            f"{target.dtype}; use target.to(input.dtype)"
        )
    data = input._data
    if data.size and not bool(((data >= 0) & (data <= 1)).all()):
        raise ShapeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1, "
            f"got {data.min()} to {data.max()}"
        )
    losses = _bce.call(input, target)
    if weight is not None:
        losses = losses * weight
    return finish(losses, reduction, size_average, reduce)


@computes_in("float")
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """:func:`binary_cross_entropy` of ``sigmoid(input)``, without overflow.

    Args:
        input: scores.
        target: of the same shape, in [0, 1].
        weight: factors that broadcast to the input.
        size_average, reduce, reduction: as for :func:`mse_loss`.
        pos_weight: factors of the positive part, broadcast to the input.

    Raises:
        ValueError: shapes differ.

    >>> x = lampas.tensor([0.0])
    >>> loss = lampas.nn.functional.binary_cross_entropy_with_logits
    >>> loss(x, lampas.tensor([1.0]))
    tensor(0.6931)
    """
    if target._data.shape != input._data.shape:
        raise ArgumentError(
            f"target size {tuple(target.shape)} must be the same as input size "
            f"{tuple(input.shape)}"
        )
    _check_floating("binary_cross_entropy_with_logits", input=input, target=target)
    if pos_weight is None:
        losses = softplus(input, 1.0, math.inf) - input * target
    else:
        factor = (pos_weight - 1) * target + 1
        losses = (1 - target) * input - factor * logsigmoid(input)
    if weight is not None:
        losses = losses * weight
    return finish(losses, reduction, size_average, reduce)


# ---- distributions


@computes_in("float")
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """``target (log(target) - input)``: the divergence of ``exp(input)`` from target.

    Args:
        input: log-probabilities.
        target: probabilities, or their logarithms with ``log_target``.
        size_average, reduce: PyTorch's deprecated forms of ``reduction``.
        reduction: ``"batchmean"`` (the divergence), ``"mean"``, ``"sum"``, ``"none"``.
        log_target: whether ``target`` is logarithms.

    >>> p = lampas.tensor([[0.5, 0.5]])
    >>> lampas.nn.functional.kl_div(p.log(), p, reduction="batchmean")
    tensor(0.)
    """
    _check_floating("kl_div", input=input, target=target)
    if log_target:
        losses = target.exp() * (target - input)  # type: ignore[attr-defined]
    else:
        # 0 log 0 counts as 0.
        logs = target.masked_fill(target == 0, 1.0).log()  # type: ignore[attr-defined,operator]
        losses = target * (logs - input)
    if reduction == "batchmean":
        count = input._data.shape[0] if input._data.ndim else 1
        return losses.sum() / max(count, 1)
    return finish(losses, reduction, size_average, reduce)


@computes_in("float")
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of counts under a Poisson distribution.

    Args:
        input: rates, or their logarithms with ``log_input``.
        target: counts.
        log_input: whether ``input`` is logarithms.
        full: add Stirling's term for targets above 1.
        eps: added to the rate before its logarithm.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    >>> x = lampas.tensor([0.0])
    >>> lampas.nn.functional.poisson_nll_loss(x, lampas.tensor([1.0]))
    tensor(1.)
    """
    if log_input:
        losses = input.exp() - target * input  # type: ignore[attr-defined]
    else:
        losses = input - target * (input + eps).log()  # type: ignore[attr-defined]
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()  # type: ignore[attr-defined]
        losses = losses + stirling.masked_fill(target <= 1, 0)  # type: ignore[operator]
    return finish(losses, reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood under a Gaussian of predicted mean and variance.

    Args:
        input: means.
        target: observations of the same shape (or one that broadcasts).
        var: variances of that shape, or without or with size 1 in the last dimension.
        full: add ``log(2 pi) / 2``.
        eps: the smallest variance; its gradient goes on below it.
        reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: shapes that do not fit, or a negative variance.

    >>> x = lampas.tensor([0.0])
    >>> lampas.nn.functional.gaussian_nll_loss(x, x, lampas.tensor([1.0]))
    tensor(0.)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ArgumentError("var has negative entry/entries")
        var = input.detach() * 0 + var
    shape = tuple(input._data.shape)
    if tuple(var._data.shape) != shape:
        if tuple(var._data.shape) == shape[:-1]:
            var = var.unsqueeze(-1)  # type: ignore[attr-defined]
        elif not _fits(var, shape):
            raise ArgumentError(
                f"var is of incorrect size {tuple(var.shape)}, input has {shape}"
            )
    if (var._data < 0).any():
        raise ArgumentError("var has negative entry/entries")
    lift = (eps - var.detach()).clamp_min(0)  # type: ignore[attr-defined]
    var = var + lift
    difference = input - target
    losses = 0.5 * (var.log() + difference * difference / var)  # type: ignore[attr-defined]
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return finish(losses, reduction)


def _fits(x: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether ``x`` broadcasts to a shape of as many dimensions."""
    sizes = tuple(x._data.shape)
    return len(sizes) == len(shape) and all(
        a in (1, b) for a, b in zip(sizes, shape, strict=True)
    )
