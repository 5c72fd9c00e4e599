"""Losses between a prediction and a target, element by element or by vectors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from lampas.engine.infer import broadcast_shapes, like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.activation import logsigmoid, softplus
from lampas.ops.cross_entropy import reduction_of
from lampas.ops.piecewise import relu

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "pairwise_distance",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()  # type: ignore[attr-defined]
    return losses.sum() if reduction == "sum" else losses  # type: ignore[attr-defined]


def _finish(
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

_huber = op("huber", kind=ELEMENTWISE, saves="x", fresh=True, infer=like_input)


@_huber.forward
def huber_forward(xp: Any, x: Any, *, delta: float) -> Any:
    size = xp.abs(x)
    return xp.where(size < delta, 0.5 * x * x, delta * (size - 0.5 * delta))


@_huber.vjp
def huber_vjp(F: Any, g: Any, x: Any, *, need: Any, delta: float) -> Any:
    return (g * F.hardtanh(x, low=-delta, high=delta),)


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
    _pair("huber_loss", input, target)
    losses = _huber.call(input - target, delta=delta)
    return _weighted(losses, weight, reduction, None, None)


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
    _pair("smooth_l1_loss", input, target)
    losses = _huber.call(input - target, delta=float(beta)) / beta
    return _finish(losses, reduction, size_average, reduce)


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
        RuntimeError: an input outside [0, 1].

    >>> p = lampas.tensor([0.5])
    >>> lampas.nn.functional.binary_cross_entropy(p, lampas.tensor([1.0]))
    tensor(0.6931)
    """
    if target._data.shape != input._data.shape:
        raise ArgumentError(
            f"using a target size {tuple(target.shape)} that is different to the input "
            f"size {tuple(input.shape)} is deprecated; they must have the same size"
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
    return _finish(losses, reduction, size_average, reduce)


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
    if pos_weight is None:
        losses = softplus(input, 1.0, math.inf) - input * target
    else:
        factor = (pos_weight - 1) * target + 1
        losses = (1 - target) * input - factor * logsigmoid(input)
    if weight is not None:
        losses = losses * weight
    return _finish(losses, reduction, size_average, reduce)


# ---- distributions


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
    if log_target:
        losses = target.exp() * (target - input)  # type: ignore[attr-defined]
    else:
        # 0 log 0 counts as 0.
        logs = target.masked_fill(target == 0, 1.0).log()  # type: ignore[attr-defined,operator]
        losses = target * (logs - input)
    if reduction == "batchmean":
        count = input._data.shape[0] if input._data.ndim else 1
        return losses.sum() / max(count, 1)
    return _finish(losses, reduction, size_average, reduce)


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
    return _finish(losses, reduction, size_average, reduce)


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
    return _finish(losses, reduction)


def _fits(x: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether ``x`` broadcasts to a shape of as many dimensions."""
    sizes = tuple(x._data.shape)
    return len(sizes) == len(shape) and all(
        a in (1, b) for a, b in zip(sizes, shape, strict=True)
    )


# ---- margins


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    >>> x = lampas.tensor([0.5, 0.5])
    >>> lampas.nn.functional.hinge_embedding_loss(x, lampas.tensor([1.0, -1.0]))
    tensor(0.5000)
    """
    far = relu(margin - input).masked_fill(target == 1, 0)  # type: ignore[attr-defined]
    near = (input + target * 0).masked_fill(target == -1, 0)  # type: ignore[attr-defined]
    return _finish(far + near, reduction, size_average, reduce)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target (input1 - input2) + margin)``.

    Raises:
        RuntimeError: the inputs have different numbers of dimensions.

    >>> a, b = lampas.tensor([1.0]), lampas.tensor([3.0])
    >>> lampas.nn.functional.margin_ranking_loss(a, b, lampas.tensor([1.0]))
    tensor(2.)
    """
    ranks = {x._data.ndim for x in (input1, input2, target)}
    if len(ranks) > 1:
        raise ShapeError(
            "margin_ranking_loss: all inputs must have the same number of dimensions, "
            f"got shapes {tuple(input1.shape)}, {tuple(input2.shape)}, "
            f"{tuple(target.shape)}"
        )
    losses = relu(-target * (input1 - input2) + margin)
    return _finish(losses, reduction, size_average, reduce)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-target input))``.

    >>> x = lampas.tensor([0.0])
    >>> lampas.nn.functional.soft_margin_loss(x, lampas.tensor([1.0]))
    tensor(0.6931)
    """
    losses = softplus(-target * input, 1.0, math.inf)
    return _finish(losses, reduction, size_average, reduce)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross entropy of scores, averaged over the last dimension's classes.

    >>> x = lampas.tensor([[0.0, 0.0]])
    >>> lampas.nn.functional.multilabel_soft_margin_loss(x, x)
    tensor(0.6931)
    """
    losses = softplus(input, 1.0, math.inf) - input * target
    if weight is not None:
        losses = losses * weight
    return _finish(losses.mean(-1), reduction, size_average, reduce)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_i max(0, margin - x[target] + x[i])^p / C`` over the other classes i.

    Args:
        input: (N, C) or (C,).
        target: (N,) or (), class numbers.
        p: 1 or 2.
        margin: the margin.
        weight: (C,), factors by target class.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: ``p`` is neither 1 nor 2.

    >>> x = lampas.tensor([[0.0, 0.5]])
    >>> lampas.nn.functional.multi_margin_loss(x, lampas.tensor([1]))
    tensor(0.2500)
    """
    if p not in (1, 2):
        raise ArgumentError("only p == 1 and p == 2 supported")
    single = input._data.ndim < 2
    scores = input.reshape(1, -1) if single else input  # type: ignore[attr-defined]
    index = target.reshape(-1, 1)  # type: ignore[attr-defined]
    if index._data.shape[0] != scores._data.shape[0]:
        raise ShapeError(
            f"multi_margin_loss: inconsistent target size {tuple(target.shape)} for "
            f"input of size {tuple(input.shape)}"
        )
    classes = scores._data.shape[1]
    gaps = relu(margin - scores.gather(1, index) + scores)  # type: ignore[attr-defined]
    gaps = gaps if p == 1 else gaps * gaps
    if weight is not None:
        gaps = gaps * weight[index.reshape(-1)].reshape(-1, 1)  # type: ignore[index]
    others = gaps.scatter(1, index, 0.0)
    losses = others.sum(1) / classes
    if single and target._data.ndim == 0:
        losses = losses.reshape(())
    return _finish(losses, reduction, size_average, reduce)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_ij max(0, 1 - (x[target[j]] - x[i])) / C``, i no target class.

    Args:
        input: (N, C) or (C,).
        target: of the same shape: class numbers, then -1 where the list ends.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        RuntimeError: shapes differ.

    >>> x = lampas.tensor([[0.0, 0.5]])
    >>> lampas.nn.functional.multilabel_margin_loss(x, lampas.tensor([[1, -1]]))
    tensor(0.2500)
    """
    if input._data.shape != target._data.shape:
        raise ShapeError(
            f"multilabel_margin_loss: inconsistent target size {tuple(target.shape)} "
            f"for input of size {tuple(input.shape)}"
        )
    single = input._data.ndim < 2
    scores = input.reshape(1, -1) if single else input  # type: ignore[attr-defined]
    labels = target.reshape(scores.shape)  # type: ignore[attr-defined]
    # Only what stands before the first -1 counts.
    listed = (labels >= 0).to(labels.dtype).cumprod(1) > 0
    safe = labels.masked_fill(~listed, 0)
    is_target = (scores.detach() * 0).scatter_add(1, safe, listed.to(scores.dtype)) > 0
    gaps = relu(1 - scores.gather(1, safe).unsqueeze(2) + scores.unsqueeze(1))  # type: ignore[attr-defined]
    dropped = (~listed).unsqueeze(2) | is_target.unsqueeze(1)
    losses = gaps.masked_fill(dropped, 0.0).sum((1, 2)) / scores._data.shape[1]
    return _finish(
        losses.reshape(()) if single else losses, reduction, size_average, reduce
    )


# ---- distances


def cosine_similarity(
    x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8
) -> Tensor:
    """The cosine of the angle between vectors along ``dim``.

    Args:
        x1, x2: that broadcast against each other.
        dim: the vectors' dimension.
        eps: the smallest norm to divide by.

    >>> a = lampas.tensor([[3.0, 4.0]])
    >>> lampas.cosine_similarity(a, a)
    tensor([1.])
    """
    shape = broadcast_shapes(x1._data.shape, x2._data.shape)
    x1, x2 = x1.expand(shape), x2.expand(shape)  # type: ignore[attr-defined]
    product = (x1 * x2).sum(dim)  # type: ignore[attr-defined]
    lengths = [
        (x * x).sum(dim).clamp_min(eps * eps).sqrt()  # type: ignore[attr-defined]
        for x in (x1, x2)
    ]
    return product / (lengths[0] * lengths[1])


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension.

    >>> a, b = lampas.tensor([[0.0, 0.0]]), lampas.tensor([[3.0, 4.0]])
    >>> lampas.pairwise_distance(a, b, eps=0.0)
    tensor([5.])
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)  # type: ignore[attr-defined]


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Args:
        input1, input2: (N, D) or (D,).
        target: (N,) or ().
        margin: the cosine above which different inputs are pushed apart.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    >>> a = lampas.tensor([[3.0, 4.0]])
    >>> lampas.nn.functional.cosine_embedding_loss(a, a, lampas.tensor([1.0]))
    tensor(0.)
    """
    if input1._data.ndim not in (1, 2) or target._data.ndim != input1._data.ndim - 1:
        raise ShapeError(
            f"cosine_embedding_loss: {target._data.ndim}D target tensor doesn't match "
            f"{input1._data.ndim}D input tensors"
        )
    eps = 1e-12
    product = (input1 * input2).sum(-1)  # type: ignore[attr-defined]
    squares = [(x * x).sum(-1) + eps for x in (input1, input2)]  # type: ignore[attr-defined]
    cosine = product / (squares[0] * squares[1]).sqrt()
    near = (1 - cosine).masked_fill(target != 1, 0)
    far = relu(cosine - margin).masked_fill(target != -1, 0)  # type: ignore[attr-defined]
    return _finish(near + far, reduction, size_average, reduce)


def _triplet(
    positive: Tensor,
    negative: Tensor,
    swapped: Callable[[], Tensor] | None,
    margin: float,
    reduction: str,
) -> Tensor:
    if swapped is not None:
        negative = negative.minimum(swapped())  # type: ignore[attr-defined]
    return _finish(relu(margin + positive - negative), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Args:
        anchor, positive, negative: (N, D) or (D,).
        margin: how much nearer the positive should be; positive.
        p, eps: of :func:`pairwise_distance`.
        swap: use the positive's distance to the negative where that is smaller.
        size_average, reduce, reduction: as for :func:`mse_loss`.

    Raises:
        ValueError: ``margin`` is not positive.

    >>> a = lampas.tensor([[0.0]])
    >>> lampas.nn.functional.triplet_margin_loss(a, a, a).item()
    1.0
    """
    if margin <= 0:
        raise ArgumentError(f"margin must be greater than 0, got {margin}")
    reduction = reduction_of(reduction, size_average, reduce)
    return _triplet(
        pairwise_distance(anchor, positive, p, eps),
        pairwise_distance(anchor, negative, p, eps),
        (lambda: pairwise_distance(positive, negative, p, eps)) if swap else None,
        margin,
        reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """:func:`triplet_margin_loss` with a distance of one's own.

    Args:
        anchor, positive, negative: (N, D) or (D,).
        distance_function: of two tensors; the Euclidean distance by default.
        margin, swap, reduction: as for :func:`triplet_margin_loss`.

    >>> a = lampas.tensor([[0.0]])
    >>> lampas.nn.functional.triplet_margin_with_distance_loss(a, a, a).item()
    1.0
    """
    if margin <= 0:
        raise ArgumentError(f"margin must be greater than 0, got {margin}")
    distance = distance_function or pairwise_distance
    return _triplet(
        distance(anchor, positive),
        distance(anchor, negative),
        (lambda: distance(positive, negative)) if swap else None,
        margin,
        reduction,
    )
