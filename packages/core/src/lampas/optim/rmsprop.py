"""RMSprop (Hinton 2012; centered: Graves 2013)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_modes, check_not_negative

__all__ = ["RMSprop"]


class RMSprop(ByElement):
    """Steps divided by the root of a running mean of squares.

    ``s = alpha * s + (1 - alpha) * g ** 2``; if centered, ``m`` is the running mean of
    ``g`` and ``r = sqrt(s - m ** 2) + eps``, otherwise ``r = sqrt(s) + eps``;
    ``v = momentum * v + g / r``, ``p = p - lr * v``.

    Sources: Hinton, Neural Networks for Machine Learning, lecture 6, 2012; Graves,
    Generating Sequences With Recurrent Neural Networks, 2013.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        alpha: weight of the past in the means, >= 0.
        eps: added to the root, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        momentum: factor of the velocity, >= 0.
        centered: divide by the deviation instead of the size.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.RMSprop([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    _kernel = staticmethod(bind("rmsprop_step", left_alone))
    _kernel_numbers = ("lr", "alpha", "eps", "weight_decay", "momentum")
    _kernel_flags = ("centered", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)
        check_not_negative(momentum=momentum)
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        velocity = ("momentum_buffer",) if group["momentum"] else ()
        return "square_avg", *velocity, *(("grad_avg",) if group["centered"] else ())

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        alpha = group["alpha"]
        g = with_decay(g, data, group["weight_decay"])
        square = moments[0]
        work = g * g
        work *= 1 - alpha
        square *= alpha
        square += work
        if group["centered"]:
            mean = moments[-1]
            np.multiply(g, 1 - alpha, out=work)
            mean *= alpha
            mean += work
            np.multiply(mean, mean, out=work)
            root = np.sqrt(np.subtract(square, work, out=work), out=work)
        else:
            root = np.sqrt(square, out=work)
        root += group["eps"]
        step = np.divide(g, root, out=work)
        if group["momentum"]:
            velocity = moments[1]
            velocity *= group["momentum"]
            velocity += step
            step = velocity * float(group["lr"])
        else:
            step *= float(group["lr"])
        data -= step
