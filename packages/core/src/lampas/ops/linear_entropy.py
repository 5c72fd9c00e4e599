"""The cross entropy of scores that a linear layer gives."""

from __future__ import annotations

import math
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops.cross_entropy import cross_entropy, reduction_of
from lampas.ops.join import cat
from lampas.ops.matmul import linear

__all__ = ["linear_cross_entropy"]

_NAME = "linear_cross_entropy"


def _check(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    x, w = tuple(input.shape), tuple(weight.shape)
    if len(x) not in (1, 2) or len(w) < 2 or x[-1] != w[-1]:
        raise ShapeError(
            f"{_NAME}: input must be (N, features) or (features,) and linear_weight "
            f"(C, ..., features), got shapes {x} and {w}"
        )
    if len(w) > 2 and len(x) == 1:
        raise ShapeError(
            f"{_NAME}: with linear_weight of shape {w} input must have a batch "
            f"dimension, got shape {x}"
        )
    if bias is not None and tuple(bias.shape) != w[:-1]:
        raise ShapeError(
            f"{_NAME}: linear_bias must have shape {w[:-1]}, got {tuple(bias.shape)}"
        )


def _rows_at_once(options: Any, input: Tensor, weight: Tensor, target: Tensor) -> int:
    """How many rows of scores are made at a time; 0 for all of them."""
    if options is None or input.ndim != 2 or weight.ndim != 2 or target.ndim != 1:
        return 0
    rows = options.batch_chunk_size
    if rows is None:
        # The scores of a chunk then take the memory of the whole input.
        rows = max(1, input.shape[0] * input.shape[1] // max(weight.shape[0], 1))
    return rows if rows < input.shape[0] else 0


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: (N, features) or (features,).
        linear_weight: (C, features) or, of a loss at several places,
            (C, d1, ..., features).
        target: class numbers, (N, d1, ...); or probabilities, (N, C, d1, ...).
        linear_bias: (C, d1, ...).
        weight, reduction, label_smoothing: as for :func:`cross_entropy`.
        ignore_index: targets of this value do not count, -100 by default; not with
            probabilities.
        options: with a ``batch_chunk_size``, or None for one that fits: the scores are
            made for so many rows at a time. Without a gradient one chunk exists at a
            time; for a gradient all are kept.

    Raises:
        RuntimeError: shapes that do not fit.

    >>> x, w = lampas.ones(2, 3), lampas.zeros(4, 3)
    >>> lampas.nn.functional.linear_cross_entropy(x, w, lampas.tensor([0, 3]))
    tensor(1.3863)
    """
    reduction = reduction_of(reduction, None, None)
    _check(input, linear_weight, linear_bias)
    places = tuple(linear_weight.shape[:-1])
    scores_shape = (*input.shape[:-1], *places)
    probable = tuple(target.shape) == scores_shape
    if probable and ignore_index is not None:
        raise ShapeError(
            f"{_NAME}: ignore_index needs targets of class numbers, got probabilities"
        )
    ignored = -100 if ignore_index is None else ignore_index
    flat: Any = linear_weight.reshape(math.prod(places), input.shape[-1])  # type: ignore[attr-defined]
    bias: Any = None if linear_bias is None else linear_bias.reshape(-1)  # type: ignore[attr-defined]

    def loss(x: Tensor, wanted: Tensor, how: str) -> Tensor:
        scores: Any = linear(x, flat, bias)
        return cross_entropy(
            scores.reshape(*x.shape[:-1], *places),
            wanted,
            weight,
            ignore_index=ignored,
            reduction=how,
            label_smoothing=label_smoothing,
        )

    rows = 0 if probable else _rows_at_once(options, input, linear_weight, target)
    if not rows:
        return loss(input, target, reduction)
    pairs = zip(input.split(rows), target.split(rows), strict=True)  # type: ignore[attr-defined]
    losses: Any = cat([loss(x, t, "none") for x, t in pairs])
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.sum() / _share(target, weight, ignored, losses)


def _share(target: Any, weight: Any, ignored: int, losses: Tensor) -> Any:
    """What the mean divides by: the weights of the targets that count."""
    counted = target != ignored
    if weight is None:
        return counted.sum().to(losses.dtype)
    return weight[target[counted]].sum()
