"""Adadelta (Zeiler 2012)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.errors import ArgumentError
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_modes, check_not_negative

__all__ = ["Adadelta"]


class Adadelta(ByElement):
    """Steps in the unit of the parameter, from running means of squares.

    ``s = rho * s + (1 - rho) * g ** 2``, ``d = sqrt(a + eps) / sqrt(s + eps) * g``,
    ``a = rho * a + (1 - rho) * d ** 2``, ``p = p - lr * d``.

    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012.

    Args:
        params: parameters or groups.
        lr: factor of the step, >= 0; a number or a tensor of one element.
        rho: weight of the past in the means, in [0, 1].
        eps: added under the roots, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9968
    """

    _kernel = staticmethod(bind("adadelta_step", left_alone))
    _kernel_numbers = ("lr", "rho", "eps", "weight_decay")

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        if rho > 1:
            raise ArgumentError(f"rho must be in [0, 1], got {rho}")
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "capturable": capturable,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return "square_avg", "acc_delta"

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        rho, eps = group["rho"], group["eps"]
        g = with_decay(g, data, group["weight_decay"])
        square, changes = moments
        work = g * g
        work *= 1 - rho
        square *= rho
        square += work
        step = changes + eps
        np.add(square, eps, out=work)
        step /= work
        np.sqrt(step, out=step)
        step *= g
        np.multiply(step, step, out=work)
        work *= 1 - rho
        changes *= rho
        changes += work
        step *= float(group["lr"])
        data -= step
