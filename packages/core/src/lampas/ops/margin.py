"""Losses of margins and distances: by how much one thing should beat another."""

from __future__ import annotations

import math
from collections.abc import Callable

from lampas.engine.autocast import computes_in
from lampas.engine.infer import broadcast_shapes
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.activation import softplus
from lampas.ops.choose import clamp_min
from lampas.ops.cross_entropy import reduction_of
from lampas.ops.loss import finish
from lampas.ops.piecewise import relu

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "pairwise_distance",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@computes_in("float")
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
    far = clamp_min(margin - input, 0).masked_fill(target == 1, 0)  # type: ignore[attr-defined]
    near = (input + target * 0).masked_fill(target == -1, 0)  # type: ignore[attr-defined]
    return finish(far + near, reduction, size_average, reduce)


@computes_in("float")
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
    losses = clamp_min(-target * (input1 - input2) + margin, 0)
    return finish(losses, reduction, size_average, reduce)


@computes_in("float")
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
    return finish(losses, reduction, size_average, reduce)


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
    return finish(losses.mean(-1), reduction, size_average, reduce)


@computes_in("float")
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
    return finish(losses, reduction, size_average, reduce)


@computes_in("float")
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
    return finish(
        losses.reshape(()) if single else losses, reduction, size_average, reduce
    )


# ---- distances


@computes_in("float:cuda")
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


@computes_in("float")
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
    far = clamp_min(cosine - margin, 0).masked_fill(target != -1, 0)  # type: ignore[attr-defined]
    return finish(near + far, reduction, size_average, reduce)


def _triplet(
    positive: Tensor,
    negative: Tensor,
    swapped: Callable[[], Tensor] | None,
    margin: float,
    reduction: str,
) -> Tensor:
    if swapped is not None:
        negative = negative.minimum(swapped())  # type: ignore[attr-defined]
    return finish(clamp_min(margin + positive - negative, 0), reduction)


@computes_in("float")
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
    >>> round(lampas.nn.functional.triplet_margin_loss(a, a, a).item(), 4)
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
    >>> loss = lampas.nn.functional.triplet_margin_with_distance_loss
    >>> round(loss(a, a, a).item(), 4)
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
