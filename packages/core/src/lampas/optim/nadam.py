"""NAdam: Adam with Nesterov's momentum (Dozat 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.engine.tensor import Tensor
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_betas, check_modes, check_not_negative
from lampas.optim.optimizer import like, number

__all__ = ["NAdam"]


class NAdam(ByElement):
    """Adam that looks ahead by the momentum of the next step.

    With ``mu(t) = b1 * (1 - 0.96 ** (t * momentum_decay) / 2)``, ``M(t)`` the product
    of ``mu(1)`` to ``mu(t)``, and ``m``, ``v`` the running means of Adam:
    ``h = (1 - mu(t)) / (1 - M(t)) * g + mu(t + 1) / (1 - M(t + 1)) * m``,
    ``p = p - lr * h / (sqrt(v / (1 - b2 ** t)) + eps)``.

    Source: Dozat, Incorporating Nesterov Momentum into Adam, 2016.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        betas: (b1, b2), each in [0, 1).
        eps: added to the denominator, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        momentum_decay: how fast the momentum nears b1, >= 0.
        decoupled_weight_decay: shrink the parameters instead, as AdamW does.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.NAdam([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9979
    """

    _numbers = ("step", "mu_product")

    _kernel = staticmethod(bind("nadam_step", left_alone))
    _kernel_numbers = ("lr", "betas", "eps", "weight_decay")
    _kernel_flags = ("decoupled_weight_decay", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_not_negative(momentum_decay=momentum_decay)
        check_betas(betas)
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        moments = {name: like(p) for name in self._moments(group)}
        return {"step": number(0), "mu_product": number(1), **moments}

    def _factors(self, state: dict[str, Any], t: int, group: dict[str, Any]) -> Any:
        """The weights of the gradient and of the mean, and the step's number."""
        b1, decay = group["betas"][0], group["momentum_decay"]
        mu = b1 * (1 - 0.5 * 0.96 ** (t * decay))
        ahead = b1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        product = state["mu_product"]._data
        product *= mu
        so_far = float(product)
        return (1 - mu) / (1 - so_far), ahead / (1 - so_far * ahead), t

    def _step(
        self,
        data: Any,
        g: Any,
        moments: list[Any],
        factors: tuple[float, float, int],
        group: dict[str, Any],
    ) -> None:
        b1, b2 = group["betas"]
        lr, decay = float(group["lr"]), group["weight_decay"]
        of_gradient, of_mean, t = factors
        if group["decoupled_weight_decay"]:
            data *= 1 - lr * decay
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
        root = square / (1 - b2**t)
        np.sqrt(root, out=root)
        root += group["eps"]
        step = g * (lr * of_gradient)
        np.multiply(mean, lr * of_mean, out=work)
        step += work
        step /= root
        data -= step
