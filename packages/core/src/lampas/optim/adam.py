"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.optim._by_element import ByElement
from lampas.optim._options import check_betas, check_modes, check_not_negative

__all__ = ["Adam", "AdamW"]


class Adam(ByElement):
    """Steps scaled by running means of the gradient and of its square.

    ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * g ** 2``,
    ``p = p - lr * (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)``.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        betas: (b1, b2), each in [0, 1).
        eps: added to the denominator.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        amsgrad: divide by the largest ``v`` so far (Reddi et al. 2018).
        foreach, capturable, fused: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.
        decoupled_weight_decay: shrink the parameters instead, as AdamW does.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    _kernel = staticmethod(bind("adam_step", left_alone))
    _kernel_numbers = ("lr", "betas", "eps", "weight_decay")
    _kernel_flags = ("decoupled_weight_decay", "amsgrad", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)
        check_modes(
            lr,
            foreach=foreach,
            fused=fused,
            capturable=capturable,
            differentiable=differentiable,
        )
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        b1, b2 = map(float, group["betas"])
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        if decay and group["decoupled_weight_decay"]:
            data *= 1 - lr * decay
        elif decay:
            g = g + data * decay
        mean, square = moments[0], moments[1]
        work = g * (1 - b1)
        mean *= b1
        mean += work
        np.multiply(g, g, out=work)
        work *= 1 - b2
        square *= b2
        square += work
        if group["amsgrad"]:
            np.maximum(moments[2], square, out=moments[2])
            square = moments[2]
        scale = 1 / (1 - b2**t) ** 0.5
        root = np.sqrt(square)
        root *= scale
        root += group["eps"]
        np.divide(mean, root, out=work)
        work *= lr / (1 - b1**t)
        data -= work


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters: ``p = p * (1 - lr * decay)``.

    Args:
        params, lr, betas, eps, amsgrad, maximize: as for :class:`Adam`.
        weight_decay: the decay, >= 0.
        foreach, capturable, fused: accepted; one implementation serves all.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> lampas.optim.AdamW([w]).defaults["weight_decay"]
    0.01
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
