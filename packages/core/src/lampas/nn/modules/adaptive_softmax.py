"""A softmax over many classes that spends little on the rare ones.

Source: Grave et al. 2017, "Efficient softmax approximation for GPUs".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lampas.backend.device import to_host
from lampas.dtypes import DType
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.nn import functional as F
from lampas.nn.module import Module
from lampas.nn.modules.container import ModuleList, Sequential
from lampas.nn.modules.linear import Linear
from lampas.ops.create import tensor
from lampas.ops.join import cat

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    """What :class:`AdaptiveLogSoftmaxWithLoss` returns."""

    output: Tensor
    loss: Tensor


def _checked_cutoffs(cutoffs: Sequence[int], n_classes: int) -> list[int]:
    bounds = [int(c) for c in cutoffs]
    rising = all(a < b for a, b in zip([0, *bounds], [*bounds, n_classes], strict=True))
    if not bounds or not rising or bounds != list(cutoffs):
        raise ArgumentError(
            "cutoffs must be a non-empty sequence of unique, positive integers in "
            f"increasing order, each below n_classes ({n_classes}), got {cutoffs}"
        )
    return bounds


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probability of the target among many classes, ordered by frequency.

    The head has a score for each frequent class and one for each cluster of rarer
    ones; ``log p(class) = log p(cluster) + log p(class | cluster)``, where the k-th
    cluster works with ``in_features / div_value^k`` features.

    Args:
        in_features: features of the input.
        n_classes: number of classes, the most frequent first.
        cutoffs: the first class of each cluster, in increasing order.
        div_value: by how much each cluster has fewer features than the one before.
        head_bias: whether the head has a bias.
        device, dtype: of the parameters.

    Raises:
        ValueError: the cutoffs are not increasing or not below ``n_classes``.

    >>> import lampas
    >>> layer = lampas.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
    >>> result = layer(lampas.zeros(3, 8), lampas.tensor([0, 7, 19]))
    >>> result.output.shape, result.loss.shape
    (lampas.Size([3]), lampas.Size([]))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        bounds = _checked_cutoffs(cutoffs, n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*bounds, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = bounds[0]
        self.n_clusters = len(bounds)
        self.head_size = self.shortlist_size + self.n_clusters
        kind = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **kind)
        self.tail = ModuleList()
        for k, first in enumerate(bounds):
            width = int(in_features // div_value ** (k + 1))
            size = self.cutoffs[k + 1] - first
            self.tail.append(
                Sequential(
                    Linear(in_features, width, bias=False, **kind),
                    Linear(width, size, bias=False, **kind),
                )
            )

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        self.head.reset_parameters()
        for cluster in self.tail:
            for layer in cluster:
                layer.reset_parameters()

    def _checked(self, input: Tensor, target: Tensor) -> np.ndarray:
        """The classes as a host array, after all checks."""
        if target.dim() > 1 or input.dim() != target.dim() + 1:
            raise ShapeError(
                "input and target must be (N, in_features) and (N,), or (in_features,) "
                f"and (), got {tuple(input.shape)} and {tuple(target.shape)}"
            )
        if input.shape[:-1] != target.shape:
            raise ShapeError(
                "input and target should have the same size in the batch dimension, "
                f"got {tuple(input.shape)} and {tuple(target.shape)}"
            )
        classes = to_host(target._data).reshape(-1)
        if classes.size and not 0 <= classes.min() <= classes.max() < self.n_classes:
            raise ShapeError(
                f"target values should be in [0, {self.n_classes - 1}], got values in "
                f"[{classes.min()}, {classes.max()}]"
            )
        return classes

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        """Log-probability of each target, and minus their mean.

        Args:
            input: (N, in_features) or (in_features,).
            target: classes, (N,) or ().

        Returns:
            ``output`` of the target's shape, and ``loss``.

        Raises:
            RuntimeError: the shapes do not fit, or a class is out of range.
        """
        classes = self._checked(input, target)
        rows = input if input.dim() == 2 else input.unsqueeze(0)
        cluster = np.searchsorted(self.cutoffs, classes, side="right")
        place = np.where(cluster, self.shortlist_size + cluster - 1, classes)
        on: dict[str, Any] = {"device": input.device}
        head = F.log_softmax(self.head(rows), -1)
        output = head.gather(1, tensor(place[:, None], **on)).squeeze(1)
        for k in np.unique(cluster[cluster > 0]):
            at = np.flatnonzero(cluster == k)
            index = tensor(at, **on)
            inside = tensor(classes[at, None] - self.cutoffs[k - 1], **on)
            scores = self.tail[int(k) - 1](rows.index_select(0, index))
            chosen = F.log_softmax(scores, -1).gather(1, inside).squeeze(1)
            output = output.index_add(0, index, chosen)
        loss = -output.mean()
        return _ASMoutput(output if input.dim() == 2 else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        head = F.log_softmax(self.head(input), -1)
        parts = [head[:, : self.shortlist_size]]
        for k, cluster in enumerate(self.tail):
            at = self.shortlist_size + k
            parts.append(F.log_softmax(cluster(input), -1) + head[:, at : at + 1])
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row of (N, in_features)."""
        best = self.head(input).argmax(1)
        if bool((best < self.shortlist_size).all()):
            return best
        return self.log_prob(input).argmax(1)
