"""Resilient backpropagation (Riedmiller and Braun 1993)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.optim._by_element import ByElement
from lampas.optim._options import check_modes, check_not_negative

__all__ = ["Rprop"]


class Rprop(ByElement):
    """Steps by the sign of the gradient, of a size that each element learns.

    The size grows by ``etas[1]`` while the sign of the gradient stays and shrinks by
    ``etas[0]`` when it turns, within ``step_sizes``; ``p = p - sign(g) * size``. An
    element whose sign has turned waits for one step.

    Source: Riedmiller and Braun, A Direct Adaptive Method for Faster Backpropagation
    Learning: The RPROP Algorithm, 1993.

    Args:
        params: parameters or groups.
        lr: the first size, >= 0; a number or a tensor of one element.
        etas: (shrinking, growing), with ``0 < etas[0] < 1 < etas[1]``.
        step_sizes: the smallest and the largest size.
        foreach, capturable: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Rprop([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.99
    """

    _kernel = staticmethod(bind("rprop_step", left_alone))
    _kernel_numbers = ("etas", "step_sizes")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr=lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ArgumentError(
                f"etas must be (below 1, above 1), both > 0, got {etas}"
            )
        check_modes(lr, foreach=foreach, differentiable=differentiable)
        options = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return "prev", "step_size"

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = super()._begin(p, group)
        size = float(group["lr"])
        # Both parts of a complex number have a size.
        state["step_size"]._data[...] = complex(size, size) if p.is_complex() else size
        return state

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        shrink, grow = group["etas"]
        before, size = moments
        turn = g * before
        size *= np.where(turn > 0, grow, 1.0)
        turned = turn < 0
        size *= np.where(turned, shrink, 1.0)
        np.clip(size, *group["step_sizes"], out=size)
        before[...] = np.where(turned, 0, g)
        np.sign(before, out=turn)
        turn *= size
        data -= turn
