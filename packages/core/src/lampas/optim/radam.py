"""RAdam: Adam with a rectified start (Liu et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_betas, check_modes, check_not_negative

__all__ = ["RAdam"]


class RAdam(ByElement):
    """Adam that takes plain steps until the mean square can be trusted.

    With Adam's means ``m``, ``v``, ``r = 2 / (1 - b2) - 1`` and
    ``q = r - 2 * t * b2 ** t / (1 - b2 ** t)``: the step is ``lr * m / (1 - b1 ** t)``,
    and where ``q > 5`` it is multiplied by ``sqrt(1 - b2 ** t) / (sqrt(v) + eps)`` and
    ``sqrt((q - 4) * (q - 2) * r / ((r - 4) * (r - 2) * q))``.

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2020.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        betas: (b1, b2), each in [0, 1).
        eps: added to the denominator, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        decoupled_weight_decay: shrink the parameters instead, as AdamW does.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.RAdam([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.998
    """

    _kernel = staticmethod(bind("radam_step", left_alone))
    _kernel_numbers = ("lr", "betas", "eps", "weight_decay")
    _kernel_flags = ("decoupled_weight_decay", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def _factors(self, state: dict[str, Any], t: int, group: dict[str, Any]) -> Any:
        """The factor of the mean, and the rectified one; 0 where there is none."""
        b1, b2 = group["betas"]
        correction = 1 - b2**t
        most = 2 / (1 - b2) - 1
        length = most - 2 * t * b2**t / correction
        plain = float(group["lr"]) / (1 - b1**t)
        if length <= 5:
            return plain, 0.0
        above = (length - 4) * (length - 2) * most
        return plain, (above / ((most - 4) * (most - 2) * length) * correction) ** 0.5

    def _step(
        self,
        data: Any,
        g: Any,
        moments: list[Any],
        factors: tuple[float, float],
        group: dict[str, Any],
    ) -> None:
        b1, b2 = group["betas"]
        decay = group["weight_decay"]
        if group["decoupled_weight_decay"]:
            data *= 1 - float(group["lr"]) * decay
        else:
            g = with_decay(g, data, decay)
        mean, square = moments
        work = g * (1 - b1)
        mean *= b1
        mean += work
        np.multiply(g, g, out=work)
        work *= 1 - b2
        square *= b2
        square += work
        plain, rectified = factors
        np.multiply(mean, plain, out=work)
        if rectified:
            root = np.sqrt(square)
            root += group["eps"]
            work /= root
            work *= rectified
        data -= work
