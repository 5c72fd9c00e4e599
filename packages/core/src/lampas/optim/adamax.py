"""Adamax (Kingma and Ba 2015, section 7.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_betas, check_modes, check_not_negative

__all__ = ["Adamax"]


class Adamax(ByElement):
    """Adam with the largest gradient of late in place of the mean square.

    ``m = b1 * m + (1 - b1) * g``, ``u = max(b2 * u, abs(g) + eps)``,
    ``p = p - lr / (1 - b1 ** t) * m / u``.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        betas: (b1, b2), each in [0, 1).
        eps: added to the size of a gradient, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adamax([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.998
    """

    _kernel = staticmethod(bind("adamax_step", left_alone))
    _kernel_numbers = ("lr", "betas", "eps", "weight_decay")

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return "exp_avg", "exp_inf"

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        b1, b2 = group["betas"]
        g = with_decay(g, data, group["weight_decay"])
        mean, largest = moments
        work = g * (1 - b1)
        mean *= b1
        mean += work
        np.abs(g, out=work)
        work += group["eps"]
        largest *= b2
        np.maximum(largest, work, out=largest)
        np.divide(mean, largest, out=work)
        work *= float(group["lr"]) / (1 - b1**t)
        data -= work
