"""Averaged stochastic gradient descent (Polyak and Juditsky 1992)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.engine.tensor import Tensor
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_modes, check_not_negative
from lampas.optim.optimizer import like, number

__all__ = ["ASGD"]


class ASGD(ByElement):
    """Gradient descent with a falling rate that averages the parameters it visits.

    ``p = p * (1 - lambd * eta) - eta * g``, ``ax = ax + mu * (p - ax)``, and then
    ``eta = lr / (1 + lambd * lr * t) ** alpha``, ``mu = 1 / max(1, t - t0)``. The mean
    is kept in the state as ``ax``.

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging,
    1992.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        lambd: decay of the parameters.
        alpha: power by which the rate falls.
        t0: the step at which averaging begins.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.ASGD([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.98
    """

    _numbers = ("step", "eta", "mu")

    _kernel = staticmethod(bind("asgd_step", left_alone))
    _kernel_numbers = ("lambd", "weight_decay")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, weight_decay=weight_decay)
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("ax",)

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        eta, mu = number(float(group["lr"])), number(1)
        return {"step": number(0), "eta": eta, "mu": mu, "ax": like(p)}

    def _factors(self, state: dict[str, Any], t: int, group: dict[str, Any]) -> Any:
        """The rate and the weight of this step; the state gets the next ones."""
        lr, eta, mu = float(group["lr"]), state["eta"]._data, state["mu"]._data
        now = float(eta), float(mu)
        eta[...] = lr / (1 + group["lambd"] * lr * t) ** group["alpha"]
        mu[...] = 1 / max(1, t - group["t0"])
        return now

    def _step(
        self,
        data: Any,
        g: Any,
        moments: list[Any],
        factors: tuple[float, float],
        group: dict[str, Any],
    ) -> None:
        eta, mu = factors
        average = moments[0]
        g = with_decay(g, data, group["weight_decay"])
        work = g * eta
        data *= 1 - group["lambd"] * eta
        data -= work
        if mu == 1:
            average[...] = data
        else:
            np.subtract(data, average, out=work)
            work *= mu
            average += work
