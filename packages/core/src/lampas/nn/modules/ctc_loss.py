"""The loss of label sequences that are not aligned with their input."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.engine.tensor import Tensor
from lampas.nn import functional as F
from lampas.nn.module import Module

__all__ = ["CTCLoss"]


class CTCLoss(Module):
    """Minus the log-likelihood of label sequences, over all their alignments.

    Args:
        blank: the class that stands for no label.
        reduction: ``"mean"`` divides each loss by its target's length and averages;
            ``"sum"`` or ``"none"``.
        zero_infinity: losses of targets too long for their input are zero.

    Shapes:
        log_probs (T, N, C) or (T, C); targets (N, S), or all joined in one dimension;
        the loss is (), or (N,) without reduction.

    >>> import lampas
    >>> scores = lampas.zeros(2, 1, 2).log_softmax(2)
    >>> lampas.nn.CTCLoss()(scores, lampas.tensor([[1]]), [2], [1])
    tensor(0.2877)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__()
        self.blank = blank
        self.reduction = reduction
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        """The loss of ``targets``; lengths say how much of each sequence counts."""
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
