"""A linear map to class scores and their cross entropy in one module."""

from __future__ import annotations

import math
from typing import Any

from lampas.dtypes import DType
from lampas.engine.tensor import Tensor
from lampas.nn import functional as F
from lampas.nn.module import Module
from lampas.nn.modules.linear import Linear
from lampas.ops.linear_cross_entropy import LinearCrossEntropyOptions

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]


class LinearCrossEntropyLoss(Module):
    """``CrossEntropyLoss()(Linear(in_features, num_classes)(input), target)``.

    Args:
        in_features: features of the input.
        num_classes: C.
        out_features: more dimensions of outputs, each with a target of its own.
        bias: whether the map has one.
        device, dtype: of its parameters.
        reduction, weight, ignore_index, label_smoothing, options: as for
            :func:`nn.functional.linear_cross_entropy`.

    Parameters:
        linear.weight (C * prod(out_features), in_features), linear.bias.

    >>> import lampas
    >>> loss = lampas.nn.LinearCrossEntropyLoss(4, 5)
    >>> loss(lampas.zeros(3, 4), lampas.tensor([0, 1, 4]))
    tensor(1.6094, grad_fn=<NllLossBackward0>)
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.num_classes = num_classes
        self.out_features = tuple(out_features)
        rows = num_classes * math.prod(self.out_features)
        self.linear = Linear(in_features, rows, bias=bias, device=device, dtype=dtype)
        self.register_buffer("weight", weight)
        self.reduction = reduction
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of (N, in_features) against targets."""
        sizes = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*sizes, self.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(sizes),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"in_features={self.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
