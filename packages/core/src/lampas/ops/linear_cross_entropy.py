"""Cross entropy of scores that a linear map gives, without keeping all the scores.

With many classes the scores are by far the largest tensor of a training step. The
chunked form makes them for some rows at a time, takes the gradients at once and keeps
only these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import HALVES, DType, float32
from lampas.engine.backward import grad
from lampas.engine.function import Function
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.cross_entropy import cross_entropy
from lampas.ops.join import cat
from lampas.ops.matmul import linear

__all__ = ["LinearCrossEntropyOptions", "linear_cross_entropy"]

_NAME = "linear_cross_entropy"

# Scores that are there at once where the options do not say how many rows.
_SCORES = 1 << 20


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How :func:`linear_cross_entropy` is cut into chunks.

    Args:
        allow_retain_graph: accepted; a second backward pass is always possible.
        batch_chunk_size: rows of one chunk; by default so many that a chunk has about
            a million scores.
        chunking_method, acc_policy, acc_dtype: accepted; half precision is summed up in
            float32.

    Raises:
        ValueError: ``batch_chunk_size`` is not positive.

    >>> LinearCrossEntropyOptions(batch_chunk_size=8).batch_chunk_size
    8
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        if self.batch_chunk_size is not None and self.batch_chunk_size <= 0:
            raise ArgumentError(
                f"batch_chunk_size must be positive, got {self.batch_chunk_size}"
            )


@dataclass(frozen=True)
class _Settings:
    """What the loss of a chunk is computed with."""

    weight: Tensor | None
    ignore_index: int
    label_smoothing: float
    rows: int

    def loss(self, x: Tensor, w: Tensor, b: Tensor | None, target: Tensor) -> Tensor:
        return cross_entropy(
            linear(x, w, b),
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )

    def divisor(self, target: Tensor) -> float:
        """What the sum is divided by to be the mean."""
        if target.is_floating_point():
            return float(target.shape[0])
        labels = to_host(target._data)
        labels = labels[labels != self.ignore_index]
        if self.weight is None:
            return float(labels.size)
        return float(to_host(self.weight._data).astype(np.float64)[labels].sum())


def _plus(total: Tensor | None, more: Tensor | None) -> Tensor | None:
    """A running sum; half precision is summed up in float32."""
    if more is None:
        return total
    more = more.to(float32) if more._data.dtype in HALVES else more  # type: ignore[attr-defined]
    return more if total is None else total + more


class _Chunked(Function):
    """The sum of the losses; its gradients are taken in forward, chunk by chunk."""

    @staticmethod
    def forward(
        ctx: Any, x: Any, w: Any, b: Any, target: Any, settings: _Settings
    ) -> Any:
        need = ctx.needs_input_grad[:3]
        total: Any = None
        rows: list[Any] = []
        sums: list[Any] = [None, None]
        for start in range(0, x.shape[0], settings.rows):
            part = slice(start, start + settings.rows)
            given = [None if t is None else t.detach() for t in (x[part], w, b)]
            wanted = [t for t, n in zip(given, need, strict=True) if n]
            for t in wanted:
                t.requires_grad_()
            with enable_grad():
                loss = settings.loss(*given, target[part])
            found = iter(grad(loss, wanted) if wanted else ())
            dx, *rest = (next(found) if n else None for n in need)
            rows.append(dx)
            sums = [_plus(a, d) for a, d in zip(sums, rest, strict=True)]
            total = _plus(total, loss.detach())
        ctx.kept = (cat(rows) if need[0] else None, *sums)
        ctx.dtypes = [None if t is None else t.dtype for t in (x, w, b)]
        return total.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        grads = (
            None if d is None else (d * g.to(d.dtype)).to(dtype)
            for d, dtype in zip(ctx.kept, ctx.dtypes, strict=True)
        )
        return *grads, None, None


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
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: (N, in_features) or (in_features,).
        linear_weight: (C, in_features), or (C, ..., in_features) with more dimensions
            of outputs.
        target: class numbers (N, ...), or probabilities (N, C, ...).
        linear_bias: (C, ...), added to the scores.
        weight: (C,), factor of each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        ignore_index: a target that counts for nothing; None is -100.
        label_smoothing: in [0, 1].
        options: work in chunks, so that the scores of all rows are never there at
            once. Gradients are then of first order only. Losses without reduction and
            outputs of more dimensions are computed at once all the same.

    Raises:
        RuntimeError: shapes that do not fit, or ``ignore_index`` and probabilities.

    >>> x, w = lampas.zeros(3, 2), lampas.zeros(4, 2)
    >>> lampas.nn.functional.linear_cross_entropy(x, w, lampas.tensor([0, 1, 2]))
    tensor(1.3863)
    """
    _check(input, linear_weight, linear_bias)
    if ignore_index is not None and target.is_floating_point():
        raise ShapeError(
            f"{_NAME}: ignore_index needs targets of class numbers, got probabilities"
        )
    ignored = -100 if ignore_index is None else ignore_index
    sizes = tuple(linear_weight._data.shape)
    classes = math.prod(sizes[:-1])
    chunked = options is not None and reduction != "none"
    # Gradients of targets and factors are not taken in chunks.
    chunked = chunked and not any(
        t is not None and t.requires_grad for t in (target, weight)
    )
    if chunked and len(sizes) == 2 and input._data.ndim == 2 and len(input):
        rows = options.batch_chunk_size or max(1, _SCORES // max(classes, 1))  # type: ignore[union-attr]
        settings = _Settings(weight, ignored, label_smoothing, rows)
        total = _Chunked.apply(input, linear_weight, linear_bias, target, settings)
        return total / settings.divisor(target) if reduction == "mean" else total
    flat: Any = linear_weight.reshape(classes, sizes[-1])  # type: ignore[attr-defined]
    bias: Any = None if linear_bias is None else linear_bias.reshape(classes)  # type: ignore[attr-defined]
    scores: Any = linear(input, flat, bias)
    if len(sizes) > 2:
        scores = scores.reshape(-1, *sizes[:-1])
    return cross_entropy(
        scores,
        target,
        weight,
        ignore_index=ignored,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
